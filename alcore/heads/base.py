"""What every head of pixels has in common."""

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

HEAD_SIDE = 128
"""Side in pixels to which images and label maps are squashed for the head."""
IGNORE_LABEL = 255


@runtime_checkable
class DenseHead(Protocol):
    """A trained committee; give it what it was trained on: dense maps of the same encoder, images squashed alike."""

    @property
    def temperature(self) -> float:
        """Logits are divided by it; 1.0 until `tempered` sets it."""
        ...

    def predict(
        self, dense: Float[np.ndarray, "n c hd wd"], images_rgb: UInt8[np.ndarray, "n side side 3"]
    ) -> Float[np.ndarray, "s n k side side"]:
        """Give each member's class probabilities.

        Args:
            dense: the encoder's dense maps.
            images_rgb: the same images, squashed to a square, usually of `HEAD_SIDE`.

        Returns:
            float32 probabilities over the k classes, background first; 4·s·k·side² bytes an image, so pass large pools
            in parts.

        Raises:
            InvalidInput: the arrays do not belong together or to this head.
        """
        ...

    def member(self, *rows: int) -> "DenseHead":
        """The head with one or some of its members alone, such as those that have not seen a fold."""
        ...

    def tempered(self, temperature: float) -> "DenseHead":
        """The same head with another temperature (> 0)."""
        ...

    def save(self, path: Path) -> None:
        """Write the head as safetensors with its description, whole or not at all."""
        ...
