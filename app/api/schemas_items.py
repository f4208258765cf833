"""Wire models of items: leases, prompts, masks, annotations and suggestions."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from app.api.schemas_base import Annotator, Answer, ItemState, Request
from app.api.schemas_masks import Rle
from app.api.schemas_volumes import SliceOf
from app.api.schemas_windows import LabeledWindow


class WindowIn(Request):
    """A display window in raw intensities."""

    level: float
    width: float = Field(gt=0)


class ItemWindow(Answer):
    """The window to show an image in at first, and the range of its values."""

    level: float
    width: float
    min: float
    max: float


class Lease(Answer):
    """The right to annotate one item until it expires; renew it by heartbeats."""

    token: str
    expires_at: datetime
    annotator: str


class PointIn(Request):
    """A click; label 1 is foreground, 0 background."""

    x: float
    y: float
    label: Literal[0, 1] = 1


class ScribbleIn(Request):
    """A freehand stroke: up to 1000 corners (x, y) of its line as drawn; label 1 is foreground, 0 background."""

    points: list[tuple[float, float]] = Field(min_length=1, max_length=1000)
    label: Literal[0, 1] = 1


BoxIn = tuple[float, float, float, float]


class EditsIn(Request):
    """Pixels that a person painted in and painted out by hand; over these the model has no say."""

    painted: Rle
    erased: Rle


class ObjectIn(Request):
    """One accepted object: its mask, and what it was made from."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), allow_inf_nan=False)
    class_id: int = Field(ge=1)
    mask: Rle
    name: str | None = Field(default=None, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")
    """What the annotator calls it, beside its class."""
    points: list[PointIn] = Field(default=[], max_length=1000)
    box: BoxIn | None = None
    scribbles: list[ScribbleIn] = Field(default=[], max_length=100)
    predicted_iou: float | None = None
    quality: float | None = None
    model_id: str | None = Field(None, max_length=200)
    edited: bool = False
    edits: EditsIn | None = None
    from_suggestion: bool = False


class AnnotationIn(Request):
    """An annotation to accept. The client makes `submission_id`; sending it twice is harmless."""

    submission_id: UUID
    lease_token: str = Field(max_length=100)
    base_version: int = Field(ge=0)
    label: str | None = Field(None, max_length=200)
    objects: list[ObjectIn] = Field(default=[], max_length=5000)
    window: WindowIn | None = None
    labeled_window: LabeledWindow | None = None
    """The part x0 y0 x1 y1 that alone is labeled, and completely; null: the whole image."""
    seconds: float = Field(0.0, ge=0)
    clicks: int = Field(0, ge=0)


class AnnotationReceipt(Answer):
    """Proof that an annotation is on disk."""

    item_id: int
    version: int
    submission_id: UUID


class Adjudicates(Answer):
    """Which two answers a version decides between, and how: `first`, `second`, `union`, `intersection`, ..."""

    act: Literal["first", "second", "union", "intersection", "objects", "redo"]
    first_id: int
    """Of the annotation."""
    second_id: int
    """Of the blind second read."""


class Annotation(Answer):
    """An accepted annotation as stored."""

    version: int
    submission_id: UUID
    annotator: str
    label: str | None
    objects: list[ObjectIn]
    window: WindowIn | None
    labeled_window: LabeledWindow | None = None
    """The part that alone is labeled; null: the whole image."""
    seconds: float
    clicks: int
    created_at: datetime
    adjudicates: Adjudicates | None = None
    """Where it decides between two readers."""


class Item(Answer):
    """One image of a project, and all that the page needs to work on it."""

    id: int
    project_id: int
    name: str
    width: int
    height: int
    dtype: Literal["uint8", "uint16"]
    channels: Literal[1, 3]
    window: ItemWindow
    version: int
    round: int | None
    reason: str | None
    lease: Lease | None
    has_suggestion: bool
    has_uncertainty: bool = False
    draft: JsonValue
    annotation: Annotation | None
    spacing_mm: tuple[float, float] | None
    state: ItemState
    flagged: bool = False
    """Somebody asked to look at it again."""
    volume: SliceOf | None = None
    """For a slice: where it lies in its volume."""
    asked_window: LabeledWindow | None = None
    """For a blind reader: the part that the first one labeled alone."""


class ItemSummary(Answer):
    """One line of the list of items."""

    id: int
    name: str
    state: ItemState
    round: int | None
    group: str | None = None
    classes: list[str] = Field(default=[])
    """Classes of the newest answer."""
    flagged: bool = False
    is_audit: bool = False
    """Kept to measure on: asked by chance alone, and never learned from."""
    uncertainty: float | None = None
    """Of the newest model; null where it was not asked."""
    answered_at: datetime | None = None


class ItemPage(Answer):
    """A page of the list of items."""

    items: list[ItemSummary]
    total: int


class NextIn(Request):
    """Who asks for work, and which items this page holds already."""

    annotator: Annotator | None = None
    exclude: list[int] = Field(default=[], max_length=1000)


class Upcoming(Answer):
    """Items that are likely to come next; no lease is taken."""

    items: list[int]


class LeaseTokenIn(Request):
    """Proof of a lease."""

    lease_token: str = Field(max_length=100)


class LeaseIn(Request):
    """Who wants to open this very item."""

    annotator: Annotator | None = None


class Heartbeat(Answer):
    """The lease's new end."""

    expires_at: datetime


class SkipIn(Request):
    """Why an item is put aside."""

    lease_token: str = Field(max_length=100)
    reason: str = Field("", max_length=1000)


class PrepareIn(Request):
    """The window that prompts will be given in; null is the image's own."""

    window: WindowIn | None = None


class DraftIn(Request):
    """Unfinished work, kept as it is."""

    lease_token: str = Field(max_length=100)
    draft: JsonValue


class PredictRequest(Request):
    """All prompts of one object: up to 256 points, a box, up to 32 scribbles.

    `rev` comes back in the answer; `object_id` keys the stored logits; an expired `logits_id` is ignored.
    """

    rev: int = 0
    object_id: str = Field("", max_length=100)
    points: list[PointIn] = Field(default=[], max_length=256)
    box: BoxIn | None = None
    scribbles: list[ScribbleIn] = Field(default=[], max_length=32)
    window: WindowIn | None = None
    logits_id: str | None = Field(None, max_length=100)


class Candidate(Answer):
    """One of the masks that the model offers."""

    counts: list[int]
    predicted_iou: float


class PredictAnswer(Answer):
    """The chosen mask in COCO uncompressed RLE, and the others; `logits_id` goes into this object's next request."""

    rev: int
    size: tuple[int, int]
    counts: list[int]
    predicted_iou: float
    quality: float
    candidates: list[Candidate]
    chosen: int
    logits_id: str
    model_id: str
    ms: float


class SuggestedObject(Answer):
    """A mask that the head offers to start from."""

    class_id: int
    mask: Rle
    mean_confidence: float
    expected_dice: float | None = None
    """The Dice that the head itself expects of the mask; null where it does not say."""


class SuggestedLabel(Answer):
    """A label that the head offers."""

    name: str
    confidence: float


class Suggestion(Answer):
    """What the head thinks of an item."""

    model_id: str
    objects: list[SuggestedObject] = Field(default=[])
    label: SuggestedLabel | None = None
    lower_bound: float | None = None
    """The mean Dice over its classes that such masks have at least, nine times in ten; null where nothing is known."""
