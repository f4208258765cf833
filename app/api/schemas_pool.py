"""Wire models of projects, imports and registries."""

from typing import Annotated

from pydantic import Field

from app.api.schemas_base import Answer, Name, Request, Spec, Task

Guidelines = Annotated[str, Field(max_length=20_000)]


class ProjectIn(Request):
    """A new project; everything but the name, the task and the classes has a default."""

    name: Name
    task: Task
    classes: list[Name] = Field(min_length=1, max_length=254)
    encoder: Spec = "builtin"
    segmenter: Spec = "builtin"
    head: Spec = "default"
    cold_start: Spec = "default"
    strategy: Spec = "default"
    batch_size: int = Field(20, ge=1, le=10_000)
    guidelines: Guidelines = ""
    """How to annotate, for the annotators to read: plain text, or a little Markdown."""
    adapt_automatically: bool = False
    """After a round that trained, adapt the promptable model to the accepted masks where enough are new."""
    second_read_share: float = Field(0.0, ge=0, le=1)
    """Part of the annotated images that a second person reads blind, drawn by chance."""
    adjudicate_below: float = Field(0.8, ge=0, le=1)
    """Mean Dice of two readers below which somebody decides; other labels are always decided."""
    gold_share: float = Field(0.0, ge=0, le=1)
    """Part of an annotator's images that are gold, as long as there are new ones."""


class ProjectPatch(Request):
    """Settings to change; what is left out stays. `classes` may only grow at its end."""

    name: Name | None = None
    classes: list[Name] | None = Field(None, min_length=1, max_length=254)
    encoder: Spec | None = None
    segmenter: Spec | None = None
    head: Spec | None = None
    cold_start: Spec | None = None
    strategy: Spec | None = None
    batch_size: int | None = Field(None, ge=1, le=10_000)
    guidelines: Guidelines | None = None
    adapt_automatically: bool | None = None
    second_read_share: float | None = Field(None, ge=0, le=1)
    adjudicate_below: float | None = Field(None, ge=0, le=1)
    gold_share: float | None = Field(None, ge=0, le=1)


class ClassInfo(Answer):
    """A class of a project; 0 is the background and not listed."""

    id: int
    name: str
    color: str


class Counts(Answer):
    """Images of a project by state; `queued` leaves out those that someone holds."""

    items: int = 0
    queued: int = 0
    leased: int = 0
    labeled: int = 0
    skipped: int = 0
    unqueued: int = 0


class Project(Answer):
    """A project with its settings and where it stands."""

    id: int
    name: str
    task: Task
    classes: list[ClassInfo]
    encoder: str
    segmenter: str
    head: str
    cold_start: str
    strategy: str
    batch_size: int
    adapt_automatically: bool
    guidelines: str = ""
    second_read_share: float = 0.0
    adjudicate_below: float = 0.8
    gold_share: float = 0.0
    counts: Counts
    round: int
    model_id: str | None
    adaptation_id: str | None
    """The adaptation of the promptable model in use; null is the model as shipped."""
    job_id: int | None
    """The job that waits or runs, or else the last one."""


class Projects(Answer):
    """All projects of the workspace."""

    projects: list[Project]


class ImportIn(Request):
    """Files and folders on the server to import."""

    paths: list[str] = Field(min_length=1, max_length=1000)
    group_by: str | None = Field(None, max_length=200)


class Duplicate(Answer):
    """A file whose bytes are in the project already."""

    path: str
    same_as: str


class Rejected(Answer):
    """A file that did not go in, and why."""

    path: str
    code: str
    reason: str


class ImportReport(Answer):
    """What became of every file of an import."""

    added: int = 0
    """Images; a volume counts as many as it has slices."""
    volumes: int = 0
    duplicates: list[Duplicate] = Field(default=[])
    rejected: list[Rejected] = Field(default=[])
    items: int = 0
    """Images in the project now."""
