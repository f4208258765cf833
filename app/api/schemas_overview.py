"""Wire models of a project seen as a whole: its map, its images by filter, what looks alike, what was picked."""

from typing import Literal

from pydantic import ConfigDict, Field

from app.api.schemas_base import Annotator, Answer, ItemState, Request
from app.api.schemas_items import ItemSummary

Order = Literal["import", "uncertainty", "newest"]


class ItemFilter(Request):
    """Which images of a project to list, and in which order; what is left out does not narrow the list."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=True)

    state: ItemState | None = None
    class_name: str | None = Field(default=None, alias="class", max_length=200)
    """Images whose newest answer says this class, or shows an object of it."""
    round: int | None = Field(default=None, ge=1)
    group: str | None = Field(default=None, max_length=1000)
    """The whole name of a group."""
    name: str | None = Field(default=None, max_length=1000)
    """Part of the image's name, whatever its case."""
    audit: bool | None = None
    """True lists only the audit set, False leaves it out."""
    flagged: bool | None = None
    """True lists only images that somebody asked another look at, False leaves them out."""
    order: Order = "import"
    """`uncertainty`: the newest model's most doubtful first; `newest`: the last answer first."""
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=1000)


class EmbeddingMap(Answer):
    """A project's images on the plane in which their embeddings differ most: lists with one entry an image."""

    item_ids: list[int]
    x: list[float]
    y: list[float]
    """Both from -1 to 1, in one scale: distances on the plane are true up to a factor."""
    states: list[int]
    """Places in `state_names`."""
    rounds: list[int | None]
    class_ids: list[int]
    """Class of the newest answer, in segmentation of its first object; 0 where there is none."""
    groups: list[int]
    """Places in `group_names`; -1 for an image without a group."""
    uncertainty: list[float | None]
    """Of the newest model, from 0; null where it was not asked."""
    state_names: list[ItemState]
    group_names: list[str]
    model_id: str | None
    """The model whose uncertainty this is; null where there is none."""
    shares: tuple[float, float]
    """Part of the embeddings' variance that each axis shows."""
    n_missing: int
    """Images that have no embedding yet, and so no place."""


class Similar(Answer):
    """Images that look like one, most similar first."""

    items: list["SimilarItem"]


class SimilarItem(ItemSummary):
    """An image and the cosine of its embedding to the one that was asked about."""

    cosine: float


class DuplicatePair(Answer):
    """Two images that look nearly the same."""

    first: ItemSummary
    second: ItemSummary
    cosine: float


class NearDuplicates(Answer):
    """Pairs of images that look nearly the same, most similar first; `total` counts those that are not listed too."""

    pairs: list[DuplicatePair]
    total: int


class PickIn(Request):
    """Images that a person wants asked next, and where on the page they were chosen."""

    item_ids: list[int] = Field(min_length=1, max_length=10_000)
    annotator: Annotator | None = None
    where: Literal["map", "gallery"] = "gallery"


class Picked(Answer):
    """What became of a pick: the images that are queued now, and how many were not, and why."""

    queued: list[int]
    n_asked_before: int
    """Queued, labeled or skipped already: left as they are."""
    n_audit: int
    """Of the audit set, which is asked by chance alone: left as they are."""
