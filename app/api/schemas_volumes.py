"""Wire models of volumes: what a slice knows of the whole, and masks carried over to neighbouring slices."""

from typing import Literal

from pydantic import Field

from app.api.schemas_base import Answer, ItemState, Request
from app.api.schemas_masks import Rle

Plane = Literal["axial", "coronal", "sagittal"]
Direction = Literal["both", "before", "after"]
PlanesMm = tuple[float, float, float]


class SliceOf(Answer):
    """Where an image lies in the volume that it is a slice of."""

    volume_id: int
    name: str
    index: int
    """From 0 in the stored order."""
    n_slices: int
    plane: Plane
    spacing_mm: float | None
    """Distance of neighbouring slices."""
    slope: float
    intercept: float
    """Value in the file's own unit = slope · pixel + intercept."""


class SliceState(Answer):
    """How far the work on one slice is."""

    item_id: int
    state: ItemState
    version: int
    has_suggestion: bool
    """A starting mask waits and nobody has answered yet."""
    has_draft: bool


class Volume(Answer):
    """A volume as a whole; `axes` says where slices, rows and columns grow to, e.g. SPL."""

    id: int
    project_id: int
    name: str
    n_slices: int
    width: int
    height: int
    axes: str
    plane: Plane
    spacing_mm: PlanesMm | None
    """Distance of neighbouring slices, rows and columns."""
    slope: float
    intercept: float
    slices: list[SliceState]


class CarriedObject(Request):
    """A mask to carry over."""

    class_id: int = Field(ge=1)
    mask: Rle


class PropagateIn(Request):
    """Carry masks over to up to `n` neighbouring slices each way: these, or those of the newest annotation."""

    n: int = Field(3, ge=1, le=30)
    direction: Direction = "both"
    objects: list[CarriedObject] | None = Field(None, max_length=100)


class CarriedSlice(Answer):
    """A slice that got starting masks."""

    item_id: int
    index: int
    n_objects: int
    quality: float
    """Of its worst object: 0 to 1, falling with the distance."""


class Propagated(Answer):
    """Slices that got starting masks, nearest first, and those nearest that were left as they are."""

    slices: list[CarriedSlice]
    kept: list[int]
    """Items within reach that somebody has answered, works on or has put aside, or that are kept to measure on."""
