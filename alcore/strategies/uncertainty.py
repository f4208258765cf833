"""Strategies that take the highest scores of one acquisition function."""

import numpy as np
from jaxtyping import Float

from alcore.acquisition import ACQUISITIONS, Acquisition
from alcore.strategies.quota import Quota
from alcore.strategies.registry import StrategyFunction, register
from alcore.types import PoolView, QueryResult

_SUMMARIES = {
    "least_confidence": "Ask where the most likely class is least likely",
    "margin": "Ask where the two most likely classes are closest",
    "entropy": "Ask where the prediction is most spread out",
    "dbal": "Ask where the committee's mean prediction is most spread out",
    "bald": "Ask where the committee's members disagree most",
}


def scores_of(acquisition: Acquisition, pool: PoolView) -> Float[np.ndarray, " n"]:
    """Score all rows: pooled pixel scores where the pool has them, else from its probabilities or committee."""
    if acquisition.name in pool.uncertainty:
        return pool.uncertainty[acquisition.name]
    if acquisition.needs == "committee":
        assert pool.committee is not None  # `select` has checked
        return acquisition.function(pool.committee)
    if pool.probabilities is not None:
        return acquisition.function(pool.probabilities)
    assert pool.committee is not None
    return acquisition.function(pool.committee.mean(axis=0))


def _top_k(acquisition: Acquisition) -> StrategyFunction:
    """Make the strategy of one acquisition function."""

    def strategy(
        pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None
    ) -> QueryResult:
        scores = scores_of(acquisition, pool)
        candidates = np.flatnonzero(~pool.labeled)
        order = candidates[np.lexsort((rng.random(len(candidates)), -scores[candidates]))]
        rows = Quota(pool, max_per_group).take_in_order(order.astype(np.int64), batch_size)
        ranks = np.flatnonzero(np.isin(order, rows)) + 1
        reasons = tuple(
            f"{acquisition.name} {score:.2f}, rank {rank}"
            for score, rank in zip(scores[rows].tolist(), ranks.tolist(), strict=True)
        )
        return QueryResult(rows=rows, scores=scores[rows], reasons=reasons)

    strategy.__name__, strategy.__doc__ = acquisition.name, _SUMMARIES[acquisition.name] + "; ties by chance."
    return strategy


for _entry in ACQUISITIONS.values():
    register(_entry.name, paper=_entry.paper, phase="round", needs=frozenset({_entry.needs}))(_top_k(_entry))
