"""Wire models of rounds, jobs, exports and the health check."""

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from app.api.schemas_base import Answer, JobKind, JobState, Request, Spec


class RoundIn(Request):
    """How many items to ask next, and how to choose them; null is the project's setting."""

    n: int | None = Field(None, ge=1, le=10_000)
    strategy: Spec | None = None
    seed: int = Field(0, ge=0)


class Measurement(Answer):
    """A value with its 95 % interval over groups, and on how many images and groups it rests."""

    value: float
    ci95: tuple[float, float]
    n_items: int
    n_groups: int


class Round(Answer):
    """A batch that was asked, what it cost, and how good the model was when it was chosen."""

    number: int
    strategy: str
    reason: str
    n_selected: int
    n_labeled_before: int
    seconds_spent: float
    clicks: int
    metric: str | None
    value: float | None
    ci95: tuple[float, float] | None
    metric_on: Literal["audit", "crossfit"] | None = None
    """Which items `value` was measured on: the audit set, or labeled ones by heads that had not seen their group."""
    model_id: str | None
    created_at: datetime
    items_done: int
    n_control: int = 0
    n_audit: int = 0
    seconds_before: float | None = None
    """Annotator seconds of all annotations when the model was trained."""
    clicks_before: int | None = None
    audit: Measurement | None = None
    crossfit: Measurement | None = None
    agreement: float | None = None
    """With the model before, on images that neither was trained on: Cohen's kappa, or mean Dice."""
    coverage: float | None = None
    """Part of the pool near an image that the model was trained on."""


class Rounds(Answer):
    """All rounds of a project, oldest first."""

    rounds: list[Round]


class Job(Answer):
    """Long work and how far it is."""

    id: int
    project_id: int
    kind: JobKind
    state: JobState
    step: int
    steps: int
    message: str
    error: str | None
    result: dict[str, JsonValue] | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class JobEvent(Answer):
    """One line of a job's stream of events."""

    id: int
    event: Literal["progress", "log", "end"]
    data: Job


class ExportIn(Request):
    """Which format to export to."""

    format: Literal["coco", "masks", "csv"]


class StrategySetting(Answer):
    """One setting of a strategy, named in a spec: `strategy:setting=value`."""

    name: str
    kind: Literal["int", "float", "bool", "str", "choice"]
    default: int | float | bool | str | None
    """Null where the strategy decides."""
    is_optional: bool
    """Whether it can be null, which a spec writes as `none`."""
    choices: list[str]
    about: str


class RegistryEntry(Answer):
    """A method that can be chosen by name."""

    name: str
    summary: str
    paper: str | None = None
    licence: str | None = None
    needs: list[str] = Field(default=[])
    tasks: list[str] = Field(default=[], description="Of a strategy: the tasks whose rounds can feed it.")
    phase: str | None = Field(default=None, description="Of a strategy: `cold_start`, `round` or `any`.")
    advice: str | None = None
    settings: list[StrategySetting] = Field(default=[])


class Strategies(Answer):
    """The strategies that a project's next round can feed as it stands."""

    by_default: str = Field(description="What the round takes unless told otherwise.")
    strategies: list[RegistryEntry]


class Registry(Answer):
    """All methods that can be chosen by name."""

    strategies: list[RegistryEntry]
    encoders: list[RegistryEntry]
    segmenters: list[RegistryEntry]
    heads: list[RegistryEntry]


class Health(Answer):
    """Whether the server is up, and what it runs."""

    status: Literal["ok"]
    version: str
    schema_revision: str = Field(serialization_alias="schema", validation_alias="schema")
