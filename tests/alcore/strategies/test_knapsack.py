"""Score for seconds: by hand, the guarantee against an exhaustive search, and the budget."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.strategies import select
from alcore.types import PoolView


def priced(scores, costs, groups=None):
    n = len(scores)
    return PoolView(
        embeddings=np.ones((n, 2), np.float32),
        labeled=np.zeros(n, bool),
        costs=np.asarray(costs, dtype=float),
        uncertainty={"entropy": np.asarray(scores, dtype=float)},
        groups=groups,
    )


def buy(pool, batch_size, **options):
    return select("knapsack", pool, batch_size, rng=np.random.default_rng(0), **options)


def test_without_a_budget_the_order_is_by_score_per_second():
    result = buy(priced([1.0, 0.9, 0.5], [10, 3, 1]), 3)
    assert result.rows.tolist() == [2, 1, 0]
    assert result.reasons[1] == "entropy 0.90 for 3 s"


def test_many_cheap_items_beat_one_dear_one_where_they_bring_more():
    pool = priced([1.0, 0.6, 0.6, 0.6], [30, 10, 10, 10])
    assert sorted(buy(pool, 3, budget_s=30.0).rows.tolist()) == [1, 2, 3]
    assert buy(pool, 3, budget_s=30.0).reasons[0] == "entropy 0.60 for 10 s; 30 of 30 s in all"


def test_one_dear_item_beats_the_densest_where_it_brings_more():
    """Greedy by density alone takes the crumb and can then no longer pay for the cake."""
    assert buy(priced([0.02, 1.0], [0.1, 10]), 2, budget_s=10.0).rows.tolist() == [1]


def test_crumbs_do_not_use_up_the_places_of_a_batch():
    pool = priced([0.01] * 4 + [1.0] * 4, [0.01] * 4 + [10.0] * 4)
    assert sorted(buy(pool, 4, budget_s=1000.0).rows.tolist()) == [4, 5, 6, 7]


def test_a_budget_below_the_cheapest_item_buys_nothing():
    assert buy(priced([1.0, 1.0], [5, 6]), 2, budget_s=4.9).rows.tolist() == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_the_total_is_within_budget_and_at_least_half_of_the_best(seed):
    rng = np.random.default_rng(seed)
    scores, costs = rng.random(9), rng.exponential(5, size=9) + 0.1
    budget = float(rng.uniform(1, costs.sum()))
    rows = buy(priced(scores, costs), 9, budget_s=budget).rows
    assert costs[rows].sum() <= budget + 1e-9
    subsets = itertools.chain.from_iterable(itertools.combinations(range(9), size) for size in range(10))
    best = max(scores[list(s)].sum() for s in subsets if costs[list(s)].sum() <= budget)
    assert scores[rows].sum() >= best / 2 - 1e-9


def test_groups_and_budget_hold_together():
    groups = np.array(["a", "a", "a", "b"], dtype=object)
    result = buy(priced([0.9, 0.8, 0.7, 0.1], [1, 1, 1, 1], groups), 4, budget_s=3.0, max_per_group=1)
    assert sorted(result.rows.tolist()) == [0, 3]


def test_wrong_settings_are_named():
    with pytest.raises(InvalidInput, match="budget_s must be a finite number above 0; got 0"):
        buy(priced([1.0], [1]), 1, budget_s=0.0)
    with pytest.raises(InvalidInput, match="knapsack needs scores >= 0"):
        buy(priced([-1.0], [1]), 1)
