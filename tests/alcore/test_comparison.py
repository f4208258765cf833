"""Paired comparisons of strategies over seeds."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from alcore.comparison import holm, loss_rates, paired_p_values, penalty_matrix
from alcore.errors import InvalidInput


def test_a_clear_winner_beats_the_others_at_every_budget_and_equals_do_not():
    rng = np.random.default_rng(0)
    base = rng.normal(0.5, 0.05, size=(10, 4))
    noise = lambda: rng.normal(0, 0.01, size=(10, 4))  # noqa: E731
    values = {"random": base + noise(), "good": base + 0.2 + noise(), "same": base + noise()}
    names, wins = penalty_matrix(values)
    assert names == ["random", "good", "same"]
    assert wins[1].tolist() == [1.0, 0.0, 1.0]
    assert wins[0, 1] == wins[2, 1] == 0
    np.testing.assert_allclose(loss_rates(wins)[1], 0)
    assert loss_rates(wins)[0] >= 0.5


def test_a_strategy_that_wins_late_wins_a_share_of_the_budgets():
    rng = np.random.default_rng(1)
    base = rng.normal(size=(8, 4))
    late = base + rng.normal(0, 0.01, size=(8, 4)) + np.array([0, 0, 0, 1.0])
    _, wins = penalty_matrix({"a": base, "b": late})
    assert wins[1, 0] == 0.25


def test_p_values_are_those_of_scipy():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(5, 7)), rng.normal(0.3, 1, size=(5, 7))
    np.testing.assert_allclose(paired_p_values(a - b), ttest_rel(a, b, axis=1).pvalue)
    assert paired_p_values(np.array([[0.0, 0.0], [0.1, 0.1]])).tolist() == [1.0, 0.0]


def test_holm_rejects_step_by_step():
    p = np.array([0.04, 0.001, 0.03, 0.012])
    # smallest first: 0.001 <= .05/4, 0.012 <= .05/3, 0.03 > .05/2 stops it, and 0.04 stays although it is below 0.05
    assert holm(p, alpha=0.05).tolist() == [False, True, False, True]
    assert holm(np.array([0.01, 0.02]), alpha=0.05).tolist() == [True, True]


def test_too_little_to_compare_is_refused():
    with pytest.raises(InvalidInput, match="two strategies"):
        penalty_matrix({"a": np.zeros((3, 2))})
    with pytest.raises(InvalidInput, match=r"1 seed\(s\)"):
        penalty_matrix({"a": np.zeros((1, 2)), "b": np.zeros((1, 2))})
