"""The encoder that ships with the package: small, offline, trained on medical images (see MODEL_CARD.md)."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from alcore.encoders.base import Encoding, squash, unit_rows
from alcore.encoders.network import DENSE_CHANNELS, DENSE_STRIDE, INPUT_SIDE, VECTOR_DIM, WhitenedEncoder, normalise
from alcore.encoders.weights import fill, read_tensors

WEIGHTS = Path(__file__).with_name("weights") / "builtin.safetensors"
_CHUNK = 16


class BuiltinEncoder:
    """`WhitenedEncoder` with its weights, on the CPU; loading takes well under a second."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = WhitenedEncoder()
        fill(self._network, read_tensors(weights), source=str(weights))
        self._network.eval().to(memory_format=torch.channels_last)
        self.encoder_id = "builtin-" + hashlib.sha256(weights.read_bytes()).hexdigest()[:12]
        self.dim = VECTOR_DIM
        cells = INPUT_SIDE // DENSE_STRIDE
        self.dense_shape = (DENSE_CHANNELS, cells, cells)

    def encode(self, images: Sequence[np.ndarray]) -> Encoding:
        """Encode images; see `Encoder.encode`."""
        vectors = np.empty((len(images), self.dim), dtype=np.float32)
        dense = np.empty((len(images), *self.dense_shape), dtype=np.float16)
        for start in range(0, len(images), _CHUNK):
            rows = slice(start, start + _CHUNK)
            batch = torch.from_numpy(squash(images[rows], INPUT_SIDE)).permute(0, 3, 1, 2)
            with torch.inference_mode():
                pooled, maps = self._network(normalise(batch).contiguous(memory_format=torch.channels_last))
            vectors[rows], dense[rows] = pooled.numpy(), maps.numpy()
        return Encoding(vectors=unit_rows(vectors), dense=dense)
