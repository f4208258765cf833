"""Weighted k-means over some rows, and the open rows nearest to its centres; float16 files are read block by block."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from alcore.strategies.batch import Batch
from alcore.strategies.blocks import blocks
from alcore.strategies.clustering import MAX_TRAINING_ROWS_PER_CLUSTER, N_ITERATIONS


def take_nearest_to_centres(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    batch: Batch,
    *,
    rng: np.random.Generator,
    reason: Callable[[int, float], str],
    weights: Float64[np.ndarray, " m"] | None = None,
) -> None:
    """Cluster `rows` into as many clusters as are wanted and take the row nearest to each centre, heaviest first.

    Args:
        embeddings: one row per pool item.
        rows: the rows to cluster, all of them open.
        batch: gets the rows; where groups are full it may stay short of its size.
        rng: starts the k-means.
        reason: makes the reason of a row from the row and its cluster's share of the weight, 0..1.
        weights: weight of each row in the k-means, >= 0; None for equal weights, which all zeros mean too.

    A row that is nearest to two centres is taken for the heavier cluster; the other gets its next nearest. With no more
    rows than are wanted each is a cluster of its own. Cost: that of `fit_centres`, and O(m·b·d) for the nearest rows.
    """
    mass = np.ones(len(rows)) if weights is None or not weights.any() else weights
    if batch.n_wanted >= len(rows):
        order = np.argsort(-mass, kind="stable")
        shares_of_rows = dict(zip(rows.tolist(), (mass / mass.sum()).tolist(), strict=True))
        batch.fill(rows[order], lambda row: reason(row, shares_of_rows[row]))
        return
    centres = fit_centres(embeddings, rows, batch.n_wanted, rng=rng, weights=mass)
    points = _Points(embeddings, rows)
    cluster, nearest = points.assign(centres)
    shares = np.bincount(cluster, weights=mass, minlength=len(centres)) / mass.sum()
    for centre in np.argsort(-shares, kind="stable").tolist():
        is_open = batch.quota.open[rows]
        if batch.is_full or not is_open.any():
            return
        at = int(nearest[centre])
        if not is_open[at]:
            at = int(np.where(is_open, points.closeness(centres[[centre]])[:, 0], -np.inf).argmax())
        batch.take(int(rows[at]), reason(int(rows[at]), float(shares[centre])))


def fit_centres(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    n_clusters: int,
    *,
    rng: np.random.Generator,
    weights: Float64[np.ndarray, " m"] | None = None,
) -> Float32[np.ndarray, "k d"]:
    """Return the centres of weighted k-means over `rows`: each is the weighted mean of the rows nearest to it.

    Args:
        embeddings: one row per pool item.
        rows: the rows to cluster, more than `n_clusters` of them.
        n_clusters: k, at least 1.
        rng: draws the rows in use, and starts FAISS.
        weights: weight of each row, >= 0, one above 0.

    At most 1000 rows a cluster are used, drawn with equal chances. FAISS runs 25 iterations from random rows.
    Cost O(min(m, 1000·k)·k·d) an iteration; memory for the rows in use as float32.
    """
    import faiss

    n_used = min(len(rows), MAX_TRAINING_ROWS_PER_CLUSTER * n_clusters)
    used = np.arange(len(rows)) if n_used == len(rows) else np.sort(rng.choice(len(rows), n_used, replace=False))
    points = np.empty((n_used, embeddings.shape[1]), dtype=np.float32)
    for place, block in blocks(embeddings, rows[used]):
        points[place] = block
    kmeans = faiss.Kmeans(
        embeddings.shape[1],
        n_clusters,
        niter=N_ITERATIONS,
        seed=int(rng.integers(2**31 - 1)),
        min_points_per_centroid=1,
        max_points_per_centroid=MAX_TRAINING_ROWS_PER_CLUSTER + 1,
    )
    mass = None if weights is None else weights[used]
    if mass is not None:
        # FAISS splits clusters of a weight above 1 to refill empty ones: with a mean of 1 there always is one.
        mass = np.ascontiguousarray(mass / mass.mean() if mass.any() else np.ones(n_used), dtype=np.float32)
    kmeans.train(points, weights=mass)
    return np.asarray(kmeans.centroids, dtype=np.float32)


class _Points:
    """Some rows of the embeddings, for repeated comparison with centres."""

    def __init__(self, embeddings: Float[np.ndarray, "n d"], rows: Int64[np.ndarray, " m"]) -> None:
        self._embeddings, self._rows = embeddings, rows

    def closeness(self, centres: Float32[np.ndarray, "k d"]) -> Float32[np.ndarray, "m k"]:
        """Return minus half the squared distance to each centre, O(m·k) memory: for few centres."""
        out = np.empty((len(self._rows), len(centres)), dtype=np.float32)
        for place, block in blocks(self._embeddings, self._rows):
            out[place] = _closeness(block, centres)
        return out

    def assign(self, centres: Float32[np.ndarray, "k d"]) -> tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " k"]]:
        """Return the nearest centre of each row, and the place of the nearest row of each centre."""
        cluster = np.empty(len(self._rows), dtype=np.int64)
        nearest, best = np.zeros(len(centres), dtype=np.int64), np.full(len(centres), -np.inf, dtype=np.float32)
        for place, block in blocks(self._embeddings, self._rows):
            close = _closeness(block, centres)
            cluster[place] = close.argmax(axis=1)
            at = close.argmax(axis=0)
            values = close[at, np.arange(len(centres))]
            better = values > best
            nearest[better], best[better] = place.start + at[better], values[better]
        return cluster, nearest


def _closeness(block: Float32[np.ndarray, "m d"], centres: Float32[np.ndarray, "k d"]) -> Float32[np.ndarray, "m k"]:
    """Return minus half the squared distance, by one product."""
    close = block @ centres.T
    close -= np.einsum("kd,kd->k", centres, centres) / 2
    close -= np.einsum("md,md->m", block, block)[:, None] / 2
    return close
