"""The one face of every promptable model: slow `embed` once an image, fast `predict` once a prompt, no hidden state."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from prompts.errors import StateMismatch
from prompts.geometry import points_along
from prompts.types import ImageState, MaskPrediction, Point, Prompt

POINTS_PER_STROKE = 4
"""Points that stand for a stroke where a model knows points alone.

SAM was trained with at most nine points on an object, the first and eight corrections (Kirillov et al. 2023, appendix
A): four show where a stroke went, and leave two strokes and a click within what the model has seen.
"""
TOKENS_ACROSS = 64
"""A SAM sees an image as a square of so many tokens a side; two points in one token say the same."""


@runtime_checkable
class Predictor(Protocol):
    """A promptable segmentation model. Implementations are immutable after construction and safe to share."""

    @property
    def model_id(self) -> str:
        """Name and weights hash; part of every cache key."""
        ...

    def embed(self, image: UInt8[np.ndarray, "h w 3"]) -> ImageState:
        """Encode one RGB image, (H, W, 3) uint8 with the display window applied."""
        ...

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        """Turn a prompt into masks at the image's own resolution.

        Args:
            state: what `embed` of this same model returned.
            prompt: at least one point, box or scribble; coordinates in continuous image pixels.
            multimask: three candidates or one; None leaves it to the rule (three for a
                single click without anything else).

        Raises:
            InvalidPrompt: no prompt at all, one outside the image, an empty box, logits of another size.
            StateMismatch: `state` belongs to another model.
        """
        ...


def check_state(state: ImageState, model_id: str) -> None:
    """Raise `StateMismatch` unless `state` was made by the model of this id."""
    if state.model_id != model_id:
        raise StateMismatch(
            f"this image was encoded by '{state.model_id}', but '{model_id}' shall predict; embed it again"
        )


def wants_candidates(prompt: Prompt) -> bool:
    """Tell whether a prompt is ambiguous enough for several masks: a single click without box, scribble or logits.

    Source: Kirillov et al. 2023, section 3: one click may mean a whole or a part, more prompts seldom do.
    """
    bare = prompt.box is None and prompt.low_res_logits is None and not prompt.scribbles
    return bare and len(prompt.points) == 1


def as_points(prompt: Prompt, image_size: tuple[int, int]) -> tuple[Point, ...]:
    """Put a prompt's strokes into points, behind its own, for models that know no strokes.

    Args:
        prompt: one that is valid.
        image_size: (H, W).

    Returns:
        For each stroke its ends and up to `POINTS_PER_STROKE` - 2 between them, about a token or more apart.
    """
    points = list(prompt.points)
    for scribble in prompt.scribbles:
        along = points_along(scribble, max(image_size) / TOKENS_ACROSS, max_points=POINTS_PER_STROKE)
        points += [Point(x, y, scribble.label) for x, y in along.tolist()]
    return tuple(points)
