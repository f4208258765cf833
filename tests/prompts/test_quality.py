"""Mask quality: cases worked by hand, and what must hold for any mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompts.overlap import dice, iou
from prompts.quality import (
    border_contrast,
    certainty,
    head_agreement,
    mask_quality,
    prompt_compliance,
    stability_score,
)
from prompts.types import Box, MaskPrediction, Point, Prompt, Scribble

SIZE = (20, 50)


def block(r0: int, r1: int, c0: int, c1: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[r0:r1, c0:c1] = True
    return mask


def test_stability_is_the_iou_of_the_two_cuts() -> None:
    logits = np.array([[2.0, 1.5, 0.5], [-0.5, -0.9, -3.0]], np.float32)  # 2 above +1, 5 above -1
    assert stability_score(logits) == pytest.approx(2 / 5)
    assert stability_score(np.full((3, 4), -9.0, np.float32)) == 0.0


@given(arrays(np.float32, (4, 6), elements=st.floats(-4, 4, width=32)), st.floats(0.0, 3.0, width=32))
def test_stability_is_the_slow_count_and_falls_with_the_offset(logits: np.ndarray, offset: float) -> None:
    values = [float(v) for v in logits.ravel()]
    above, below = sum(v > offset for v in values), sum(v > -offset for v in values)
    assert stability_score(logits, offset=offset) == pytest.approx(above / below if below else 0.0)
    assert stability_score(logits, offset=offset + 0.5) <= stability_score(logits, offset=offset) + 1e-9 or below == 0


def test_a_mask_that_fills_its_box_and_obeys_its_clicks_complies_fully() -> None:
    prompt = Prompt(points=(Point(41.0, 6.0), Point(5.0, 18.0, 0)), box=Box(40.0, 5.0, 48.0, 15.0))
    assert prompt_compliance(block(5, 15, 40, 48), prompt) == 1.0


def test_each_disobedience_lowers_compliance_by_its_share() -> None:
    mask = block(5, 15, 40, 48)
    wrong = Prompt(points=(Point(41.0, 6.0), Point(44.0, 10.0, 0)))
    assert prompt_compliance(mask, wrong) == 0.5  # one of two clicks
    leaky = Prompt(box=Box(44.0, 5.0, 48.0, 15.0))
    assert prompt_compliance(mask, leaky) == 0.5  # half of it is outside the box
    short = Prompt(box=Box(28.0, 5.0, 48.0, 15.0))
    assert prompt_compliance(mask, short) == 0.75  # the left side is 12 pixels away
    assert prompt_compliance(block(0, 4, 0, 4), short) == 0.0


def test_a_stroke_counts_by_the_share_of_its_pixels_that_are_obeyed() -> None:
    mask = block(5, 15, 40, 48)
    inside = Scribble(((41.5, 6.5), (46.5, 6.5)))
    half = Scribble(((44.5, 10.5), (49.5, 10.5)))  # columns 44 to 49, of which 44 to 47 are in
    assert prompt_compliance(mask, Prompt(scribbles=(inside,))) == 1.0
    assert prompt_compliance(mask, Prompt(scribbles=(half,))) == pytest.approx(4 / 6)
    assert prompt_compliance(mask, Prompt(scribbles=(Scribble(half.xy, 0),))) == pytest.approx(2 / 6)
    mixed = Prompt(points=(Point(41.0, 6.0),), scribbles=(inside, Scribble(half.xy, 0)))
    assert prompt_compliance(mask, mixed) == pytest.approx((1 + 1 + 2 / 6) / 3)


def test_an_empty_mask_has_no_quality() -> None:
    prediction = MaskPrediction(
        masks=np.zeros((1, *SIZE), bool),
        predicted_iou=np.array([0.9], np.float32),
        low_res_logits=np.full((1, 4, 4), -5.0, np.float32),
    )
    assert mask_quality(prediction, Prompt(points=(Point(3.0, 3.0),))) == 0.0


def test_quality_looks_at_the_chosen_mask_and_weighs_the_model_and_its_stability_alike() -> None:
    mask = block(5, 15, 40, 48)
    prediction = MaskPrediction(
        masks=np.stack([~mask, mask]),
        predicted_iou=np.array([0.1, 0.8], np.float32),
        low_res_logits=np.stack([np.zeros((1, 4)), [[2.0, 2.0, 0.0, -5.0]]]).astype(np.float32),
        chosen=1,
    )
    assert mask_quality(prediction, Prompt(points=(Point(41.0, 6.0),))) == pytest.approx((2 / 3 + 0.8) / 2)


@given(arrays(bool, (6, 9)), st.floats(-1, 2, width=32), st.integers(0, 8), st.integers(0, 5), st.booleans())
def test_quality_is_between_zero_and_one(mask: np.ndarray, predicted: float, x: int, y: int, boxed: bool) -> None:
    prediction = MaskPrediction(
        masks=mask[None],
        predicted_iou=np.array([predicted], np.float32),
        low_res_logits=np.where(mask, 3.0, -3.0).astype(np.float32)[None],
    )
    box = Box(float(x), float(y), 9.0, 6.0) if boxed else None
    assert 0.0 <= mask_quality(prediction, Prompt(points=(Point(x + 0.5, y + 0.5),), box=box)) <= 1.0


@given(arrays(bool, (4, 7)), arrays(bool, (4, 7)))
def test_dice_and_iou_are_those_of_the_sets_and_of_each_other(a: np.ndarray, b: np.ndarray) -> None:
    left, right = set(np.flatnonzero(a)), set(np.flatnonzero(b))
    expected = len(left & right) / len(left | right) if left | right else 1.0
    assert iou(a, b) == pytest.approx(expected)
    assert dice(a, b) == pytest.approx(2 * expected / (1 + expected))


def test_certainty_is_how_far_from_a_coin_toss_the_possible_pixels_are() -> None:
    three = np.log(3.0)  # σ = 3/4 or 1/4: half-way to certain
    assert certainty(np.array([[three, -three, 0.0, -9.0]], np.float32)) == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert certainty(np.full((2, 2), -9.0, np.float32)) == 0.0
    assert certainty(np.full((2, 2), 50.0, np.float32)) == pytest.approx(1.0)


def test_border_contrast_is_high_on_an_edge_low_beside_it_and_nothing_without_one() -> None:
    mask = block(5, 15, 30, 45)
    image = np.repeat(np.where(mask, 200, 50).astype(np.uint8)[..., None], 3, axis=2)
    on, beside = border_contrast(image, mask), border_contrast(image, np.roll(mask, 8, axis=1))
    assert 0.5 < on < 1
    assert beside < on
    assert border_contrast(np.zeros_like(image), mask) == 0.0
    assert border_contrast(image, np.zeros(SIZE, bool)) == 0.0
    assert border_contrast(image, np.ones(SIZE, bool)) == 0.0
    assert border_contrast(255 - image, mask) == pytest.approx(on, abs=1e-6)  # dark or bright alike


def test_head_agreement_by_hand_and_blind_to_other_objects_far_away() -> None:
    mask = block(5, 9, 10, 14)  # 16 pixels; surroundings rows 3 to 10, columns 8 to 15
    probability = np.zeros(SIZE)
    probability[5:9, 10:12] = 0.5  # 8 pixels inside
    probability[3, 8] = 1.0  # one beside it
    assert head_agreement(mask, probability) == pytest.approx(2 * 4 / (5 + 16))
    probability[15:, 40:] = 1.0  # another object
    assert head_agreement(mask, probability) == pytest.approx(2 * 4 / (5 + 16))
    assert head_agreement(mask, mask.astype(float)) == 1.0
    assert head_agreement(np.zeros(SIZE, bool), probability) == 0.0
