"""Folds keep groups whole, are even in size and spread the strata."""

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.heads.folds import group_folds


def test_folds_keep_groups_together_and_are_even():
    groups = np.repeat(["a", "b", "c", "d", "e"], [6, 3, 3, 2, 2])
    folds = group_folds(groups, n_folds=3, seed=0)
    assert sorted(np.concatenate(folds)) == list(range(16))
    for fold in folds:
        assert not set(groups[fold]) & set(np.delete(groups, fold))
    assert [len(fold) for fold in folds] == [6, 5, 5]


def test_folds_spread_the_strata_and_depend_on_the_seed():
    strata = np.array(["full"] * 9 + ["empty"] * 3)
    folds = group_folds(np.arange(12), strata=strata, n_folds=3, seed=0)
    assert [sorted(strata[fold]) for fold in folds] == [["empty"] + ["full"] * 3] * 3
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(folds, group_folds(np.arange(12), strata=strata, n_folds=3, seed=1), strict=True)
    )


def test_fewer_groups_than_folds_give_fewer_folds_and_a_single_one_is_refused():
    assert len(group_folds(np.array(["a", "a", "b"]), n_folds=5, seed=0)) == 2
    with pytest.raises(InvalidInput, match="at least 2 groups; got 1"):
        group_folds(np.array(["a"] * 4), n_folds=3, seed=0)
