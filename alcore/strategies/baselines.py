"""Strategies that look at no embedding and no model: what every other one must beat."""

import numpy as np

from alcore.strategies.quota import Quota, group_codes
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult


@register(
    "random",
    paper="baseline",
    phase="cold_start",
    cost="O(n)",
    advice="What every other strategy must beat; also the only unbiased sample",
    is_nested=True,
)
def random(
    pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None
) -> QueryResult:
    """Draw unlabeled items, all equally likely."""
    order = rng.permutation(np.flatnonzero(~pool.labeled)).astype(np.int64)
    rows = Quota(pool, max_per_group).take_in_order(order, batch_size)
    return QueryResult(rows=rows, reasons=("drawn at random",) * len(rows))


@register(
    "group_random",
    paper="baseline: patient-stratified random",
    phase="cold_start",
    needs=frozenset({"groups"}),
    cost="O(n log n)",
    advice="The better random where patients have many images each",
    is_nested=True,
)
def group_random(
    pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None
) -> QueryResult:
    """Draw at random from the groups (patients) that have the fewest labels, evenly.

    O(n log n). Each group's next item costs one more than its labels and earlier picks; cheapest first, ties by chance.
    """
    assert pool.groups is not None  # `select` has checked
    codes = group_codes(pool.groups)
    n_labeled = np.bincount(codes[pool.labeled], minlength=int(codes.max()) + 1)
    shuffled = rng.permutation(np.flatnonzero(~pool.labeled)).astype(np.int64)
    by_group = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.r_[0, np.flatnonzero(np.diff(codes[by_group])) + 1]
    turn = np.arange(len(by_group)) - np.repeat(starts, np.diff(np.r_[starts, len(by_group)]))
    burden = n_labeled[codes[by_group]] + turn
    order = by_group[np.lexsort((rng.random(len(by_group)), burden))]
    rows = Quota(pool, max_per_group).take_in_order(order, batch_size)
    burdens = burden[np.argsort(by_group)][np.searchsorted(np.sort(by_group), rows)]
    reasons = tuple(f"its group has {count} label(s) or earlier picks" for count in burdens.tolist())
    return QueryResult(rows=rows, reasons=reasons)
