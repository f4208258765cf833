"""What heads of pixels are given: checked, standardised, and shared out among the members of a committee."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int

from alcore.errors import InvalidInput
from alcore.heads.base import HEAD_SIDE, IGNORE_LABEL


def standardise_images(images_rgb: torch.Tensor) -> torch.Tensor:
    """Channels first, each image with zero mean and unit spread over all its pixels."""
    pixels = images_rgb.permute(0, 3, 1, 2).float()
    mean = pixels.mean((1, 2, 3), keepdim=True)
    std = pixels.std((1, 2, 3), keepdim=True).clamp(min=4.0)
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


def counted_weights(targets: np.ndarray, weights: np.ndarray | None) -> Float[np.ndarray, "n side side"]:
    """Weight of each pixel, 0 where it is ignored."""
    counts = np.ones(targets.shape, np.float32) if weights is None else weights.astype(np.float32)
    return np.where(targets == IGNORE_LABEL, np.float32(0), counts)


def shares(
    n_images: int, folds: Sequence[Int[np.ndarray, "_"]] | None, *, n_members: int, seed: int
) -> list[Int[np.ndarray, " n"]]:
    """Say how often each member sees each image.

    Args:
        n_images: labeled images.
        folds: rows that each member leaves out, one fold a member; None for bootstrap samples.
        n_members: members where there are no folds. A lone one sees every image once.
        seed: draws the bootstrap samples.

    Returns:
        One count an image for each member.
    """
    if folds is not None:
        return [np.bincount(np.setdiff1d(np.arange(n_images), fold), minlength=n_images) for fold in folds]
    if n_members == 1:
        return [np.ones(n_images, dtype=np.int64)]
    rng = np.random.default_rng([seed, n_images])
    return [np.bincount(rng.integers(n_images, size=n_images), minlength=n_images) for _ in range(n_members)]


def check_features(dense: np.ndarray, n_features: int) -> None:
    """Refuse the maps of another encoder."""
    if dense.shape[1] != n_features:
        raise InvalidInput(
            f"this head was trained on {n_features} feature channels; got {dense.shape[1]}: "
            "encode the images with the head's own encoder"
        )


def check_temperature(temperature: float) -> float:
    """Refuse what logits cannot be divided by."""
    if not (np.isfinite(temperature) and temperature > 0):
        raise InvalidInput(f"a temperature must be finite and above 0; got {temperature}")
    return float(temperature)


def check_inputs(dense: np.ndarray, images_rgb: np.ndarray) -> None:
    """Refuse arrays that do not belong together."""
    side = images_rgb.shape[1] if images_rgb.ndim == 4 else 0
    if images_rgb.dtype != np.uint8 or images_rgb.shape[1:] != (side, side, 3) or side < 32 or side % 32:
        raise InvalidInput(
            f"images_rgb must be (n, side, side, 3) uint8 with side a multiple of 32, such as {HEAD_SIDE}; "
            f"got {images_rgb.shape} {images_rgb.dtype}"
        )
    if dense.ndim != 4 or len(dense) != len(images_rgb):
        raise InvalidInput(f"dense must be ({len(images_rgb)}, c, h, w), one map an image; got {dense.shape}")
    if not np.isfinite(dense).all():
        raise InvalidInput("dense features must be finite; encode the images again")


def check_training(
    dense: np.ndarray, images_rgb: np.ndarray, targets: np.ndarray, n_classes: int, weights: np.ndarray | None
) -> None:
    """Refuse labels that cannot be learned from."""
    check_inputs(dense, images_rgb)
    if len(dense) == 0:
        raise InvalidInput("training needs at least one labeled image; got none")
    if n_classes < 2:
        raise InvalidInput(f"n_classes counts the background too and must be >= 2; got {n_classes}")
    if targets.shape != images_rgb.shape[:3] or targets.dtype != np.uint8:
        raise InvalidInput(f"targets must be {images_rgb.shape[:3]} uint8; got {targets.shape} {targets.dtype}")
    unknown = np.setdiff1d(np.unique(targets), [*range(n_classes), IGNORE_LABEL])
    if unknown.size:
        raise InvalidInput(f"targets hold id {unknown[0]}; allowed are 0 .. {n_classes - 1} and {IGNORE_LABEL}")
    if weights is not None and (
        weights.shape != targets.shape or not np.isfinite(weights).all() or (weights < 0).any()
    ):
        raise InvalidInput(f"weights must be finite, >= 0 and of shape {targets.shape}; got {weights.shape}")


def check_counted(weights: np.ndarray) -> None:
    """Refuse labels none of whose pixels counts; takes what `counted_weights` gives."""
    if not (weights > 0).any():
        raise InvalidInput("every pixel is ignored or has weight 0; accept at least one mask")
