"""Unlabeled images: what a committee says of them, and when it is listened to."""

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.weak.relabel import confident_labels
from alcore.weak.semi import MIN_COMPARED, keep_if_better, unlabeled_targets


def test_each_image_is_labeled_where_the_committee_is_sure_and_counts_half() -> None:
    committee = np.random.default_rng(0).dirichlet(np.ones(3) / 5, (2, 4, 5, 6)).transpose(0, 1, 4, 2, 3)
    targets, weights = unlabeled_targets(committee)
    assert targets.shape == weights.shape == (4, 5, 6)
    for i in range(4):
        np.testing.assert_array_equal(targets[i], confident_labels(committee[:, i]))
    assert (weights == 0.5).all()
    assert set(np.unique(targets)) > {255}
    none, _ = unlabeled_targets(committee[:, :0])
    assert none.shape == (0, 5, 6)
    with pytest.raises(InvalidInput, match="above 0 and at most 1; got 0"):
        unlabeled_targets(committee, weight=0.0)


def test_a_clear_gain_is_kept_and_a_chance_one_is_not() -> None:
    before = np.linspace(0.4, 0.8, 10)
    verdict = keep_if_better(before, before + np.tile([0.04, 0.06], 5))
    assert verdict.keeps
    assert verdict.gain == pytest.approx(0.05)
    assert not keep_if_better(before, before + np.tile([-0.2, 0.22], 5)).keeps  # 0.01, with an error of 0.07
    assert not keep_if_better(before, before).keeps
    assert not keep_if_better(before + 0.1, before).keeps


def test_only_items_that_both_were_measured_on_count_and_few_decide_nothing() -> None:
    before = np.full(10, 0.5)
    before[0] = np.nan
    after = np.full(10, 0.6)
    after[1] = np.nan
    verdict = keep_if_better(before, after)
    assert verdict.n == MIN_COMPARED == 8
    assert verdict.keeps
    after[2] = np.nan
    assert not keep_if_better(before, after).keeps
    assert keep_if_better(before, np.full(10, np.nan)).n == 0
