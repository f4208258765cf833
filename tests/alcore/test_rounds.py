"""Round planning, held-out sets and the cost table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.costs import CostTable
from alcore.errors import InvalidInput, UnknownName
from alcore.rounds import hold_out, plan_round


def test_the_first_batch_is_a_cold_start_and_later_ones_ask_the_head():
    first = plan_round("segmentation", 0, None, "default", "default", 20)
    later = plan_round("segmentation", 20, None, "default", "default", 10)
    assert (first.strategy, first.batch_size) == ("kmeans_medoid", 20)
    assert first.reason == "kmeans_medoid: nothing is labeled yet"
    assert (later.strategy, later.reason) == ("entropy", "entropy: 20 labels so far")
    assert plan_round("classification", 20, None, "default", "default", 10).strategy == "margin"


def test_settings_win_over_defaults_and_a_request_over_both():
    assert plan_round("segmentation", 0, None, "typiclust", "bald", 5).strategy == "typiclust"
    assert plan_round("segmentation", 9, None, "typiclust", "bald", 5).strategy == "bald"
    assert plan_round("segmentation", 9, "random", "typiclust", "bald", 5).strategy == "random"
    assert plan_round("segmentation", 9, "default", "typiclust", "bald", 5).strategy == "bald"


def test_a_strategy_that_needs_a_head_cannot_begin():
    for requested, cold_start in (("entropy", "default"), (None, "margin")):
        with pytest.raises(InvalidInput, match=r"nothing is labeled yet; begin with: .*kmeans_medoid"):
            plan_round("segmentation", 0, requested, cold_start, "default", 5)
    with pytest.raises(UnknownName, match="unknown strategy 'badger'"):
        plan_round("segmentation", 3, "badger", "default", "default", 5)
    with pytest.raises(InvalidInput, match="batch_size"):
        plan_round("segmentation", 3, None, "default", "default", 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.integers(2, 12), st.floats(0.02, 0.9), st.integers(0, 1000))
def test_a_held_out_set_never_splits_a_group_nor_takes_all(n, n_groups, share, seed):
    groups = np.random.default_rng(seed).integers(n_groups, size=n)
    groups[:2] = [0, 1]
    rows = hold_out(n, groups, np.random.default_rng(seed), share)
    assert 1 <= len(rows) < n
    assert rows.tolist() == sorted(set(rows.tolist()))
    rest = np.setdiff1d(np.arange(n), rows)
    assert not set(groups[rows].tolist()) & set(groups[rest].tolist())
    assert rows.tolist() == hold_out(n, groups, np.random.default_rng(seed), share).tolist()


def test_a_held_out_set_without_groups_has_the_asked_share():
    assert len(hold_out(200, None, np.random.default_rng(0), 0.2)) == 40
    assert len(hold_out(2, None, np.random.default_rng(0), 0.01)) == 1
    with pytest.raises(InvalidInput, match="one group"):
        hold_out(5, np.zeros(5, int), np.random.default_rng(0), 0.2)
    with pytest.raises(InvalidInput, match="0 < share < 1"):
        hold_out(5, None, np.random.default_rng(0), 1.5)


def test_seconds_follow_the_cost_table():
    costs = CostTable()
    assert costs.class_label() == 1.0
    assert costs.prompted_object(n_clicks=0, n_boxes=1) == 7 + 2.5
    assert costs.prompted_object(n_clicks=2, n_boxes=1) == 7 + 3 + 3 + 2.5
    assert costs.prompted_object(n_clicks=3, n_boxes=0) == 2 + 3 + 3 + 2.5
    assert costs.prompted_object(n_clicks=2, n_boxes=0, n_scribbles=1) == 8.5 + 3 + 3 + 2.5
    assert costs.outlined_objects(2) == 108
    assert costs.empty_image() == 2.5
    assert CostTable(box_s=4.0).prompted_object(n_clicks=0, n_boxes=1) == 6.5


def test_impossible_costs_are_refused():
    with pytest.raises(InvalidInput, match="box_s must be finite and >= 0"):
        CostTable(box_s=-1.0)
    with pytest.raises(InvalidInput, match="n_clicks must be >= 0; got -1"):
        CostTable().prompted_object(n_clicks=-1, n_boxes=0)
