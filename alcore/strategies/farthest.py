"""Farthest-first traversal under any distance that can be computed from all items to a few."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float64, Int64

from alcore.strategies.quota import Quota

_CENTRES_AT_ONCE = 16

DistancesTo = Callable[[Int64[np.ndarray, " m"]], Float[np.ndarray, "n m"]]
"""Gives the distance of every item to each of some rows, >= 0."""


def farthest_first(
    distances_to: DistancesTo,
    centres: Int64[np.ndarray, " l"],
    quota: Quota,
    *,
    batch_size: int,
    rng: np.random.Generator,
    nodes: Int64[np.ndarray, " n"] | None = None,
) -> tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, " b"]]:
    """Pick again and again the open row that is farthest from its nearest centre; it becomes a centre itself.

    Args:
        distances_to: the distance of all n items to some of them, by place; symmetric, and need not be a metric.
        centres: places that are centres already.
        quota: the rows that may be picked; it is used up.
        batch_size: rows to pick; fewer come back when the quota runs out.
        rng: breaks ties, and so draws the first pick where there is no centre.
        nodes: the pool row of each of the n items, where they are a part of the pool; else places are rows.

    Returns:
        Pool rows in pick order and the distance of each to its nearest earlier centre (infinite without one).

    Source: Gonzalez 1985, farthest-first traversal. Cost: l + b columns of distances, O(n) memory beside them.
    """
    nodes = np.arange(len(quota.open)) if nodes is None else nodes
    nearest = np.full(len(nodes), np.inf)
    for start in range(0, len(centres), _CENTRES_AT_ONCE):
        np.minimum(nearest, distances_to(centres[start : start + _CENTRES_AT_ONCE]).min(axis=1), out=nearest)
    rows: list[int] = []
    gaps: list[float] = []
    while len(rows) < batch_size:
        reachable = np.where(quota.open[nodes], nearest, -1)
        farthest = reachable.max(initial=-1)
        if farthest < 0:
            break
        tied = np.flatnonzero(reachable == farthest)
        place = int(tied[0] if len(tied) == 1 else rng.choice(tied))
        rows.append(int(nodes[place]))
        quota.take(rows[-1])
        gaps.append(float(farthest))
        np.minimum(nearest, distances_to(np.asarray([place]))[:, 0], out=nearest)
    return np.asarray(rows, dtype=np.int64), np.asarray(gaps, dtype=np.float64)
