"""Targets out of pseudo-masks, clicks and strokes: cases worked by hand, slow references, who wins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alcore.errors import InvalidInput
from alcore.weak.targets import (
    Recipe,
    WeakObject,
    band_half_width_px,
    box_target,
    distance_certainty,
    draw_target,
    ignore_band,
    partial_target,
    pixel_certainty,
)

SIDE = 12
PLAIN = Recipe(weigh=False, band=False)
WEIGHED = Recipe(weigh=True, band=False)
BANDED = Recipe(weigh=False, band=True)


def block(r0: int, r1: int, c0: int, c1: int, side: int = SIDE) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[r0:r1, c0:c1] = True
    return mask


def test_a_plain_recipe_draws_masks_as_they_are_and_the_smaller_on_top() -> None:
    objects = [WeakObject(mask=block(3, 5, 3, 5), class_id=2), WeakObject(mask=block(2, 9, 2, 10), class_id=1)]
    target, weights = draw_target(objects, SIDE, recipe=PLAIN)
    assert (target == 2).sum() == 4
    assert (target == 1).sum() == 7 * 8 - 4
    assert (weights == 1).all()
    again, _ = draw_target(objects[::-1], SIDE, recipe=PLAIN)
    np.testing.assert_array_equal(target, again)


def test_a_pseudo_mask_weighs_its_quality_an_exact_one_1_and_a_worthless_one_the_least() -> None:
    objects = [
        WeakObject(mask=block(0, 3, 0, 3), class_id=1, quality=0.6),
        WeakObject(mask=block(0, 3, 6, 9), class_id=1, quality=0.6, is_exact=True),
        WeakObject(mask=block(6, 9, 0, 3), class_id=1, quality=0.05),
    ]
    _, weights = draw_target(objects, SIDE, recipe=WEIGHED)
    assert weights[1, 1] == pytest.approx(0.6)
    assert weights[1, 7] == 1.0
    assert weights[7, 1] == pytest.approx(0.3)
    assert weights[11, 11] == 1.0


def test_certainty_scales_the_weight_pixel_by_pixel_and_falls_back_to_depth() -> None:
    recipe = Recipe(weigh=True, certainty=True, band=False, min_weight=0.1)
    mask = block(2, 7, 2, 7)
    sure = np.where(block(4, 5, 4, 5), 1.0, 0.5)
    _, weights = draw_target([WeakObject(mask=mask, class_id=1, quality=0.8, certainty=sure)], SIDE, recipe=recipe)
    assert weights[4, 4] == pytest.approx(0.8)
    assert weights[2, 2] == pytest.approx(0.4)
    _, weights = draw_target([WeakObject(mask=mask, class_id=1, quality=0.8)], SIDE, recipe=recipe)
    assert weights[4, 4] == pytest.approx(0.8)  # 2.5 pixels from the border
    assert weights[2, 4] == pytest.approx(0.8 * 0.25)  # half a pixel, of two


def test_a_band_of_one_pixel_on_each_side_is_left_out() -> None:
    target, _ = draw_target([WeakObject(mask=block(3, 8, 3, 9), class_id=1)], SIDE, recipe=BANDED)
    expected = np.zeros((SIDE, SIDE), np.uint8)
    expected[2:9, 2:10] = 255
    expected[4:7, 4:8] = 1
    np.testing.assert_array_equal(target, expected)


def test_a_mask_too_small_to_lose_its_rim_keeps_it() -> None:
    target, _ = draw_target([WeakObject(mask=block(3, 5, 3, 5), class_id=1)], SIDE, recipe=BANDED)
    assert (target == 1).sum() == 4
    assert (target == 255).sum() == 16 - 4


def test_disputed_pixels_are_left_out() -> None:
    disputed = np.where(block(5, 6, 0, SIDE), 0.25, 0.0)
    one = WeakObject(mask=block(2, 9, 2, 9), class_id=1, disagreement=disputed)
    target, _ = draw_target([one], SIDE, recipe=BANDED)
    assert (target[5] == 255).all()
    assert target[4, 4] == 1


def test_exact_masks_and_strokes_win_over_the_bands_of_pseudo_masks() -> None:
    exact = WeakObject(mask=block(2, 6, 6, 10), class_id=2, is_exact=True)
    strokes = block(2, 3, 2, 4)
    pseudo = WeakObject(mask=block(2, 10, 2, 6), class_id=1, quality=0.5, strokes=strokes)
    target, weights = draw_target([exact, pseudo], SIDE, recipe=Recipe())
    assert (target[exact.mask] == 2).all()
    assert (target[strokes] == 1).all()
    assert (weights[strokes] == 1).all()
    assert target[9, 3] == 255
    assert weights[6, 4] == pytest.approx(0.5)


@given(arrays(bool, (SIDE, SIDE)), st.integers(1, 3))
def test_the_band_is_what_is_near_to_a_pixel_of_the_other_side(mask: np.ndarray, width: int) -> None:
    band = ignore_band(mask, width)
    for r in range(SIDE):
        for c in range(SIDE):
            near = mask[max(0, r - width) : r + width + 1, max(0, c - width) : c + width + 1]
            assert band[r, c] == (near.any() and not near.all())


def test_the_band_grows_with_the_box() -> None:
    assert band_half_width_px(block(0, 5, 0, 9)) == 1
    assert band_half_width_px(block(0, 10, 0, 200, 220)) == 2
    assert band_half_width_px(np.zeros((SIDE, SIDE), bool)) == 1
    with pytest.raises(InvalidInput, match="at least 1 pixel; got 0"):
        ignore_band(block(0, 5, 0, 9), 0)


@given(st.floats(-30, 30))
def test_certainty_is_the_formula_and_the_same_on_both_sides(z: float) -> None:
    found = pixel_certainty(np.array([[z, -z]]))
    assert found[0, 0] == pytest.approx(2 * abs(1 / (1 + np.exp(-z)) - 0.5), abs=1e-12)
    assert found[0, 0] == found[0, 1]


def test_depth_is_counted_from_the_border_inwards_and_outwards() -> None:
    found = distance_certainty(block(0, SIDE, 0, 6), full_px=4.0)
    np.testing.assert_allclose(found[3], np.minimum(np.abs(np.arange(SIDE) + 0.5 - 6) / 4, 1))
    assert (distance_certainty(np.zeros((3, 3), bool)) == 1).all()


def test_marks_alone_leave_the_rest_unknown_and_later_ones_are_on_top() -> None:
    marks = [(np.array([[2, 2], [2, 3]]), 1), (np.array([[9, 9]]), 0), (np.array([[2, 3]]), 2)]
    target = partial_target(marks, SIDE)
    assert target[2, 2] == 1
    assert target[2, 3] == 2
    assert target[9, 9] == 0
    assert (target == 255).sum() == SIDE * SIDE - 3
    assert (partial_target(marks[1:2], SIDE, reach_px=1.0) == 0).sum() == 5
    assert (partial_target([(np.zeros((0, 2), int), 1)], SIDE) == 255).all()
    with pytest.raises(InvalidInput, match=r"must lie in 0 \.\. 11; got 12 \.\. 12"):
        partial_target([(np.array([[12, 12]]), 1)], SIDE)


def test_objects_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="objects\\[0\\] has a mask of shape"):
        draw_target([WeakObject(mask=block(0, 1, 0, 1, 9), class_id=1)], SIDE, recipe=PLAIN)
    with pytest.raises(InvalidInput, match="quality 0 to 1"):
        draw_target([WeakObject(mask=block(0, 1, 0, 1), class_id=1, quality=1.2)], SIDE, recipe=PLAIN)


def test_weighing_around_a_mask_takes_as_much_from_the_background_in_its_widened_box() -> None:
    recipe = Recipe(weigh=True, around=True, band=False)
    small = WeakObject(mask=block(4, 6, 4, 6), class_id=1, quality=0.5)  # widened by one pixel on each side
    other = WeakObject(mask=block(0, 5, 6, 12), class_id=2, is_exact=True)
    target, weights = draw_target([small, other], SIDE, recipe=recipe)
    assert (weights[3:7, 3:6] == 0.5).all()
    assert weights[6, 6] == 0.5
    assert (weights[target == 2] == 1).all()
    assert (weights[7:] == 1).all()


def test_a_bare_box_knows_its_middle_and_what_is_outside() -> None:
    target = box_target(np.array([[2.0, 8.0, 1.0, 11.0]]), [3], SIDE, core=0.5)
    for r in range(SIDE):
        for c in range(SIDE):
            y, x = (r + 0.5 - 5) / 3, (c + 0.5 - 6) / 5
            expected = 0 if max(abs(x), abs(y)) >= 1 else 3 if x * x + y * y <= 0.25 else 255
            assert target[r, c] == expected
    assert (target == 3).sum() >= 8


def test_the_smaller_of_two_boxes_is_on_top_and_impossible_ones_are_refused() -> None:
    boxes = np.array([[4.0, 8.0, 4.0, 8.0], [0.0, 12.0, 0.0, 12.0]])
    target = box_target(boxes, [2, 1], SIDE, core=1.0)
    assert target[6, 6] == 2
    assert target[6, 1] == 1
    assert (box_target(np.zeros((0, 4)), [], SIDE, core=1.0) == 0).all()
    with pytest.raises(InvalidInput, match="got 2 boxes, 1 class ids"):
        box_target(boxes, [1], SIDE, core=1.0)
    with pytest.raises(InvalidInput, match="r0 < r1"):
        box_target(boxes[:, ::-1].copy(), [1, 2], SIDE, core=1.0)
    with pytest.raises(InvalidInput, match="core 0"):
        box_target(boxes, [1, 2], SIDE, core=0.0)
