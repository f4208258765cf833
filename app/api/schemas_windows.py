"""Wire models of windows: the part of a crowded image that alone is labeled."""

from typing import Literal

from pydantic import Field

from app.api.schemas_base import Answer, Request

WINDOW_OBJECTS = 6
"""How many objects a proposed window shows: of 6, 12 and 24 it taught most a second (docs/benchmarks.md)."""
LabeledWindow = tuple[int, int, int, int]
"""x0 y0 x1 y1 on whole image pixels, exclusive at the far side."""


class WindowAsked(Request):
    """How many objects a window should show, and which of the draws, where chance places it."""

    n_objects: int = Field(WINDOW_OBJECTS, ge=1, le=1000)
    seed: int = Field(0, ge=0)


class ProposedWindow(Answer):
    """A window to label alone; null: the image is not crowded, label it whole."""

    window: LabeledWindow | None
    n_objects: int | None
    """Objects of the starting mask, in the whole image; null where there is no starting mask."""
    placed_by: Literal["uncertainty", "chance", "reader"]
    """Where the head is least sure, at random, or where the first reader of the image labeled it."""
