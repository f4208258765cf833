"""How far an item lies from what is labeled: class-conditional Gaussians over embeddings."""

import numpy as np
from jaxtyping import Float, Float64, Int, Int64

_SMALLEST_VARIANCE = 1e-12
"""Less is rounding."""
_LEAST_SHRINKAGE = 1e-3
"""Keeps the covariance well conditioned where a feature never varies."""


def feature_density(embeddings: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return minus the log density under one Gaussian for each class that has labels: high where nothing is known.

    Args:
        embeddings: one row per pool item.
        labels: class index where the oracle has answered, -1 elsewhere.

    Returns:
        -log sum_k π_k N(h; μ_k, Σ) in nats, π_k the share of class k in the labels. Where nothing is labeled, nothing
        is known of any item, and all scores are 0.

    Source: Mukhoti et al. 2023 (DDU, CVPR, arXiv:2102.11582). O(n·d·(d + c) + d³) time, O(d² + c·d) memory beside the
    scores. Departures: all classes share one covariance, as in Lee et al. 2018 (arXiv:1807.03888), shrunk towards a
    multiple of the identity by Ledoit & Wolf 2004 (by 0.001 or more), so that fewer labels than features will do; where
    labeled items do not differ from their class means, the covariance is the identity times their variance about the
    common mean (1 where that is 0 too).
    """
    from alcore.strategies.blocks import blocks  # here, since strategies import this package

    rows = np.flatnonzero(labels >= 0)
    if len(rows) == 0:
        return np.zeros(len(embeddings))
    classes, members = np.unique(labels[rows], return_inverse=True)
    means = _class_means(embeddings, rows, members, len(classes))
    covariance = _shrunk_covariance(embeddings, rows, means, members)
    variances, directions = np.linalg.eigh(covariance)
    whiten = directions / np.sqrt(variances)
    centres = means @ whiten
    log_shares = np.log(np.bincount(members) / len(rows))
    constant = (np.log(variances).sum() + len(variances) * np.log(2 * np.pi)) / 2
    scores = np.empty(len(embeddings))
    for place, block in blocks(embeddings):
        points = block @ whiten
        squared = (points**2).sum(axis=1, keepdims=True) - 2 * points @ centres.T + (centres**2).sum(axis=1)
        scores[place] = constant - np.logaddexp.reduce(log_shares - squared / 2, axis=1)
    return scores


def _class_means(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    members: Int64[np.ndarray, " m"],
    n_classes: int,
) -> Float64[np.ndarray, "k d"]:
    """Return the mean embedding of each class over the labeled rows."""
    from alcore.strategies.blocks import blocks

    sums = np.zeros((n_classes, embeddings.shape[1]))
    for place, block in blocks(embeddings, rows):
        np.add.at(sums, members[place], block)
    return sums / np.bincount(members)[:, None]


def _shrunk_covariance(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    means: Float64[np.ndarray, "k d"],
    members: Int64[np.ndarray, " m"],
) -> Float64[np.ndarray, "d d"]:
    """Return the Ledoit-Wolf estimate of the covariance of the labeled rows about their class means."""
    from alcore.strategies.blocks import blocks

    d, n = embeddings.shape[1], len(rows)
    scatter, fourth = np.zeros((d, d)), 0.0
    for place, block in blocks(embeddings, rows):
        centred = block - means[members[place]]
        scatter += centred.T @ centred
        fourth += float((np.einsum("nd,nd->n", centred, centred) ** 2).sum())
    covariance = scatter / n
    variance = float(np.trace(covariance)) / d
    if variance <= _SMALLEST_VARIANCE:
        shares = np.bincount(members) / n
        between = float(shares @ ((means - shares @ means) ** 2).sum(axis=1)) / d
        return np.eye(d) * (between if between > _SMALLEST_VARIANCE else 1.0)
    off_target = float((covariance**2).sum()) - d * variance**2
    noise = (fourth / n - float((covariance**2).sum())) / n
    shrinkage = 1.0 if off_target <= 0 else min(max(noise / off_target, _LEAST_SHRINKAGE), 1.0)
    return (1 - shrinkage) * covariance + shrinkage * variance * np.eye(d)
