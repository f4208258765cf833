"""One door to all heads of pixels: train one by name, read any from its file."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from alcore.heads.base import DenseHead
from alcore.heads.dense_linear import KIND as LINEAR_KIND
from alcore.heads.dense_linear import load_dense_linear, train_dense_linear
from alcore.heads.dense_prototype import KIND as PROTOTYPE_KIND
from alcore.heads.dense_prototype import load_dense_prototype, train_dense_prototype
from alcore.heads.files import read_head
from alcore.heads.registry import resolve_head
from alcore.heads.segmentation import KINDS as NETWORK_KINDS
from alcore.heads.segmentation import load_segmentation_head, train_segmentation_head
from alcore.types import Progress

TRAINERS: Mapping[str, Callable[..., DenseHead]] = MappingProxyType(
    {
        "decoder": train_segmentation_head,
        "unet": partial(train_segmentation_head, network="unet"),
        "dense_linear": train_dense_linear,
        "dense_prototype": train_dense_prototype,
    }
)
LOADERS: Mapping[str, Callable[[Path], DenseHead]] = MappingProxyType(
    {
        **dict.fromkeys(NETWORK_KINDS, load_segmentation_head),
        LINEAR_KIND: load_dense_linear,
        PROTOTYPE_KIND: load_dense_prototype,
    }
)
"""By what the file says that it holds."""


def train_head(
    name: str,
    dense: Float[np.ndarray, "n c hd wd"],
    images_rgb: UInt8[np.ndarray, "n side side 3"],
    targets: UInt8[np.ndarray, "n side side"],
    n_classes: int,
    *,
    weights: Float[np.ndarray, "n side side"] | None = None,
    seed: int,
    n_members: int = 3,
    folds: Sequence[Int[np.ndarray, "_"]] | None = None,
    progress: Progress | None = None,
) -> DenseHead:
    """Train a head of pixels by its name in `HEADS`, or `default`; see `train_segmentation_head` for the arguments.

    Raises:
        UnknownName: no such head.
        InvalidInput: the head is for classification, or the data cannot be learned from.
        Cancelled: raised by `progress`.
    """
    settings: dict[str, Any] = {"n_members": n_members, "folds": folds, "weights": weights, "progress": progress}
    return TRAINERS[resolve_head(name, "segmentation").name](
        dense, images_rgb, targets, n_classes, seed=seed, **settings
    )


def load_head(path: Path) -> DenseHead:
    """Read any head of pixels.

    Raises:
        ModelFileError: the file is missing, truncated or holds something else.
    """
    _, description = read_head(path, *LOADERS)
    return LOADERS[description["kind"]](path)
