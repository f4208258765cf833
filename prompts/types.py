"""Prompts and what comes of them. All coordinates are continuous image pixels: pixel i spans [i, i + 1)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class Point:
    """A click at (x, y); label 1 = foreground, 0 = background."""

    x: float
    y: float
    label: int = 1


@dataclass(frozen=True)
class Box:
    """A box from (x0, y0) to (x1, y1), exclusive at the far side."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Scribble:
    """A freehand stroke: the corners (x, y) of a line in the order of drawing; label 1 = foreground, 0 = background."""

    xy: tuple[tuple[float, float], ...]
    """One or more; a single one is a stroke that did not move."""
    label: int = 1


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """All that a person has said about one object so far."""

    points: tuple[Point, ...] = ()
    box: Box | None = None
    scribbles: tuple[Scribble, ...] = ()
    low_res_logits: Float[np.ndarray, "lh lw"] | None = None
    """The model's own last logits for this object, fed back; None on the first call."""


@dataclass(frozen=True, kw_only=True)
class ImageState:
    """One encoded image, owned by the caller: predictors keep none. `features` is opaque to all but its model."""

    model_id: str
    image_size: tuple[int, int]
    """(H, W) of the image that was encoded."""
    features: Any = field(repr=False)
    n_bytes: int = 0
    """Memory that `features` takes, for bounded caches."""


@dataclass(frozen=True, kw_only=True)
class MaskPrediction:
    """m candidate masks for one prompt, at image resolution, with the one that the rule chose."""

    masks: Bool[np.ndarray, "m h w"]
    predicted_iou: Float[np.ndarray, " m"]
    low_res_logits: Float[np.ndarray, "m lh lw"]
    chosen: int = 0

    @property
    def mask(self) -> Bool[np.ndarray, "h w"]:
        """The chosen mask."""
        return self.masks[self.chosen]
