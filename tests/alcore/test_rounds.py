"""Round planning, held-out sets and the cost table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.costs import CostTable
from alcore.errors import InvalidInput, UnknownName
from alcore.rounds import arm_sizes, audit_is_enough, audit_set, hold_out, plan_round


def test_the_first_batch_is_a_cold_start_and_later_ones_ask_the_head():
    first = plan_round("segmentation", 0, None, "default", "default", 20)
    later = plan_round("segmentation", 20, None, "default", "default", 10)
    assert (first.strategy, first.batch_size) == ("kmeans_medoid", 20)
    assert first.reason == "kmeans_medoid: nothing is labeled yet"
    assert (later.strategy, later.reason) == ("uherding", "uherding: 20 labels so far")
    assert plan_round("classification", 20, None, "default", "default", 10).strategy == "uherding"


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


def grown(groups, kept=None, closed=None, *, share=0.2, min_items=3, seed=0):
    groups = np.asarray(groups)
    none = np.zeros(len(groups), bool)
    return audit_set(
        groups,
        none if kept is None else np.asarray(kept),
        none if closed is None else np.asarray(closed),
        share=share,
        min_items=min_items,
        rng=np.random.default_rng(seed),
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 80), st.integers(6, 30), st.floats(0.05, 0.5), st.integers(0, 500))
def test_an_audit_set_keeps_groups_whole_only_grows_and_never_takes_who_was_asked(n, n_groups, share, seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(n_groups, size=n)
    first = grown(groups, share=share, seed=seed)
    assert first.sum() <= round(share * n)
    assert not set(groups[first].tolist()) & set(groups[~first].tolist())
    more = np.concatenate([groups, rng.integers(n_groups + 10, size=30)])
    asked = np.concatenate([~first & (rng.random(n) < 0.3), np.zeros(30, bool)])
    kept = np.concatenate([first, np.zeros(30, bool)])
    second = grown(more, kept, asked, share=share, seed=seed + 1)
    assert (second >= kept).all()
    assert not set(more[second].tolist()) & set(more[~second].tolist())
    assert not (second & asked).any()


def test_an_audit_set_is_drawn_from_all_groups_alike():
    counts = sum(grown(np.arange(20), share=0.25, seed=seed).astype(int) for seed in range(400))
    assert counts.sum() == 400 * 5
    assert counts.min() > 60  # 100 expected; a binomial of 400 and 0.25 strays by 8.7


def test_an_audit_set_that_could_tell_nothing_is_not_begun():
    assert not grown(np.repeat([0, 1], 30)).any()  # two patients, each larger than the share
    assert not grown(np.repeat([0, 1, 2, 3], 10), share=0.5).any()  # two of four patients fit, three are needed
    assert not grown(np.arange(10), share=0.2, min_items=3).any()  # two images
    assert grown(np.arange(15), share=0.2, min_items=3).sum() == 3
    assert not grown(np.arange(0)).any()


def test_an_audit_set_stays_when_the_share_is_taken_back_and_takes_its_patients_new_images():
    groups = np.array([0, 1, 1, 2, 3, 4])
    kept = np.array([False, True, False, False, False, False])
    assert grown(groups, kept, share=0.0).tolist() == [False, True, True, False, False, False]
    with pytest.raises(InvalidInput, match="0 <= share < 1"):
        grown(groups, share=1.0)
    assert (audit_is_enough(8, 3, min_items=8), audit_is_enough(8, 2, min_items=8)) == (True, False)


def test_arms_of_worked_batches():
    shares = {"audit": 0.1, "control": 0.2}
    assert arm_sizes(20, {}, shares) == {"strategy": 14, "control": 4, "audit": 2}
    assert arm_sizes(4, {"strategy": 4}, shares) == {"strategy": 1, "control": 2, "audit": 1}
    assert arm_sizes(20, {}, {}) == {"strategy": 20, "control": 0, "audit": 0}
    owing = arm_sizes(20, {"strategy": 500}, shares)
    assert owing == {"strategy": 8, "control": 8, "audit": 4}  # twice the share at most
    with pytest.raises(InvalidInput, match="at most 1"):
        arm_sizes(20, {}, {"audit": 0.5, "control": 0.6})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=30), st.floats(0, 0.5), st.floats(0, 0.5))
def test_shares_hold_over_batches_of_any_size(batches, audit, control):
    asked = {"strategy": 0, "control": 0, "audit": 0}
    for size in batches:
        made = arm_sizes(size, asked, {"audit": audit, "control": control})
        assert sum(made.values()) == size
        assert min(made.values()) >= 0
        asked = {arm: asked[arm] + made[arm] for arm in asked}
    assert abs(asked["audit"] - audit * sum(batches)) <= 1
    assert abs(asked["control"] - control * sum(batches)) <= 1.5
