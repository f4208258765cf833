"""The conformal lower bound: worked by hand, and its promise kept in simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcore.conformal import expected_dice, lower_bound
from alcore.errors import InvalidInput


def test_ten_answers_by_hand():
    """Nine tenths of eleven places is the tenth: the largest shortfall of all."""
    confidence = np.full(10, 0.9)
    value = 0.9 - np.array([0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.3, 0.2])
    bound = lower_bound(confidence, value, error_rate=0.1)
    assert bound.margin == pytest.approx(0.3)
    assert lower_bound(confidence, value, error_rate=0.2).margin == pytest.approx(0.2)  # k = ceil(8.8) = 9
    np.testing.assert_allclose(bound.at(np.array([0.95, 0.5, 0.1])), [0.65, 0.2, 0.0])
    np.testing.assert_array_equal(bound.accepts(np.array([0.95, 0.5]), at_least=0.6), [True, False])


def test_nine_answers_are_enough_for_nine_tenths_and_eight_are_not():
    enough = lower_bound(np.full(9, 0.8), np.full(9, 0.7), error_rate=0.1)
    too_few = lower_bound(np.full(8, 0.8), np.full(8, 0.7), error_rate=0.1)
    assert (enough.margin, enough.n) == (pytest.approx(0.1), 9)
    assert too_few.margin == np.inf
    assert not too_few.accepts(np.ones(1), at_least=0.01)
    assert lower_bound(np.zeros(0), np.zeros(0)).at(np.array([0.9])) == 0.0


def test_a_modest_model_gets_a_bound_above_its_confidence():
    bound = lower_bound(np.full(20, 0.5), np.full(20, 0.8))
    assert bound.margin == pytest.approx(-0.3)
    assert bound.at(np.array([0.9])) == 1.0


@pytest.mark.parametrize(("n", "error_rate"), [(9, 0.1), (30, 0.1), (25, 0.25)])
def test_the_promise_is_kept_in_simulation(n, error_rate):
    """Over 4000 sets of answers a new one keeps its bound as often as promised, and at most 1 / (n + 1) more often."""
    rng = np.random.default_rng(0)
    kept = 0
    for _ in range(4000):
        confidence = rng.beta(5, 2, size=n + 1)
        value = np.clip(confidence - rng.gamma(1.5, 0.08, size=n + 1) + 0.05, 0, 1)
        kept += bool(value[-1] >= confidence[-1] - lower_bound(confidence[:n], value[:n], error_rate=error_rate).margin)
    tolerance = 3 * np.sqrt(error_rate * (1 - error_rate) / 4000)
    assert 1 - error_rate - tolerance <= kept / 4000 <= 1 - error_rate + 1 / (n + 1) + tolerance


@given(st.integers(10, 60), st.integers(0, 99))
def test_order_does_not_matter_and_less_risk_means_a_lower_bound(n, seed):
    rng = np.random.default_rng(seed)
    confidence, value = rng.random(n), rng.random(n)
    order = rng.permutation(n)
    margins = [lower_bound(confidence, value, error_rate=rate).margin for rate in (0.05, 0.1, 0.3, 0.6)]
    assert margins == sorted(margins, reverse=True)
    assert lower_bound(confidence[order], value[order], error_rate=0.3).margin == margins[2]


def test_the_expected_dice_of_a_mask_by_hand():
    foreground = np.array([[0.9, 0.6, 0.2], [0.7, 0.1, 0.0]])
    odds = np.stack([1 - foreground, foreground])
    (found,) = expected_dice(odds)
    assert found == pytest.approx(2 * (0.9 + 0.6 + 0.7) / (2.5 + 3))


def test_a_class_that_is_nowhere_the_likeliest_has_no_mask_to_expect_anything_of():
    odds = np.zeros((3, 2, 3))
    odds[0], odds[1], odds[2] = 0.5, 0.3, 0.2
    odds[:, 1, 2] = [0.0, 0.0, 1.0]
    found = expected_dice(odds)
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(2 * 1 / (5 * 0.2 + 1 + 1))


@given(st.integers(0, 99), st.integers(2, 4))
def test_the_expected_dice_lies_in_0_to_1_and_is_1_for_a_head_that_is_sure(seed, n_classes):
    odds = np.random.default_rng(seed).dirichlet(np.full(n_classes, 0.3), (5, 7)).transpose(2, 0, 1)
    found = expected_dice(odds)
    shown = ~np.isnan(found)
    assert shown.tolist() == [(odds.argmax(axis=0) == k).any() for k in range(1, n_classes)]
    assert ((found[shown] > 0) & (found[shown] <= 1)).all()
    sure = np.eye(n_classes)[odds.argmax(axis=0)].transpose(2, 0, 1)
    np.testing.assert_allclose(expected_dice(sure)[shown], 1.0)


def test_the_expected_dice_is_near_the_mean_dice_of_what_its_probabilities_draw():
    """Borges et al.: for independent pixels the estimate is close to the expectation that it stands for."""
    rng = np.random.default_rng(0)
    foreground = rng.beta(0.5, 1.5, size=(12, 17))
    mask = foreground > 0.5
    (found,) = expected_dice(np.stack([1 - foreground, foreground]))
    drawn = rng.random((4000, *mask.shape)) < foreground
    dice = 2 * (drawn & mask).sum((1, 2)) / (drawn.sum((1, 2)) + mask.sum())
    assert found == pytest.approx(dice.mean(), abs=0.005)


def test_inputs_that_do_not_fit_are_refused():
    good = np.full(3, 0.5)
    with pytest.raises(InvalidInput, match="one value for each"):
        lower_bound(good, np.full(4, 0.5))
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        lower_bound(good, good, error_rate=1.0)
    with pytest.raises(InvalidInput, match="leave out what was not measured"):
        lower_bound(good, np.array([0.5, np.nan, 0.5]))
    with pytest.raises(InvalidInput, match="confidence must lie"):
        lower_bound(good + 1, good)
