"""From a map of pixel scores to one score an image."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from alcore.errors import InvalidInput

Pooling = Literal["mean", "sum", "top"]


def pool_map(
    score: Float[np.ndarray, "*items h w"],
    how: Pooling = "mean",
    *,
    foreground: Float[np.ndarray, "*items h w"] | None = None,
    top_share: float = 0.1,
) -> Float[np.ndarray, "*items"]:
    """Sum up each pixel map as one number.

    Args:
        score: pixel scores, higher = ask sooner.
        how: `mean` of all pixels, their `sum`, or the mean of the `top` share of highest pixels, which is not thinned
            out by background in images with small objects.
        foreground: weight of each pixel, 0..1, for instance the predicted probability of any object. `mean` becomes
            the weighted mean (0 where all weights are 0); in `sum` and `top` scores are multiplied by it.
        top_share: part of the pixels that `top` takes, in (0, 1]; at least one pixel.

    Raises:
        InvalidInput: a score is not finite, a weight outside 0..1, `top_share` outside (0, 1] or `how` unknown.

    Cost: O(h·w) an image. Mean and sum are common practice; nnActive (TMLR 2025) slides a window instead.
    """
    if how not in ("mean", "sum", "top"):
        raise InvalidInput(f"unknown pooling {how!r}; known: mean, sum, top")
    if not 0 < top_share <= 1:
        raise InvalidInput(f"top_share must be in (0, 1]; got {top_share}")
    if not np.isfinite(score).all():
        raise InvalidInput("pixel scores must be finite")
    pixels = score.reshape(*score.shape[:-2], -1)
    weights = None
    if foreground is not None:
        if foreground.shape != score.shape:
            raise InvalidInput(f"foreground must have the shape of score {score.shape}; got {foreground.shape}")
        weights = foreground.reshape(pixels.shape)
        if not ((weights >= 0) & (weights <= 1)).all():
            raise InvalidInput("foreground weights must lie in 0..1")
    return np.asarray(_pooled(pixels, how, weights, top_share))


def _pooled(
    pixels: Float[np.ndarray, "*items p"], how: Pooling, weights: Float[np.ndarray, "*items p"] | None, top_share: float
) -> Float[np.ndarray, "*items"] | np.floating:
    """Pool flat maps; a lone map gives a NumPy scalar."""
    if how == "mean" and weights is not None:
        total = weights.sum(axis=-1)
        return (pixels * weights).sum(axis=-1) / np.where(total > 0, total, 1)
    weighted = pixels if weights is None else pixels * weights
    if how == "mean":
        return weighted.mean(axis=-1)
    if how == "sum":
        return weighted.sum(axis=-1)
    n_top = max(1, round(top_share * weighted.shape[-1]))
    return np.partition(weighted, -n_top, axis=-1)[..., -n_top:].mean(axis=-1)
