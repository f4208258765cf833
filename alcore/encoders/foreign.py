"""What encoders around other people's networks share: preparing pixels, choosing the dense map, sizes, batches."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from alcore.encoders.base import Encoding, squash, unit_rows

CHUNK = 8
COARSEST_DENSE_STRIDE = 16
"""Of a conv net's stages, the deepest one at this stride or finer becomes the dense map."""


class ForeignEncoder(ABC):
    """An encoder on the CPU around a network that a subclass loads, names and runs."""

    encoder_id: str

    def __init__(self, *, side: int, mean: Sequence[float], std: Sequence[float]) -> None:
        """Take the network's square input side and normalisation; a blank image tells the sizes of what it gives."""
        self._side, self._mean, self._std = side, mean, std
        vectors, dense = self._run([np.zeros((side, side, 3), dtype=np.uint8)])
        self.dim = int(vectors.shape[1])
        self.dense_shape = (int(dense.shape[1]), int(dense.shape[2]), int(dense.shape[3]))

    def encode(self, images: Sequence[np.ndarray]) -> Encoding:
        """Encode images; see `Encoder.encode`."""
        vectors = np.empty((len(images), self.dim), dtype=np.float32)
        dense = np.empty((len(images), *self.dense_shape), dtype=np.float16)
        for start in range(0, len(images), CHUNK):
            rows = slice(start, start + CHUNK)
            pooled, maps = self._run(images[rows])
            vectors[rows] = pooled.float().numpy()
            dense[rows] = maps.float().clamp(-60000, 60000).numpy()  # float16 ends at 65504
        return Encoding(vectors=unit_rows(vectors), dense=dense)

    def _run(self, images: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        """Squash, normalise and encode a few images."""
        pixels = torch.from_numpy(squash(images, self._side)).permute(0, 3, 1, 2).float() / 255.0
        normalised = (pixels - torch.tensor(self._mean).view(1, 3, 1, 1)) / torch.tensor(self._std).view(1, 3, 1, 1)
        with torch.inference_mode():
            return self._forward(normalised)

    @abstractmethod
    def _forward(self, pixels: Float[torch.Tensor, "n 3 s s"]) -> tuple[torch.Tensor, torch.Tensor]:
        """Turn normalised pixels into vectors (n, d) and dense maps (n, c, h, w)."""


def choose_level(levels: Sequence[torch.Tensor], side: int) -> torch.Tensor:
    """Take the deepest feature map that is still fine enough, else the finest."""
    fine = [level for level in levels if level.shape[-1] * COARSEST_DENSE_STRIDE >= side]
    return fine[-1] if fine else max(levels, key=lambda level: level.shape[-1])
