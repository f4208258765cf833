"""Chosen against random items: draws of equal size, and an interval that holds what chance can do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.control import MIN_CONTROL, compare_arms, draw_halves, verdict_of, what_lacks
from alcore.errors import InvalidInput


@settings(max_examples=40, deadline=None)
@given(st.integers(MIN_CONTROL, 40), st.integers(20, 200), st.integers(1, 5), st.integers(0, 99))
def test_halves_are_equal_distinct_and_of_their_own_arm(n_control, n_strategy, n_draws, seed):
    control, strategy = np.arange(n_control), np.arange(1000, 1000 + n_strategy)
    halves = draw_halves(strategy, control, n_draws=n_draws, rng=np.random.default_rng(seed))
    assert halves.control.shape == halves.strategy.shape == (n_draws, n_control // 2)
    for drawn, arm in ((halves.control, control), (halves.strategy, strategy)):
        assert all(len(set(row.tolist())) == len(row) for row in drawn)
        assert np.isin(drawn, arm).all()
    again = draw_halves(strategy, control, n_draws=n_draws, rng=np.random.default_rng(seed))
    assert (again.strategy == halves.strategy).all()


def test_half_samples_stray_as_the_sample_itself_does():
    rng = np.random.default_rng(0)
    sample = rng.normal(size=40)
    halves = draw_halves(np.arange(40), np.arange(40), n_draws=4000, rng=rng)
    spread = sample[halves.control].mean(axis=1).std()
    assert spread == pytest.approx(sample.std(ddof=1) / np.sqrt(40), rel=0.05)


def test_too_few_items_make_no_halves():
    rows = np.arange(MIN_CONTROL)
    with pytest.raises(InvalidInput, match="16 labeled control items"):
        draw_halves(np.arange(50), rows[:-1], n_draws=2, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="got 16 and 7"):
        draw_halves(np.arange(7), rows, n_draws=2, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="n_draws >= 1"):
        draw_halves(np.arange(50), rows, n_draws=0, rng=np.random.default_rng(0))


def plain(strategy, control, **more):
    groups, classes = np.arange(strategy.shape[1]), np.zeros(strategy.shape[1], np.int64)
    return compare_arms(strategy, control, groups, classes, rng=np.random.default_rng(0), **more)


def test_a_worked_comparison():
    found = plain(np.full((3, 8), 0.75), np.full((3, 8), 0.5))
    assert (found.strategy, found.control, found.difference) == (0.75, 0.5, 0.25)
    assert found.interval == (0.25, 0.25)
    assert found.verdict == "pays"
    assert plain(np.full((3, 8), 0.5), np.full((3, 8), 0.75)).verdict == "costs"


def test_swapping_the_arms_turns_the_sign_of_the_difference():
    rng = np.random.default_rng(3)
    first, second = rng.random((10, 30)), rng.random((10, 30)) + 0.2
    assert plain(first, second).difference == pytest.approx(-plain(second, first).difference)


def test_rare_classes_weigh_as_much_as_others():
    right = np.array([[1.0, 1, 1, 0]])
    found = compare_arms(
        right, right * 0, np.arange(4), np.array([0, 0, 0, 1]), rng=np.random.default_rng(0), n_resamples=10
    )
    assert found.strategy == 0.5  # all of one class, none of the other


def test_the_interval_is_wider_where_images_share_their_patients():
    rng = np.random.default_rng(1)
    good = np.repeat(rng.random((1, 10)), 5, axis=1).repeat(6, axis=0)  # five images a patient, all alike
    apart = plain(good, good * 0)
    classes = np.zeros(50, np.int64)
    together = compare_arms(good, good * 0, np.repeat(np.arange(10), 5), classes, rng=np.random.default_rng(0))
    assert np.diff(together.interval) > 1.7 * np.diff(apart.interval)


def test_equal_arms_are_seldom_told_apart():
    rng = np.random.default_rng(5)
    told = 0
    for _ in range(60):
        hardness = rng.random(24)
        heads = (rng.normal(0, 0.15, (20, 1)) + hardness > rng.random((20, 24))).astype(float)
        told += plain(heads[:10], heads[10:], n_resamples=300).verdict != "undecided"
    assert told <= 6


def test_bad_values_are_refused():
    good = np.ones((2, 4))
    with pytest.raises(InvalidInput, match="finite"):
        plain(good, good * np.nan)
    with pytest.raises(InvalidInput, match="as many heads"):
        plain(good[:0], good[:0])


def test_the_verdict_needs_an_interval_on_one_side():
    assert [verdict_of(ci) for ci in ((0.01, 0.2), (-0.1, 0.2), (-0.2, -0.01), (0.0, 0.0))] == [
        "pays",
        "undecided",
        "costs",
        "undecided",
    ]


def test_what_lacks_is_said_in_words_and_nothing_lacks_in_the_end():
    assert what_lacks(40, 3, 5, 5, min_audit=8) == (
        "3 of 16 control images are labeled; 5 of 8 audit images are labeled, of 5 patients"
    )
    assert what_lacks(3, 16, 8, 3, min_audit=8) == "3 of 8 chosen images are labeled"
    assert "of 2 patients" in what_lacks(40, 16, 8, 2, min_audit=8)
    assert what_lacks(40, 16, 8, 3, min_audit=8) == ""
