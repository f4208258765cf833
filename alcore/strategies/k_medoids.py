"""k-medoids: items of the pool whose distances to all others sum up to as little as can be found."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import gathered, unit_scale
from alcore.strategies.coverage import N_REFERENCE, Coverage, closeness, draw_reference, to_distances
from alcore.strategies.greedy import lazy_greedy, sweep
from alcore.strategies.quota import Quota, group_codes
from alcore.strategies.registry import register
from alcore.types import PoolView, Progress, QueryResult

_DIAMETER = 2.0
_BLOCK_ROWS = 1024


@register(
    "k_medoids",
    paper="Kaufman & Rousseeuw 1990 (PAM's BUILD); Park & Jun 2009 (alternation)",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·r·d) a sweep + O(r²·d) a round, r reference items; O(n + r·d) memory",
    advice="As kmeans_medoid, but for plain distances: steadier where outliers pull at means",
)
def k_medoids(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_rounds: int = 20,
    n_reference: int = N_REFERENCE,
    progress: Progress | None = None,
) -> QueryResult:
    """Take medoids: the sum of distances from all items to the nearest labeled or chosen one is made small.

    Source: the objective is that of Kaufman & Rousseeuw 1990; the start is their greedy BUILD, made lazy, the rest the
    alternation of Park & Jun 2009: each item goes to its nearest medoid, each cluster takes its best item as medoid,
    until none changes or `n_rounds` are over. Euclidean distance of rows brought to length 1. Each step lowers the
    objective. Departures: labeled items are medoids that stay; PAM's exchange of medoids across clusters is left out;
    above `n_reference` unlabeled items the objective is summed over that many drawn at random, and medoids of the
    alternation come from those; with a limit per group a medoid is exchanged only within its group.
    """
    if n_rounds < 0:
        raise InvalidInput(f"n_rounds must be >= 0; got {n_rounds}")
    scale = unit_scale(pool.embeddings)
    reference = draw_reference(~pool.labeled, n_reference, rng)
    coverage = Coverage(pool.embeddings, reference, closeness, scale=scale, floor=-_DIAMETER)
    labeled = np.flatnonzero(pool.labeled).astype(np.int64)
    coverage.add_all(labeled)
    to_labeled = -coverage.best.copy()
    quota = Quota(pool, max_per_group)
    bounds = sweep(coverage.gains, quota.open, progress=progress)
    medoids, _ = lazy_greedy(
        bounds, coverage.gains, coverage.add, quota, batch_size=batch_size, rng=rng, progress=progress
    )
    for _ in range(n_rounds):
        if progress is not None:
            progress(len(medoids), batch_size)
        moved = alternate(
            pool.embeddings,
            reference,
            medoids,
            to_labeled,
            scale=scale,
            groups=None if max_per_group is None or pool.groups is None else group_codes(pool.groups),
        )
        if np.array_equal(moved, medoids):
            break
        medoids = moved
    sizes = np.bincount(
        nearest_medoid(pool.embeddings, reference, medoids, to_labeled, scale=scale) + 1, minlength=len(medoids) + 1
    )[1:]
    share = 100 * sizes / len(reference)
    reasons = tuple(f"medoid of {part:.1f} % of the unlabeled images" for part in share.tolist())
    return QueryResult(rows=medoids, scores=share / 100, reasons=reasons)


def alternate(
    embeddings: Float[np.ndarray, "n d"],
    reference: Int64[np.ndarray, " r"],
    medoids: Int64[np.ndarray, " k"],
    to_labeled: Float32[np.ndarray, " r"],
    *,
    scale: Float32[np.ndarray, " n"],
    groups: Int64[np.ndarray, " n"] | None = None,
) -> Int64[np.ndarray, " k"]:
    """Return each cluster's best medoid among its reference items; the old one where none is better.

    With `groups`, a code for each row, an item takes the place of a medoid of its own group only.
    """
    clusters = nearest_medoid(embeddings, reference, medoids, to_labeled, scale=scale)
    moved = medoids.copy()
    for cluster, medoid in enumerate(medoids.tolist()):
        members = reference[clusters == cluster]
        candidates = members[~np.isin(members, np.delete(moved, cluster))]
        if groups is not None:
            candidates = candidates[groups[candidates] == groups[medoid]]
        if len(candidates) == 0:
            continue
        candidates = np.concatenate([[medoid], candidates])  # first, so that it wins ties
        moved[cluster] = candidates[distance_sums(embeddings, candidates, members, scale=scale).argmin()]
    return moved


def nearest_medoid(
    embeddings: Float[np.ndarray, "n d"],
    reference: Int64[np.ndarray, " r"],
    medoids: Int64[np.ndarray, " k"],
    to_labeled: Float32[np.ndarray, " r"],
    *,
    scale: Float32[np.ndarray, " n"],
) -> Int64[np.ndarray, " r"]:
    """Return the place of the nearest medoid, or -1 where a labeled item is at least as near."""
    nearest = np.empty(len(reference), dtype=np.int64)
    points = gathered(embeddings, medoids, scale=scale).T
    for start in range(0, len(reference), _BLOCK_ROWS):
        place = slice(start, start + _BLOCK_ROWS)
        distances = to_distances(gathered(embeddings, reference[place], scale=scale) @ points)
        best = distances.argmin(axis=1)
        nearest[place] = np.where(distances.min(axis=1) < to_labeled[place], best, -1)
    return nearest


def distance_sums(
    embeddings: Float[np.ndarray, "n d"],
    candidates: Int64[np.ndarray, " m"],
    members: Int64[np.ndarray, " p"],
    *,
    scale: Float32[np.ndarray, " n"],
) -> Float64[np.ndarray, " m"]:
    """Return the sum of each candidate's distances to the members."""
    sums = np.zeros(len(candidates))
    points = gathered(embeddings, members, scale=scale).T
    for start in range(0, len(candidates), _BLOCK_ROWS):
        some = gathered(embeddings, candidates[start : start + _BLOCK_ROWS], scale=scale)
        sums[start : start + len(some)] = to_distances(some @ points).sum(axis=1, dtype=np.float64)
    return sums
