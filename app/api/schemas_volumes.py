"""Wire models of volumes: what a slice knows of the whole, and masks carried over to neighbouring slices."""

from typing import Literal

from app.api.schemas_base import Answer, ItemState

Plane = Literal["axial", "coronal", "sagittal"]
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
