"""Stopping criteria: worked cases, scikit-learn as reference, and known learning curves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.stopping import (
    classification_change,
    cohen_kappa,
    dice_stability,
    fit_power_law,
    kappa_stability,
    marginal_gain,
    overall_uncertainty,
    pool_coverage,
    seconds_budget,
)


def rng():
    return np.random.default_rng(0)


def test_kappa_of_a_worked_table():
    a, b = np.asarray([0, 0, 0, 1, 1]), np.asarray([0, 0, 1, 1, 1])
    assert np.isclose(cohen_kappa(a, b), (0.8 - 0.48) / 0.52)
    assert cohen_kappa(a, a) == 1
    assert cohen_kappa(a * 0, a * 0) == 1


@pytest.mark.parametrize("c", [2, 3, 5])
def test_kappa_agrees_with_scikit_learn(c):
    from sklearn.metrics import cohen_kappa_score

    generator = np.random.default_rng(c)
    for _ in range(5):
        a, b = generator.integers(c, size=30), generator.integers(c, size=30)
        assert np.isclose(cohen_kappa(a, b), cohen_kappa_score(a, b))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_kappa_is_symmetric_and_at_most_one(seed):
    generator = np.random.default_rng(seed)
    a, b = generator.integers(3, size=12), generator.integers(3, size=12)
    assert cohen_kappa(a, b) == pytest.approx(cohen_kappa(b, a))
    assert cohen_kappa(a, b) <= 1


def test_predictions_that_stay_the_same_for_three_rounds_are_stable():
    still, other = np.asarray([0, 1, 2, 1]), np.asarray([2, 1, 2, 1])
    early = kappa_stability(np.stack([still] * 3))
    assert (early.is_met, early.value) == (False, 1.0)
    assert "too early: 2 of 3" in early.advice
    stable = kappa_stability(np.stack([other, still, still, still, still]))
    assert stable.is_met
    assert "stable" in stable.advice
    moving = kappa_stability(np.stack([still, still, still, other]))
    assert not moving.is_met
    assert np.isclose(moving.value, (2 + cohen_kappa(still, other)) / 3)
    assert "still move" in moving.advice
    assert kappa_stability(still[None]).value == 0


def test_masks_that_stay_the_same_are_stable():
    mask = np.zeros((2, 4, 6), int)
    mask[:, 1:3, 1:4] = 1
    shifted = np.roll(mask, 1, axis=2)
    assert dice_stability([shifted, mask, mask, mask, mask], 2).is_met
    moving = dice_stability([mask, mask, mask, shifted], 2)
    assert not moving.is_met
    assert np.isclose(moving.value, (1 + 1 + 2 / 3) / 3)  # 2 of 3 columns overlap
    empty = dice_stability([mask * 0] * 4, 2)
    assert (empty.is_met, empty.value) == (True, 1.0)
    with pytest.raises(InvalidInput, match="window"):
        dice_stability([mask], 2, window=0)


def test_overall_uncertainty_is_the_entropy_as_a_part_of_its_maximum():
    sure, even = np.asarray([[1.0, 0.0, 0.0]]), np.full((1, 3), 1 / 3)
    assert overall_uncertainty(sure).is_met
    assert np.isclose(overall_uncertainty(even).value, 1)
    half = overall_uncertainty(np.concatenate([sure, even]))
    assert np.isclose(half.value, 0.5)
    assert not half.is_met
    with pytest.raises(InvalidInput, match="two classes"):
        overall_uncertainty(np.ones((3, 1)))


def test_classification_change_counts_changed_items():
    before, after = np.asarray([0, 1, 2, 2]), np.asarray([0, 1, 2, 1])
    assert classification_change(before, before).is_met
    changed = classification_change(before, after)
    assert (changed.value, changed.is_met) == (0.25, False)
    assert "25.0%" in changed.advice
    assert classification_change(before, after, threshold=0.25).is_met


def test_the_seconds_budget_ends():
    early, late = seconds_budget(600.0, 3600.0), seconds_budget(3600.0, 3600.0)
    assert (early.is_met, late.is_met) == (False, True)
    assert early.advice == "50 minutes of the budget are left"
    with pytest.raises(InvalidInput, match="budget_s"):
        seconds_budget(1.0, 0.0)


def test_the_power_law_is_found_again():
    seconds = np.geomspace(60, 6000, 12)
    k = np.geomspace(0.05, 3, 60)[30]
    curve = 0.9 - 0.5 * (seconds / seconds[-1]) ** -k * 0.1
    fitted, gain = fit_power_law(seconds, curve[None], horizon_s=600.0)
    np.testing.assert_allclose(fitted[0], curve, atol=1e-10)
    ahead = 0.9 - 0.05 * (6600 / 6000) ** -k
    assert np.isclose(gain[0], (ahead - curve[-1]) / 10)


def test_the_marginal_gain_of_a_clean_curve_has_no_width():
    seconds = np.geomspace(60, 6000, 8)
    k = np.geomspace(0.05, 3, 60)[20]
    values = 0.8 - 0.3 * (seconds / 60) ** -k
    found = marginal_gain(seconds, values, threshold=1e-6, rng=rng())
    low, high = found.interval
    assert np.isclose(low, found.value, rtol=1e-3)
    assert np.isclose(high, found.value, rtol=1e-3)
    assert not found.is_met
    assert marginal_gain(seconds, values, threshold=found.value * 1.1, rng=rng()).is_met


def test_a_noisy_curve_has_a_wider_interval_and_stops_later():
    seconds = np.linspace(100, 3000, 15)
    clean = 0.8 - 0.3 * (seconds / 100) ** -0.8
    noise = np.random.default_rng(3).normal(size=15)
    widths = []
    for level in (0.001, 0.02):
        found = marginal_gain(seconds, clean + level * noise, threshold=1.0, rng=rng())
        widths.append(found.interval[1] - found.interval[0])
        assert found.interval[0] <= found.value <= found.interval[1]
    assert widths[1] > 3 * widths[0]


def test_a_falling_curve_promises_no_gain():
    found = marginal_gain(np.arange(1.0, 7.0) * 60, np.linspace(0.9, 0.5, 6), threshold=1e-6, rng=rng())
    assert found.value == 0


def test_learning_curves_that_cannot_be_fitted_are_refused():
    x, y = np.arange(1.0, 6.0), np.ones(5)
    for seconds, values in ((x[:3], y[:3]), (x[::-1].copy(), y), (x - 1, y), (x, y * np.nan)):
        with pytest.raises(InvalidInput, match=r"four points|seconds must"):
            marginal_gain(seconds, values, threshold=0.1, rng=rng())


def test_coverage_of_a_worked_pool():
    points = np.asarray([[0.0], [1.0], [2.0], [5.0]], np.float32)
    labeled = np.asarray([True, False, False, False])
    found = pool_coverage(points, labeled, radius=1.0, threshold=0.5)
    assert (found.value, found.is_met) == (0.5, True)
    assert found.advice == "50% of the pool lie within 1 of a labeled item"
    assert pool_coverage(points, ~labeled, radius=0.0).value == 0.75
    assert pool_coverage(points, labeled & False, radius=99.0).value == 0


def test_coverage_matches_a_plain_search_in_blocks_and_in_float16(monkeypatch):
    from alcore import stopping
    from alcore.strategies import blocks

    monkeypatch.setattr(blocks, "BLOCK_ROWS", 16)
    monkeypatch.setattr(stopping, "_CENTRES_AT_ONCE", 3)
    points = rng().normal(size=(50, 4)).astype(np.float16)
    labeled = rng().random(50) < 0.2
    gaps = np.linalg.norm(points[:, None].astype(float) - points[labeled][None].astype(float), axis=2).min(axis=1)
    for radius in (0.5, 1.5, 2.5):
        assert pool_coverage(points, labeled, radius=radius).value == np.mean(gaps <= radius)
    with pytest.raises(InvalidInput, match="radius"):
        pool_coverage(points, labeled, radius=-1.0)
