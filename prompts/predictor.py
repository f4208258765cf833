"""The one face of every promptable model: slow `embed` once an image, fast `predict` once a prompt, no hidden state."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from prompts.errors import StateMismatch
from prompts.types import ImageState, MaskPrediction, Prompt


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
            prompt: at least one point or a box; coordinates in continuous image pixels.
            multimask: three candidates or one; None leaves it to the rule (three for a
                single click without a box or logits).

        Raises:
            InvalidPrompt: no prompt at all, a point or box outside the image, an empty box, logits of another size.
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
    """Tell whether a prompt is ambiguous enough for several masks: a single click without box or logits.

    Source: Kirillov et al. 2023, section 3: one click may mean a whole or a part, more prompts seldom do.
    """
    return len(prompt.points) == 1 and prompt.box is None and prompt.low_res_logits is None
