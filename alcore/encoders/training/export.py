"""What becomes of trained weights: a whitening is fitted to the training images, all is written in half precision."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from safetensors.torch import save_file

from alcore.encoders.base import squash
from alcore.encoders.network import (
    DENSE_CHANNELS,
    INPUT_SIDE,
    VECTOR_DIM,
    WIDTHS,
    EncoderNetwork,
    WhitenedEncoder,
    normalise,
    statistics,
)

POWER = 0.5
"""0 would be a rotation, which leaves the loudest textures in charge; 1 full whitening, which raises noise."""
_CHUNK = 16
_PART_DIMS = [width for width in (*WIDTHS[1:], DENSE_CHANNELS) for _ in range(2)]


def fit_whitening(
    x: Float[np.ndarray, "n f"], weights: Float[np.ndarray, " n"], *, dim: int = VECTOR_DIM, power: float = POWER
) -> tuple[Float[np.ndarray, " f"], Float[np.ndarray, "f d"]]:
    """Fit a linear map after which cosine similarity compares all that varies, not only what is loud.

    Args:
        x: statistics of the training images.
        weights: share of each image, summing to 1.
        dim: directions of greatest variance to keep; those that the images do not span become zero columns.
        power: each direction is divided by its deviation to this power.

    Returns:
        The mean to take off, and the matrix to multiply with; the channels of a map's means, or deviations, are first
        scaled together so that each group has the same variance.

    Source: partly whitened principal components (Jegou & Chum 2012, doi:10.1007/978-3-642-33709-3_55). O(n·f²).
    """
    mean = weights @ x
    centred = x - mean
    spread = np.sqrt(weights @ centred**2)
    groups = np.repeat(np.arange(len(_PART_DIMS)), _PART_DIMS)
    scale = 1 / np.sqrt(np.bincount(groups, weights=spread**2) + 1e-12)[groups]
    _, deviations, axes = np.linalg.svd(centred * scale * np.sqrt(weights)[:, None], full_matrices=False)
    kept = deviations[:dim]
    factors = np.where(kept > 1e-6 * kept[0], np.maximum(kept, 1e-12) ** -power, 0.0)
    matrix = np.zeros((x.shape[1], dim))
    matrix[:, : len(kept)] = scale[:, None] * axes[:dim].T * factors
    return mean, matrix / np.abs(matrix).max()  # vectors get length 1 anyway; half precision


def export_weights(
    trunk: Mapping[str, torch.Tensor], pool: UInt8[np.ndarray, "n s s 3"], weights: Float[np.ndarray, " n"], path: Path
) -> None:
    """Write trunk and whitening as float16 safetensors, whole or not at all.

    Args:
        trunk: the averaged weights.
        pool: the training images.
        weights: how often each is drawn, summing to 1.
        path: the file.
    """
    network = WhitenedEncoder()
    network.trunk.load_state_dict(trunk, strict=False)  # the average holds no counters
    network.eval().to(memory_format=torch.channels_last)
    mean, matrix = fit_whitening(_statistics(network.trunk, pool), weights)
    network.mean.copy_(torch.from_numpy(mean))
    network.matrix.copy_(torch.from_numpy(matrix))
    floats = {key: value for key, value in network.state_dict().items() if value.is_floating_point()}
    partial = path.with_suffix(".partial")
    tensors = {key: value.half().contiguous() for key, value in floats.items()}
    save_file(tensors, partial, metadata={"format": "fewclick-encoder-2"})
    os.replace(partial, path)


def _statistics(trunk: EncoderNetwork, pool: UInt8[np.ndarray, "n s s 3"]) -> Float[np.ndarray, "n f"]:
    """Describe all training images, unchanged ones, as the shipped encoder sees them."""
    rows = []
    for start in range(0, len(pool), _CHUNK):
        batch = torch.from_numpy(squash(list(pool[start : start + _CHUNK]), INPUT_SIDE)).permute(0, 3, 1, 2)
        with torch.inference_mode():
            levels, dense = trunk(normalise(batch).contiguous(memory_format=torch.channels_last))
            rows.append(statistics(levels, dense).numpy())
    return np.concatenate(rows).astype(np.float64)
