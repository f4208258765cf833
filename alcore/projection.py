"""A picture of a pool: its embeddings laid on the plane in which they differ most."""

import numpy as np
from jaxtyping import Float, Float32

from alcore.errors import InvalidInput
from alcore.strategies.blocks import blocks


def principal_plane(embeddings: Float[np.ndarray, "n d"]) -> tuple[Float32[np.ndarray, "n 2"], tuple[float, float]]:
    """Project embeddings on the two directions of largest variance.

    Args:
        embeddings: one row per item, float16 or float32, finite.

    Returns:
        Coordinates about the pool's mean, the direction of larger variance first, and the share of the variance that
        each direction shows. Directions without variance give zeros. The sign of a direction is free: its entry of
        largest magnitude is positive, so that the same pool always gives the same picture.

    Raises:
        InvalidInput: an embedding is not finite, or has no dimension.

    Source: Pearson 1901, "On lines and planes of closest fit", by the eigenvectors of the covariance matrix. Two passes
    in blocks of rows: O(n·d² + d³) time and O(d² + n) memory, nothing is copied whole; sums are kept in float64.
    """
    n, d = embeddings.shape
    if d < 1:
        raise InvalidInput(f"embeddings need at least one dimension; got shape {embeddings.shape}")
    if n == 0:
        return np.zeros((0, 2), dtype=np.float32), (0.0, 0.0)
    total, squares = np.zeros(d), np.zeros((d, d))
    for _, block in blocks(embeddings):
        total += block.sum(axis=0, dtype=np.float64)
        squares += block.T @ block
    if not np.isfinite(squares).all():
        raise InvalidInput("embeddings must be finite; at least one value is NaN or infinite")
    mean = total / n
    spread, directions = np.linalg.eigh(squares / n - np.outer(mean, mean))
    axes = directions[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    variance = spread.clip(0)
    noise = d * np.finfo(np.float32).eps * float(np.trace(squares)) / n  # of float32 products: no direction at all
    kept = np.zeros(2)
    kept[: axes.shape[1]] = np.where(variance[::-1][:2] > noise, variance[::-1][:2], 0)
    plane = np.zeros((n, 2), dtype=np.float32)
    for place, block in blocks(embeddings):
        plane[place, : axes.shape[1]] = block @ axes.astype(np.float32) - (mean @ axes).astype(np.float32)
    plane[:, kept == 0] = 0
    share = kept / variance.sum() if variance.sum() > 0 else kept
    return plane, (float(share[0]), float(share[1]))
