"""Wire models of adaptations of the promptable model."""

from datetime import datetime

from pydantic import Field

from app.api.schemas_base import Answer, Request


class AdaptIn(Request):
    """How to adapt: the seed of every random choice."""

    seed: int = Field(0, ge=0)


class ClickScores(Answer):
    """How well a promptable model serves a simulated annotator; means over objects."""

    n_objects: int
    dice_box: float
    dice_1: float
    dice_3: float
    clicks_to_90: float
    """Clicks until Dice 0.9; 11 where ten do not reach it."""


class Adaptation(Answer):
    """An attempt to adapt the promptable model, and its scores on accepted masks that it did not learn from."""

    id: str
    parent_id: str | None
    """The adaptation that it went on from; null is the model as shipped."""
    job_id: int | None
    segmenter: str
    n_images: int
    n_objects: int
    n_held_out: int
    """Images that it was measured on."""
    before: ClickScores
    after: ClickScores
    accepted: bool
    in_use: bool
    reason: str
    created_at: datetime


class Adaptations(Answer):
    """All attempts of a project, oldest first; `in_use` null is the model as shipped."""

    in_use: str | None
    adaptations: list[Adaptation]
