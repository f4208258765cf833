"""Strategies that cluster the unlabeled items into as many clusters as will be asked."""

import numpy as np
from jaxtyping import Int64

from alcore.strategies.clustering import assign, fit_kmeans, nearest_rows
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult


@register(
    "kmeans_medoid",
    paper="MedCAL-Bench 2025, 'ALPS' (arXiv:2508.03441); Pourahmadi et al. 2021 (arXiv:2110.12033)",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·b·d) an iteration",
    advice="The default cold start: cheap, robust, free of outliers",
)
def kmeans_medoid(
    pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None
) -> QueryResult:
    """Take the item nearest to each of `batch_size` spherical k-means centres; the largest cluster first.

    Source: the method that MedCAL-Bench's code runs as "ALPS": k-means on frozen embeddings, the item nearest to each
    centre. O(n·b·d) an iteration. Clusters are made of unlabeled items only; an item nearest to two centres is taken
    for the larger cluster, and the smaller one gets its next nearest.
    """
    unlabeled = np.flatnonzero(~pool.labeled).astype(np.int64)
    if batch_size >= len(unlabeled):
        return _all_that_is_left(pool, unlabeled, batch_size, max_per_group, rng)
    centres = fit_kmeans(pool.embeddings, unlabeled, batch_size, rng=rng, spherical=True)
    sizes = np.bincount(assign(pool.embeddings, unlabeled, centres), minlength=batch_size)
    order = np.argsort(-sizes, kind="stable")
    pairs = nearest_rows(pool.embeddings, centres, Quota(pool, max_per_group), order=order)
    reasons = tuple(f"nearest to the middle of a cluster of {sizes[centre]} images" for centre, _ in pairs)
    return QueryResult(rows=np.asarray([row for _, row in pairs], dtype=np.int64), reasons=reasons)


@register(
    "kmeans_random",
    paper="baseline: k-means, then random",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·b·d) an iteration",
    advice="Shows what clusters alone are worth, without taking their middles",
)
def kmeans_random(
    pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None
) -> QueryResult:
    """Draw one item at random from each of `batch_size` k-means clusters; the largest cluster first.

    O(n·b·d) an iteration. An empty or exhausted cluster is passed over; what is then lacking is drawn from all.
    """
    unlabeled = np.flatnonzero(~pool.labeled).astype(np.int64)
    if batch_size >= len(unlabeled):
        return _all_that_is_left(pool, unlabeled, batch_size, max_per_group, rng)
    centres = fit_kmeans(pool.embeddings, unlabeled, batch_size, rng=rng, spherical=True)
    nearest = assign(pool.embeddings, unlabeled, centres)
    sizes = np.bincount(nearest, minlength=batch_size)
    quota = Quota(pool, max_per_group)
    rows: list[int] = []
    reasons: list[str] = []
    for cluster in np.argsort(-sizes, kind="stable").tolist():
        members = unlabeled[nearest == cluster]
        members = members[quota.open[members]]
        if len(members):
            rows.append(int(rng.choice(members)))
            quota.take(rows[-1])
            reasons.append(f"drawn from a cluster of {sizes[cluster]} images")
    rest = quota.take_in_order(rng.permutation(unlabeled), batch_size - len(rows)).tolist()
    reasons += ["drawn from all: a cluster was empty"] * len(rest)
    return QueryResult(rows=np.asarray(rows + rest, dtype=np.int64), reasons=tuple(reasons))


def _all_that_is_left(
    pool: PoolView,
    unlabeled: Int64[np.ndarray, " m"],
    batch_size: int,
    max_per_group: int | None,
    rng: np.random.Generator,
) -> QueryResult:
    """Take every row that the groups allow, in random order."""
    rows = Quota(pool, max_per_group).take_in_order(rng.permutation(unlabeled), batch_size)
    return QueryResult(rows=rows, reasons=("the batch takes all that is left",) * len(rows))
