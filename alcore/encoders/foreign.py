"""What encoders around other people's networks share: preparing pixels, choosing the dense map, pooling."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float

from alcore.encoders.base import Encoding, squash, unit_rows

CHUNK = 8
COARSEST_DENSE_STRIDE = 16
"""Of a conv net's stages, the deepest one at this stride or finer becomes the dense map."""

Forward = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Normalised (n, 3, s, s) pixels to vectors (n, d) and maps (n, c, h, w)."""


def choose_level(levels: Sequence[torch.Tensor], side: int) -> torch.Tensor:
    """Take the deepest feature map that is still fine enough, else the finest."""
    fine = [level for level in levels if level.shape[-1] * COARSEST_DENSE_STRIDE >= side]
    return fine[-1] if fine else max(levels, key=lambda level: level.shape[-1])


def run_batches(
    images: Sequence[np.ndarray],
    forward: Forward,
    *,
    side: int,
    mean: Sequence[float],
    std: Sequence[float],
    dim: int,
    dense_shape: tuple[int, int, int],
) -> Encoding:
    """Squash, normalise and encode images in small batches."""
    vectors = np.empty((len(images), dim), dtype=np.float32)
    dense = np.empty((len(images), *dense_shape), dtype=np.float16)
    for start in range(0, len(images), CHUNK):
        rows = slice(start, start + CHUNK)
        with torch.inference_mode():
            pooled, maps = forward(prepare(squash(images[rows], side), mean=mean, std=std))
        vectors[rows] = pooled.float().numpy()
        dense[rows] = maps.float().clamp(-60000, 60000).numpy()  # float16 ends at 65504
    return Encoding(vectors=unit_rows(vectors), dense=dense)


def prepare(stack: np.ndarray, *, mean: Sequence[float], std: Sequence[float]) -> Float[torch.Tensor, "n 3 s s"]:
    """Turn uint8 (n, s, s, 3) into normalised channels-first floats."""
    pixels = torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 255.0
    return (pixels - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
