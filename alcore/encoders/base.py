"""What every encoder offers, and the checks they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from alcore.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """What one pass over n images gives."""

    vectors: Float[np.ndarray, "n d"]
    """float32, rows of unit length."""
    dense: Float[np.ndarray, "n c h w"]
    """float16 feature map over the whole image, whatever its shape."""


@runtime_checkable
class Encoder(Protocol):
    """A frozen network; the same image gives the same numbers, whatever else is in the batch, up to rounding."""

    @property
    def encoder_id(self) -> str:
        """Name of architecture and weights; part of the key under which embeddings are stored."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def dense_shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of a dense map."""

    def encode(self, images: Sequence[np.ndarray]) -> Encoding:
        """Encode images in one pass each.

        Args:
            images: (H, W, 3) uint8 RGB, of any sizes; each is squashed to the encoder's square input, so that the dense
                map covers the whole image.

        Returns:
            Vectors and dense maps, in the order of the images.

        Raises:
            InvalidInput: an image is no (H, W, 3) uint8 array.
        """


def squash(images: Sequence[np.ndarray], side: int) -> UInt8[np.ndarray, "n side side 3"]:
    """Check the images and resample each to a square, with anti-aliasing.

    Args:
        images: (H, W, 3) uint8 RGB, of any sizes.
        side: side of the square in pixels.

    Returns:
        One uint8 stack.

    Raises:
        InvalidInput: an image is no (H, W, 3) uint8 array with at least one pixel.
    """
    stack = np.empty((len(images), side, side, 3), dtype=np.uint8)
    for row, image in enumerate(images):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise InvalidInput(
                f"an encoder takes (H, W, 3) uint8 RGB images; image {row} is {image.shape} {image.dtype}: "
                "apply a window and repeat a grey channel first"
            )
        if image.shape[:2] == (side, side):
            stack[row] = image
        else:
            picture = Image.fromarray(np.ascontiguousarray(image))
            stack[row] = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))
    return stack


def unit_rows(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Scale each row to length one, as float32; a row of zeros stays zero."""
    rows = vectors.astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
