"""From a map of pixel scores to one score an image, a window or a superpixel."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from alcore.errors import InvalidInput

Pooling = Literal["mean", "sum", "top", "window"]


def pool_map(
    score: Float[np.ndarray, "*items h w"],
    how: Pooling = "mean",
    *,
    foreground: Float[np.ndarray, "*items h w"] | None = None,
    top_share: float = 0.1,
    window_px: int = 32,
) -> Float[np.ndarray, "*items"]:
    """Sum up each pixel map as one number.

    Args:
        score: pixel scores, higher = ask sooner.
        how: `mean` of all pixels, their `sum`, the mean of the `top` share of highest pixels, which is not thinned
            out by background in images with small objects, or the mean in the highest square `window`.
        foreground: weight of each pixel, 0..1, for instance the predicted probability of any object, or
            `boundary_weights`. `mean` becomes the weighted mean (0 where all weights are 0); elsewhere scores are
            multiplied by it.
        top_share: part of the pixels that `top` takes, in (0, 1]; at least one pixel.
        window_px: side of the `window` in pixels, at least 1; cut to the image.

    Raises:
        InvalidInput: a score is not finite, a weight outside 0..1, `top_share` outside (0, 1], `window_px` below 1 or
            `how` unknown.

    Source: mean and sum are common practice; the highest window mean is nnActive's (TMLR 2025) aggregation by a
    uniform kernel with stride 1, there in 3D. Cost: O(h·w) an image, whatever the window.
    """
    if how not in ("mean", "sum", "top", "window"):
        raise InvalidInput(f"unknown pooling {how!r}; known: mean, sum, top, window")
    if not 0 < top_share <= 1:
        raise InvalidInput(f"top_share must be in (0, 1]; got {top_share}")
    check_scores(score)
    weights = None
    if foreground is not None:
        if foreground.shape != score.shape:
            raise InvalidInput(f"foreground must have the shape of score {score.shape}; got {foreground.shape}")
        if not ((foreground >= 0) & (foreground <= 1)).all():
            raise InvalidInput("foreground weights must lie in 0..1")
        weights = foreground
    if how == "window":
        return np.asarray(window_means(score if weights is None else score * weights, window_px).max(axis=(-2, -1)))
    flat = (*score.shape[:-2], score.shape[-2] * score.shape[-1])
    return np.asarray(_pooled(score.reshape(flat), how, None if weights is None else weights.reshape(flat), top_share))


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


def window_means(score: Float[np.ndarray, "*items h w"], window_px: int) -> Float64[np.ndarray, "*items r q"]:
    """Return the mean of every square window that lies inside the image, one pixel apart.

    Args:
        score: pixel scores.
        window_px: side in pixels, at least 1; cut to the image in each direction.

    Returns:
        Entry [i, j] is the mean of the window whose top left pixel is [i, j]; (h - side + 1, w - side + 1) of them.
        Their highest is `pool_map(how="window")`; their mean weighs pixels near the image's edge less.

    Source: summed-area table, Crow 1984. O(h·w) an image, in float64.
    """
    if window_px < 1:
        raise InvalidInput(f"window_px must be >= 1; got {window_px}")
    check_scores(score)
    height, width = min(window_px, score.shape[-2]), min(window_px, score.shape[-1])
    table = summed_area(score)
    inside = table[..., height:, width:] - table[..., :-height, width:]
    inside = inside - table[..., height:, :-width] + table[..., :-height, :-width]
    return inside / (height * width)


def summed_area(score: Float[np.ndarray, "*items h w"]) -> Float64[np.ndarray, "*items r q"]:
    """Return the sums over all rectangles from the top left corner, with a first row and column of zeros."""
    table = np.zeros((*score.shape[:-2], score.shape[-2] + 1, score.shape[-1] + 1))
    np.cumsum(score, axis=-2, out=table[..., 1:, 1:], dtype=np.float64)
    np.cumsum(table[..., 1:, 1:], axis=-1, out=table[..., 1:, 1:])
    return table


def boundary_weights(
    labels: Int[np.ndarray, "h w"] | Bool[np.ndarray, "h w"], *, decay_px: float = 4.0
) -> Float64[np.ndarray, "h w"]:
    """Weigh pixels by how near they are to a border between predicted classes, for `pool_map(foreground=...)`.

    Args:
        labels: predicted class of each pixel, or a mask.
        decay_px: distance over which the weight falls by the factor e, above 0.

    Returns:
        exp(-distance / decay_px), where the distance is that to the nearest pixel with a neighbour (up, down, left or
        right) of another class: 1 on both sides of the border. All zeros where there is no border.

    Own formula for a common practice. Exact Euclidean distance transform, O(h·w).
    """
    if not decay_px > 0:
        raise InvalidInput(f"decay_px must be > 0; got {decay_px}")
    on_border = np.zeros(labels.shape, dtype=bool)
    below, beside = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    for part, change in ((on_border[1:], below), (on_border[:-1], below)):
        part |= change
    for part, change in ((on_border[:, 1:], beside), (on_border[:, :-1], beside)):
        part |= change
    if not on_border.any():
        return np.zeros(labels.shape)
    from scipy import ndimage

    return np.exp(-ndimage.distance_transform_edt(~on_border) / decay_px)


def superpixel_means(score: Float[np.ndarray, "h w"], superpixels: Int[np.ndarray, "h w"]) -> Float64[np.ndarray, " r"]:
    """Return the mean score of each superpixel.

    Args:
        score: pixel scores of one image.
        superpixels: number of each pixel's superpixel, from 0; a number that does not occur has mean 0.

    Raises:
        InvalidInput: shapes differ, a score is not finite, or a number is negative.

    Common practice in region-based active learning, for instance ViewAL (Siddiqui et al. 2020). O(h·w).
    """
    if score.shape != superpixels.shape:
        raise InvalidInput(f"superpixels must have the shape of score {score.shape}; got {superpixels.shape}")
    check_scores(score)
    if superpixels.min(initial=0) < 0:
        raise InvalidInput(f"superpixels must be numbered from 0; the lowest is {superpixels.min()}")
    areas = np.bincount(superpixels.ravel())
    return np.bincount(superpixels.ravel(), weights=score.ravel()) / np.maximum(areas, 1)


def check_scores(score: Float[np.ndarray, "..."]) -> None:
    """Refuse maps without pixels, and pixels that are not finite."""
    if 0 in score.shape[-2:]:
        raise InvalidInput(f"pixel scores must have at least one pixel; got shape {score.shape}")
    if not np.isfinite(score).all():
        raise InvalidInput("pixel scores must be finite")
