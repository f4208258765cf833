"""Calibration: worked cases, what it learns from made-up masks, and what it never does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.calibration import (
    MIN_FITTED,
    SIGNALS,
    Calibrator,
    Signals,
    fit_calibrator,
    fit_of,
    fixed_quality,
    out_of_fold_quality,
    signals_of,
)
from prompts.errors import InvalidPrompt
from prompts.quality import mask_quality
from prompts.types import MaskPrediction, Point, Prompt

MIDDLE = Signals(
    stability=0.5,
    predicted_iou=0.5,
    compliance=1.0,
    certainty=0.5,
    border_contrast=0.5,
    jitter_dice=0.5,
    head_dice=0.5,
)


def masks(n: int, seed: int = 0) -> tuple[list[Signals], np.ndarray]:
    """Masks whose Dice follows the jitter Dice, while the predicted IoU says the opposite."""
    rng = np.random.default_rng(seed)
    dice = rng.uniform(0.1, 0.95, n)
    found = [
        replace(MIDDLE, jitter_dice=float(d), predicted_iou=float(1 - d), stability=float(rng.uniform())) for d in dice
    ]
    return found, dice


def test_a_calibrator_is_the_logistic_function_of_log_odds() -> None:
    calibrator = Calibrator(names=("stability",), weights=np.array([2.0]), intercept=0.0, n_fitted=20)
    found = [replace(MIDDLE, stability=0.8), replace(MIDDLE, stability=0.2), MIDDLE]
    np.testing.assert_allclose(calibrator.quality(found), [16 / 17, 1 / 17, 0.5])  # odds 4, squared
    assert calibrator.quality([replace(MIDDLE, stability=1.0)])[0] < 1.0


def test_it_learns_which_signal_tells_and_gives_no_weight_to_one_that_misleads() -> None:
    found, dice = masks(60)
    calibrator = fit_calibrator(found, dice)
    weight = dict(zip(calibrator.names, calibrator.weights, strict=True))
    assert weight["jitter_dice"] == max(weight.values())
    assert weight["predicted_iou"] == 0.0
    fresh, truth = masks(40, seed=1)
    fit = fit_of(calibrator.quality(fresh), truth)
    assert fit.spearman is not None
    assert fit.spearman > 0.98
    assert fit.mean_error < 0.05
    assert fit_of(np.array([fixed_quality(one) for one in fresh]), truth).spearman < 0.5  # type: ignore[operator]


FITTED = fit_calibrator(*masks(30))


@given(st.sampled_from(SIGNALS), st.floats(0, 1), st.floats(0, 1))
def test_a_better_signal_never_lowers_the_quality(name: str, a: float, b: float) -> None:
    low, high = sorted((a, b))
    worse, better = FITTED.quality([replace(MIDDLE, **{name: value}) for value in (low, high)])
    assert 0 <= worse <= better <= 1


def test_masks_that_are_all_perfect_give_a_quality_near_one() -> None:
    found, _ = masks(25)
    assert (fit_calibrator(found, np.ones(25)).quality(found) > 0.95).all()


def test_head_agreement_is_left_out_where_a_mask_has_none() -> None:
    found, dice = masks(30)
    assert "head_dice" in fit_calibrator(found, dice).names
    found[3] = replace(found[3], head_dice=None)
    assert "head_dice" not in fit_calibrator(found, dice).names


def test_out_of_fold_quality_is_that_of_a_calibrator_which_saw_the_rest_alone() -> None:
    found, dice = masks(40)
    folds = [np.arange(0, 40, 2), np.arange(1, 40, 2)]
    quality = out_of_fold_quality(found, dice, folds)
    other = fit_calibrator(found[1::2], dice[1::2])
    np.testing.assert_allclose(quality[0::2], other.quality(found[0::2]))
    few = out_of_fold_quality(found[:24], dice[:24], [np.arange(12), np.arange(12, 24)])
    np.testing.assert_allclose(few, [fixed_quality(one) for one in found[:24]])
    with pytest.raises(InvalidPrompt, match="20 of 40 masks are in no fold"):
        out_of_fold_quality(found, dice, folds[:1])


def test_the_fixed_formula_is_what_a_click_is_answered_with() -> None:
    logits = np.array([[[2.0, 2.0, 0.0, -5.0]]], np.float32)
    mask = np.zeros((1, 6, 9), bool)
    mask[:, 2:4, 3:7] = True
    prediction = MaskPrediction(masks=mask, predicted_iou=np.array([1.3], np.float32), low_res_logits=logits)
    prompt = Prompt(points=(Point(4.0, 3.0), Point(8.0, 5.0)))  # the second is not in the mask
    found = signals_of(prediction, prompt, np.zeros((6, 9, 3), np.uint8), jitter_dice=0.7)
    assert found.predicted_iou == 1.0
    assert found.stability == pytest.approx(2 / 3)
    assert found.compliance == 0.5
    assert found.border_contrast == 0.0
    assert found.head_dice is None
    assert fixed_quality(found) == mask_quality(prediction, prompt)


def test_fit_counts_errors_and_says_nothing_of_ranks_that_do_not_vary() -> None:
    fit = fit_of(np.array([0.2, 0.6, 0.9]), np.array([0.1, 0.4, 1.0]))
    assert fit.spearman == pytest.approx(1.0)
    assert fit.mean_error == pytest.approx(0.4 / 3)
    assert fit.n == 3
    assert fit_of(np.array([0.5, 0.5]), np.array([0.1, 0.4])).spearman is None
    with pytest.raises(InvalidPrompt, match="no mask to compare"):
        fit_of(np.zeros(0), np.zeros(0))


def test_too_few_masks_and_impossible_values_are_refused() -> None:
    found, dice = masks(MIN_FITTED)
    with pytest.raises(InvalidPrompt, match="at least 20 masks; got 19"):
        fit_calibrator(found[1:], dice[1:])
    with pytest.raises(InvalidPrompt, match="0 to 1"):
        fit_calibrator(found, dice + 1)
    with pytest.raises(InvalidPrompt, match=r"stability must be from 0 to 1; got 1\.5"):
        replace(MIDDLE, stability=1.5)
