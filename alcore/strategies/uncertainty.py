"""Strategies that take the highest scores of one acquisition function."""

import numpy as np
from jaxtyping import Float, Int64

from alcore.acquisition import ACQUISITIONS, Acquisition
from alcore.strategies.quota import Quota
from alcore.strategies.registry import Need, StrategyFunction, register
from alcore.types import PoolView, QueryResult


def scores_of(name: str, pool: PoolView) -> Float[np.ndarray, " n"]:
    """Score all rows by an acquisition function: pooled pixel scores where the pool has them, else from its arrays.

    Probabilities default to the committee's mean. What is lacking was refused by `select`.
    """
    if name in pool.uncertainty:
        return pool.uncertainty[name]
    acquisition = ACQUISITIONS[name]
    return acquisition.function(*(_array(need, pool) for need in acquisition.needs))


def mean_probabilities(pool: PoolView) -> Float[np.ndarray, "n c"]:
    """Give the class probabilities, or the committee's mean; `select` has checked that there is one."""
    if pool.probabilities is not None:
        return pool.probabilities
    assert pool.committee is not None
    return pool.committee.mean(axis=0)


def ranking(scores: Float[np.ndarray, " n"], pool: PoolView, rng: np.random.Generator) -> Int64[np.ndarray, " m"]:
    """Sort the unlabeled rows, highest score first, ties by chance."""
    candidates = np.flatnonzero(~pool.labeled)
    return candidates[np.lexsort((rng.random(len(candidates)), -scores[candidates]))].astype(np.int64)


def _array(need: str, pool: PoolView) -> object:
    """One of the pool's arrays."""
    return mean_probabilities(pool) if need == "probabilities" else getattr(pool, need)


def _top_k(acquisition: Acquisition) -> StrategyFunction:
    """Make the strategy of one acquisition function."""

    def strategy(
        pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None
    ) -> QueryResult:
        scores = scores_of(acquisition.name, pool)
        order = ranking(scores, pool, rng)
        rows = Quota(pool, max_per_group).take_in_order(order, batch_size)
        ranks = np.flatnonzero(np.isin(order, rows)) + 1
        reasons = tuple(
            f"{acquisition.name} {score:.2f}, rank {rank}"
            for score, rank in zip(scores[rows].tolist(), ranks.tolist(), strict=True)
        )
        return QueryResult(rows=rows, scores=scores[rows], reasons=reasons)

    strategy.__name__, strategy.__doc__ = acquisition.name, acquisition.summary + "; ties by chance."
    return strategy


for _entry in ACQUISITIONS.values():
    _needs: frozenset[Need] = frozenset(_entry.needs)  # type: ignore[arg-type]  # tests check them against Need
    register(
        _entry.name,
        paper=_entry.paper,
        phase="round",
        needs=_needs,
        cost=_entry.cost,
        advice=_entry.advice,
        draws=_entry.is_coarse,
        is_nested=True,
    )(_top_k(_entry))
