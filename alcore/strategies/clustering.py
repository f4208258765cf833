"""k-means by FAISS, and the rows nearest to given centres."""

import numpy as np
from jaxtyping import Float, Float32, Int64

from alcore.strategies.blocks import blocks, gathered, products, squared_norms
from alcore.strategies.engine import multiply
from alcore.strategies.quota import Quota

N_ITERATIONS = 25
MAX_TRAINING_ROWS_PER_CLUSTER = 1000


def fit_kmeans(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    n_clusters: int,
    *,
    rng: np.random.Generator,
    spherical: bool,
) -> Float32[np.ndarray, "k d"]:
    """Return the centres of Lloyd's k-means over `rows`; `spherical` keeps them at length 1.

    At most 1000 rows a cluster are used, drawn by `rng`. FAISS starts from random rows and splits a big cluster
    where one runs empty. Cost O(min(m, 1000·k)·k·d) an iteration, 25 of them.
    """
    import faiss

    n_used = min(len(rows), MAX_TRAINING_ROWS_PER_CLUSTER * n_clusters)
    used = rows if n_used == len(rows) else np.sort(rng.choice(rows, size=n_used, replace=False))
    kmeans = faiss.Kmeans(
        embeddings.shape[1],
        n_clusters,
        niter=N_ITERATIONS,
        spherical=spherical,
        seed=int(rng.integers(2**31 - 1)),
        min_points_per_centroid=1,
        max_points_per_centroid=MAX_TRAINING_ROWS_PER_CLUSTER + 1,
    )
    kmeans.train(np.ascontiguousarray(gathered(embeddings, used)))
    return np.asarray(kmeans.centroids, dtype=np.float32)


def assign(
    embeddings: Float[np.ndarray, "n d"], rows: Int64[np.ndarray, " m"], centres: Float32[np.ndarray, "k d"]
) -> Int64[np.ndarray, " m"]:
    """Return the nearest centre of each row, plain Euclidean, block by block."""
    half_squares = np.einsum("kd,kd->k", centres, centres) / 2
    nearest = np.empty(len(rows), dtype=np.int64)
    for place, block in blocks(embeddings, rows):
        scores = multiply(block, centres.T)
        scores -= half_squares
        nearest[place] = scores.argmax(axis=1)
    return nearest


def nearest_rows(
    embeddings: Float[np.ndarray, "n d"],
    centres: Float32[np.ndarray, "k d"],
    quota: Quota,
    *,
    order: Int64[np.ndarray, " k"],
) -> list[tuple[int, int]]:
    """Take for each centre, in `order`, the nearest row that the quota still allows; return (centre, row) pairs.

    One blocked matrix product finds all first choices; only a centre whose first choice was taken is looked at again.
    """
    squares = squared_norms(embeddings)
    best_row = np.zeros(len(centres), dtype=np.int64)
    best_score = np.full(len(centres), -np.inf)
    candidates = np.flatnonzero(quota.open).astype(np.int64)
    for place, block in blocks(embeddings, candidates):
        scores = multiply(block, centres.T)
        scores -= squares[candidates[place], None] / 2
        at = scores.argmax(axis=0)
        score = scores[at, np.arange(len(centres))]
        better = score > best_score
        best_row[better], best_score[better] = candidates[place][at[better]], score[better]
    pairs: list[tuple[int, int]] = []
    for centre in order.tolist():
        if not quota.open.any():
            break
        row = int(best_row[centre])
        if not quota.open[row]:
            again = products(embeddings, centres[centre : centre + 1])[:, 0] - squares / 2
            row = int(np.where(quota.open, again, -np.inf).argmax())
        quota.take(row)
        pairs.append((centre, row))
    return pairs
