"""The one face of every promptable model: slow `embed` once an image, fast `predict` once a prompt, no hidden state."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

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
