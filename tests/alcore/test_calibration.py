"""Temperature scaling: the formula, the fit, and the check on folds that did not choose it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcore.calibration import TEMPERATURES, calibrate_across_folds, fit_temperature, reliability, temper
from alcore.errors import InvalidInput
from alcore.metrics import brier, ece


def overconfident(n, *, sharpness=3.0, seed=0, n_classes=3):
    """Targets drawn from honest probabilities, and predictions whose logits are `sharpness` times too large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, n_classes)) * 1.5
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([rng.choice(n_classes, p=row) for row in honest])
    return temper(honest, 1 / sharpness), targets


def test_tempering_follows_the_formula():
    np.testing.assert_allclose(temper(np.array([[0.8, 0.2]]), 2.0), [[2 / 3, 1 / 3]])  # sqrt(0.8) : sqrt(0.2) = 2 : 1
    np.testing.assert_allclose(temper(np.array([0.5, 0.25, 0.25]), 0.5), [2 / 3, 1 / 6, 1 / 6])
    with pytest.raises(InvalidInput, match="above 0"):
        temper(np.array([[0.8, 0.2]]), 0.0)


@given(st.floats(0.5, 4), st.floats(0.5, 4), st.integers(0, 50))
def test_tempering_twice_multiplies_the_temperatures_and_keeps_the_order(first, second, seed):
    p = 0.9 * np.random.default_rng(seed).dirichlet(np.ones(4), size=3) + 0.025
    both = temper(temper(p, first), second)
    np.testing.assert_allclose(both, temper(p, first * second), atol=1e-6)
    np.testing.assert_array_equal(both.argmax(axis=-1), p.argmax(axis=-1))


def test_the_fit_finds_the_temperature_that_was_hidden():
    p, targets = overconfident(4000)
    assert fit_temperature(p, targets) == pytest.approx(3.0, rel=0.15)
    doubled = fit_temperature(p, targets, weights=np.full(4000, 2.0))
    assert doubled == fit_temperature(p, targets)
    losses = [-np.log(temper(p, t)[np.arange(4000), targets]).mean() for t in TEMPERATURES]
    assert fit_temperature(p, targets) == TEMPERATURES[int(np.argmin(losses))]


def test_rows_of_weight_zero_have_no_say():
    p, targets = overconfident(400)
    weights = (np.arange(400) < 200).astype(float)
    assert fit_temperature(p, targets, weights=weights) == fit_temperature(p[:200], targets[:200])


def test_calibration_lowers_ece_and_brier_on_rows_that_did_not_choose_it():
    p, targets = overconfident(900)
    folds = [np.arange(start, 900, 3) for start in range(3)]
    temperature, tempered = calibrate_across_folds(p, targets, folds)
    assert temperature == fit_temperature(p, targets)
    others = np.setdiff1d(np.arange(900), folds[1])
    np.testing.assert_allclose(tempered[folds[1]], temper(p[folds[1]], fit_temperature(p[others], targets[others])))
    assert ece(tempered, targets) < ece(p, targets) / 2
    assert brier(tempered, targets) < brier(p, targets)


def test_a_temperature_that_the_other_folds_contradict_is_not_taken():
    sure = np.tile([0.9, 0.1], (20, 1))
    targets = np.array([0] * 10 + [1] * 10)  # one fold all right, the other all wrong
    temperature, tempered = calibrate_across_folds(sure, targets, [np.arange(10), np.arange(10, 20)])
    assert temperature == 1.0
    np.testing.assert_array_equal(tempered, sure)


def test_inputs_that_do_not_fit_are_refused():
    p, targets = overconfident(6)
    with pytest.raises(InvalidInput, match="hold each of 6 rows once"):
        calibrate_across_folds(p, targets, [np.arange(4), np.arange(3, 6)])
    with pytest.raises(InvalidInput, match="two folds or more"):
        calibrate_across_folds(p, targets, [np.arange(6)])
    with pytest.raises(InvalidInput, match="one target a row"):
        fit_temperature(p[:0], targets[:0])
    with pytest.raises(InvalidInput, match="one target a row"):
        fit_temperature(p, targets[:3])


def test_brier_by_hand():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    assert brier(p, np.array([0, 2])) == pytest.approx(((0.09 + 0.04 + 0.01) + (0.01 + 0.64 + 0.81)) / 2)
    assert brier(np.eye(2), np.array([0, 1])) == 0.0
    assert brier(np.eye(2), np.array([1, 0])) == 2.0


def test_a_reliability_diagram_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.1, 0.9], [0.6, 0.4], [0.45, 0.55]])
    found = reliability(probabilities, np.array([0, 0, 0, 1]), n_bins=10)
    assert found.counts.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 1, 1]
    assert found.confidence[[5, 8, 9]] == pytest.approx([0.575, 0.9, 0.95])
    assert found.accuracy[[5, 8, 9]] == pytest.approx([1, 0, 1])
    assert np.isnan(found.accuracy[found.counts == 0]).all()


def test_the_mean_gap_of_a_reliability_diagram_is_the_calibration_error() -> None:
    rng = np.random.default_rng(5)
    probabilities = rng.dirichlet([1, 1, 1], size=400)
    targets = rng.integers(0, 3, 400)
    found = reliability(probabilities, targets, n_bins=12)
    gaps = np.abs(found.confidence - found.accuracy) * found.counts / 400
    assert np.nansum(gaps) == pytest.approx(ece(probabilities, targets, n_bins=12))


def test_a_reliability_diagram_needs_rows_and_bins() -> None:
    with pytest.raises(InvalidInput, match="0 rows"):
        reliability(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(InvalidInput, match="n_bins=0"):
        reliability(np.ones((1, 1)), np.zeros(1, int), n_bins=0)
