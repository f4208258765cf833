"""The loss that an item is predicted to have, learned from the losses of labeled items."""

import numpy as np
from jaxtyping import Float, Float64, Int64

from alcore.errors import InvalidInput

_SMALLEST_SCATTER = 1e-12
"""Less variance than this, over all features, is rounding."""
_LEAST_FREEDOM = 1e-6
"""An interpolating fit leaves no freedom, and its error of 0 says nothing."""
_PENALTIES = np.logspace(-4, 4, 25)
"""Ridge penalties that are tried, in units of the mean variance of the labeled embeddings."""


def learning_loss(embeddings: Float[np.ndarray, "n d"], losses: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return the loss of each item as predicted from its embedding: high where the head is expected to fail.

    Args:
        embeddings: one row per pool item.
        losses: measured loss (>= 0) where the oracle has answered, best out of fold; -1 where none was measured.

    Returns:
        Predicted losses; they may be negative. With fewer than two measured losses there is nothing to learn and all
        are equal.

    Raises:
        InvalidInput: a loss is NaN, or negative and not -1.

    Source: Yoo & Kweon 2019 (CVPR, arXiv:1905.03677). O(l·d² + d³ + n·d) time for l labeled items, O(d²) memory.
    Departures: embeddings are frozen, so the loss module is linear; the hinge on the order of pairs becomes the squared
    error of their differences, which summed over all pairs is ridge regression with a free intercept and so has a
    closed form (Pahikkala et al. 2009, RankRLS); the penalty is the one of 25 with the lowest generalised
    cross-validation error (Golub, Heath & Wahba 1979).
    """
    from alcore.strategies.blocks import products  # here, since strategies import this package

    is_measured = losses >= 0
    if not (is_measured | (losses == -1)).all():
        odd = losses[~(is_measured | (losses == -1))][0]
        raise InvalidInput(f"losses must be >= 0, or -1 where none was measured; got {odd}")
    rows = np.flatnonzero(is_measured)
    if len(rows) < 2:
        return np.zeros(len(embeddings))
    weights, intercept = _ridge(embeddings, rows, losses[rows].astype(np.float64))
    return products(embeddings, weights[None])[:, 0] + intercept


def _ridge(
    embeddings: Float[np.ndarray, "n d"], rows: Int64[np.ndarray, " m"], targets: Float64[np.ndarray, " m"]
) -> tuple[Float64[np.ndarray, " d"], float]:
    """Fit targets = h·w + intercept, the intercept free, the penalty by generalised cross-validation."""
    from alcore.strategies.blocks import blocks

    d, m = embeddings.shape[1], len(rows)
    mean = sum((block.sum(axis=0, dtype=np.float64) for _, block in blocks(embeddings, rows)), np.zeros(d)) / m
    residual = targets - targets.mean()
    scatter, moment = np.zeros((d, d)), np.zeros(d)
    for place, block in blocks(embeddings, rows):
        centred = block - mean
        scatter += centred.T @ centred
        moment += centred.T @ residual[place]
    variances, directions = np.linalg.eigh(scatter)
    variances = np.maximum(variances, 0)
    along = directions.T @ moment
    if variances.sum() <= _SMALLEST_SCATTER * m:
        return np.zeros(d), float(targets.mean())
    penalties = _PENALTIES * variances.sum() / d
    damped = variances + penalties[:, None]
    # With ŷ = Hy: |y - ŷ|² = |y|² - 2·w·X'y + w'X'Xw, and trace H = 1 (the intercept) + sum of v / (v + penalty).
    errors = residual @ residual - (2 * along**2 / damped).sum(axis=1) + (variances * along**2 / damped**2).sum(axis=1)
    freedom = 1 - (1 + (variances / damped).sum(axis=1)) / m
    best = int(np.argmin(np.maximum(errors, 0) / np.maximum(freedom, _LEAST_FREEDOM) ** 2))
    weights = directions @ (along / damped[best])
    return weights, float(targets.mean() - mean @ weights)
