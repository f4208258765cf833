"""TypiClust: the most typical item of each cluster that has no label yet."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from alcore.strategies.blocks import gathered
from alcore.strategies.clustering import assign, fit_kmeans
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, Progress, QueryResult

MAX_CLUSTERS = 500
MAX_NEIGHBOURS = 20
MIN_CLUSTER_SIZE = 5
"""Clusters of at most this size are left out while others have items."""


@register(
    "typiclust",
    paper="Hacohen et al. 2022 (arXiv:2202.02794)",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·k·d) an iteration, O(m²·d) in a cluster of m",
    advice="Strong with very few labels; later rounds gain more from uncertainty",
)
def typiclust(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    progress: Progress | None = None,
) -> QueryResult:
    """Take the most typical item of each of the largest clusters that have no label yet.

    Source: Hacohen, Dekel & Weinshall 2022, Algorithm 1 with TP_RP (arXiv:2202.02794): min(l + b, 500) clusters, those
    of at most 5 items left out while others have items, typicality = 1 / mean distance to the min(20, m // 2) nearest
    of the m items left in the cluster. k-means by FAISS, O(n·k·d) an iteration; neighbours by exhaustive search inside
    a cluster, O(m²·d). Departures: plain Euclidean distance, as the paper says (the authors' faiss distances are
    squared); FAISS's k-means at every size; clusters are visited again in the same order when all have had their turn.
    """
    n = len(pool.labeled)
    rows_all = np.arange(n, dtype=np.int64)
    n_clusters = min(int(pool.labeled.sum()) + batch_size, MAX_CLUSTERS, n)
    centres = fit_kmeans(pool.embeddings, rows_all, n_clusters, rng=rng, spherical=False)
    clusters = assign(pool.embeddings, rows_all, centres)
    members = np.split(np.argsort(clusters, kind="stable"), np.cumsum(np.bincount(clusters, minlength=n_clusters))[:-1])
    n_labeled = np.bincount(clusters[pool.labeled], minlength=n_clusters)
    quota = Quota(pool, max_per_group)
    rows: list[int] = []
    reasons: list[str] = []
    for cluster in visits(members, n_labeled, quota.open):
        candidates = members[cluster][quota.open[members[cluster]]]
        if len(candidates) == 0:
            continue
        row = int(candidates[mean_neighbour_distance(gathered(pool.embeddings, candidates)).argmin()])
        quota.take(row)
        rows.append(row)
        state = f"had {n_labeled[cluster]} label(s)" if n_labeled[cluster] else "had no label"
        reasons.append(f"typical of cluster {cluster}, which {state}")
        if progress is not None:
            progress(len(rows), batch_size)
        if len(rows) == batch_size:
            break
    return QueryResult(rows=np.asarray(rows, dtype=np.int64), reasons=tuple(reasons))


def visits(
    members: list[Int64[np.ndarray, "_"]], n_labeled: Int64[np.ndarray, " k"], is_open: Bool[np.ndarray, " n"]
) -> Iterator[int]:
    """Yield clusters: fewest labels first, then largest, round and round while they last; the small ones at the end."""
    sizes = np.asarray([len(rows) for rows in members])
    order = np.lexsort((-sizes, n_labeled)).tolist()
    for tier in ([c for c in order if sizes[c] > MIN_CLUSTER_SIZE], [c for c in order if sizes[c] <= MIN_CLUSTER_SIZE]):
        while left := [cluster for cluster in tier if is_open[members[cluster]].any()]:
            yield from left


def mean_neighbour_distance(points: Float[np.ndarray, "m d"]) -> Float64[np.ndarray, " m"]:
    """Return each point's mean distance to its min(20, m // 2) nearest others: the inverse of its typicality."""
    import faiss

    if len(points) == 1:
        return np.zeros(1)
    n_neighbours = max(1, min(MAX_NEIGHBOURS, len(points) // 2))
    rows = np.ascontiguousarray(points, dtype=np.float32)
    squared, _ = faiss.knn(rows, rows, n_neighbours + 1)
    # The nearest is the point itself, or a twin at the same distance; FAISS's rounding may go below 0.
    return np.sqrt(np.maximum(squared[:, 1:], 0).astype(np.float64)).mean(axis=1)
