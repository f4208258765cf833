"""Wire models of more than one reader: second reads, agreement, adjudication, gold items."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas_base import Annotator, Answer, Request, Task
from app.api.schemas_items import ObjectIn
from app.api.schemas_windows import LabeledWindow

Side = Literal["a", "b"]
Decision = Literal["a", "b", "union", "intersection"]
ObjectDecision = Literal["a", "b", "union", "intersection", "none"]
Unit = Literal["mm", "px"]


class ItemsIn(Request):
    """Images, and who asks something for them."""

    item_ids: list[int] = Field(min_length=1, max_length=10_000)
    annotator: Annotator | None = None


class Asked(Answer):
    """What became of a wish for second reads: images that were not asked before, and how many were."""

    asked: list[int]
    n_asked_before: int


class ClassMeasure(Answer):
    """How two readers agree on one class of one image; distances are null where one of them does not show it."""

    class_id: int
    dice: float
    distance: float | None
    hd95: float | None


class ClassMean(Answer):
    """How readers agree on one class: mean over the images where at least one of them shows it."""

    class_name: str
    n: int
    dice: float
    distance: float | None


class Agreement(Answer):
    """How far second readers agree with first ones, over all images that were read twice."""

    task: Task
    n_wanted: int
    """Images that wait for a second reader."""
    n_read: int
    n_apart: int
    """Read twice, below the threshold, and not decided yet."""
    n_decided: int
    seconds: float
    """Working time of the second readers."""
    mean: float | None
    """Mean Dice, or share of the same labels; null before the first image was read twice."""
    ci_low: float | None
    ci_high: float | None
    """95 % bootstrap interval of the mean, over groups (patients) where there are any; null below two of them."""
    distance: float | None
    """Mean surface distance; null where no class is shown by both, or some images have a spacing and others none."""
    unit: Unit
    kappa: float | None
    """Cohen's, in classification; null where all labels are the same."""
    per_class: list[ClassMean]


class Dispute(Answer):
    """An image whose two readers are apart, in the list of what waits."""

    item_id: int
    name: str
    score: float
    """Mean Dice; in classification 0."""
    distance: float | None
    unit: Unit


class Adjudications(Answer):
    """What waits for a decision, furthest apart first."""

    waiting: list[Dispute]
    n_decided: int


class Reading(Answer):
    """One reader's answer, without a name."""

    label: str | None
    objects: list[ObjectIn]
    labeled_window: LabeledWindow | None = None
    """The part that this reader labeled alone; null: the whole image."""


class Pair(Answer):
    """An object of the one and its partner of the other; null where a reader has none."""

    class_id: int
    a: int | None
    b: int | None
    dice: float


class Adjudication(Answer):
    """Two readings of one image beside each other. Which of them is A hangs on chance; names follow the decision."""

    item_id: int
    name: str
    version: int
    second_id: int
    """Names the second reading, which may be corrected until the decision; a decision says which one it saw."""
    a: Reading
    b: Reading
    pairs: list[Pair]
    classes: list[ClassMeasure]
    score: float
    distance: float | None
    unit: Unit
    decided: bool
    names: dict[Side, str] | None


class AdjudicateIn(Request):
    """A decision: one reader's answer, or both joined; `objects` decides pair by pair instead."""

    submission_id: UUID
    base_version: int = Field(ge=1)
    second_id: int
    act: Decision
    objects: list[ObjectDecision] | None = Field(None, max_length=10_000)
    annotator: Annotator | None = None
    seconds: float = Field(0.0, ge=0)


class Adjudicated(Answer):
    """The version that a decision made, and who the readers were."""

    item_id: int
    version: int
    names: dict[Side, str]


class GoldIn(ItemsIn):
    """Images that become gold, or are ordinary again."""

    gold: bool = True


class GoldItem(Answer):
    """A gold image, with the version of its annotation that is the reference."""

    item_id: int
    name: str
    version: int
    marked_by: str
    n_answers: int


class GoldScore(Answer):
    """How an annotator does on gold images: mean Dice, or share of the right labels, with a 95 % interval.

    The interval is null below two groups.
    """

    annotator: str
    n: int
    n_skipped: int
    mean: float | None
    ci_low: float | None
    ci_high: float | None


class Gold(Answer):
    """Gold images of a project, and what annotators made of them."""

    items: list[GoldItem]
    annotators: list[GoldScore]
