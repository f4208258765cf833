"""Coordinates on non-square images, and every kind of bad prompt with the message that it gets."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.errors import InvalidPrompt
from prompts.geometry import (
    LongestSide,
    box_mask,
    pixel_of,
    pixels_along,
    point_at,
    points_along,
    points_to_arrays,
    tight_box_of,
    validate_image,
    validate_prompt,
)
from prompts.types import Box, Point, Prompt, Scribble

SIZE = (40, 100)  # 40 high, 100 wide


def test_a_point_and_a_box_inside_are_accepted() -> None:
    validate_prompt(Prompt(points=(Point(99.9, 39.9, 0), Point(0.0, 0.0)), box=Box(0.0, 0.0, 100.0, 40.0)), SIZE)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (Prompt(), ["neither a point nor a box nor a scribble"]),
        (Prompt(low_res_logits=np.zeros((4, 4), np.float32)), ["neither a point nor a box nor a scribble"]),
        (Prompt(points=(Point(100.0, 5.0),)), ["point 1", "100 wide", "40 high", "swapped"]),
        (Prompt(points=(Point(5.0, 5.0), Point(5.0, 60.0))), ["point 2", "[0, 40)"]),
        (Prompt(points=(Point(-0.1, 5.0),)), ["outside the image"]),
        (Prompt(points=(Point(math.nan, 5.0),)), ["outside the image"]),
        (Prompt(points=(Point(5.0, 5.0, 2),)), ["label 2", "0 for background"]),
        (Prompt(scribbles=(Scribble(()),)), ["scribble 1 has no vertex", "leave the scribble out"]),
        (Prompt(scribbles=(Scribble(((1.0, 1.0),)), Scribble(((1.0, 1.0),), 2))), ["scribble 2 has label 2"]),
        (Prompt(scribbles=(Scribble(((1.0, 1.0), (5.0, 40.0))),)), ["vertex 2 of scribble 1", "40 high", "[0, 40)"]),
        (Prompt(scribbles=(Scribble(((math.inf, 1.0),)),)), ["vertex 1 of scribble 1", "outside"]),
        (Prompt(box=Box(10.0, 10.0, 10.0, 20.0)), ["is empty"]),
        (Prompt(box=Box(20.0, 10.0, 10.0, 20.0)), ["upper left corner first"]),
        (Prompt(box=Box(0.0, 0.0, 40.0, 100.0)), ["reaches out", "clip it to (0, 0, 100, 40)"]),
        (Prompt(box=Box(0.0, 0.0, math.inf, 1.0)), ["not finite"]),
    ],
)
def test_a_bad_prompt_is_refused_with_what_came_and_what_to_do(prompt: Prompt, words: list[str]) -> None:
    with pytest.raises(InvalidPrompt) as caught:
        validate_prompt(prompt, SIZE)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_logits_of_another_size_or_with_nan_are_refused() -> None:
    points = (Point(1.0, 1.0),)
    validate_prompt(Prompt(points=points, low_res_logits=np.zeros((8, 8), np.float32)), SIZE, logits_size=(8, 8))
    with pytest.raises(InvalidPrompt, match=r"\(4, 8\).*takes \(8, 8\)"):
        validate_prompt(Prompt(points=points, low_res_logits=np.zeros((4, 8), np.float32)), SIZE, logits_size=(8, 8))
    with pytest.raises(InvalidPrompt, match="NaN"):
        validate_prompt(Prompt(points=points, low_res_logits=np.full((8, 8), np.nan, np.float32)), SIZE)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 5), np.uint8),
        np.zeros((4, 5, 3), np.uint16),
        np.zeros((4, 5, 4), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_an_image_of_the_wrong_kind_is_refused(image: np.ndarray) -> None:
    with pytest.raises(InvalidPrompt, match=r"\(H, W, 3\) uint8"):
        validate_image(image)


def test_row_and_column_are_y_and_x() -> None:
    assert pixel_of(Point(7.99, 2.0)) == (2, 7)
    assert point_at(2, 7, label=0) == Point(7.5, 2.5, 0)


def test_points_become_arrays_in_order_and_none_give_empty_ones() -> None:
    points_xy, labels = points_to_arrays((Point(1.0, 2.0), Point(3.0, 4.0, 0)))
    assert points_xy.tolist() == [[1, 2], [3, 4]]
    assert labels.tolist() == [1, 0]
    assert points_to_arrays(())[0].shape == (0, 2)


def test_the_tight_box_of_an_off_centre_block_ends_exclusively() -> None:
    mask = np.zeros(SIZE, bool)
    mask[3:5, 70:80] = True
    assert tight_box_of(mask) == Box(70.0, 3.0, 80.0, 5.0)
    assert (box_mask(tight_box_of(mask), SIZE) == mask).all()


def test_an_empty_mask_has_no_box() -> None:
    with pytest.raises(InvalidPrompt, match="no True pixel"):
        tight_box_of(np.zeros((3, 4), bool))


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_box_and_box_mask_are_inverse_on_whole_pixels(height: int, width: int, data: st.DataObject) -> None:
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    box = Box(float(x0), float(y0), float(x1), float(y1))
    assert tight_box_of(box_mask(box, (height, width))) == box


def test_the_longest_side_fits_and_the_corner_lands_on_the_corner() -> None:
    frame = LongestSide(image_size=(30, 50), side_px=64)
    assert frame.input_size == (38, 64)  # 30 * 64 / 50 = 38.4
    np.testing.assert_allclose(frame.to_model(np.array([[50.0, 30.0]])), [[64.0, 38.0]])
    np.testing.assert_allclose(frame.to_sam(np.array([[25.0, 15.0]])), [[31.5, 18.5]])
    np.testing.assert_allclose(frame.box_to_sam(Box(0.0, 0.0, 25.0, 30.0)), [[-0.5, -0.5], [31.5, 37.5]])


def test_a_needle_of_an_image_keeps_one_pixel() -> None:
    assert LongestSide(image_size=(1, 1000), side_px=64).input_size == (1, 64)


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([64, 256, 1024]), st.floats(0, 1), st.floats(0, 1))
def test_to_image_undoes_to_model_and_stays_in_the_frame(
    height: int, width: int, side: int, u: float, v: float
) -> None:
    frame = LongestSide(image_size=(height, width), side_px=side)
    points = np.array([[u * width, v * height]])
    inside = frame.to_model(points)
    np.testing.assert_allclose(frame.to_image(inside), points, rtol=1e-9, atol=1e-9)
    assert max(frame.input_size) == side
    assert (inside <= np.array(frame.input_size)[::-1] + 1e-9).all()


def test_scribbles_are_accepted_alone_and_beside_other_prompts() -> None:
    validate_prompt(Prompt(scribbles=(Scribble(((0.0, 0.0), (99.9, 39.9)), 0), Scribble(((5.0, 5.0),)))), SIZE)
    validate_prompt(Prompt(points=(Point(1.0, 1.0),), scribbles=(Scribble(((5.0, 5.0),)),)), SIZE)


def test_points_lie_evenly_along_a_bent_stroke_with_both_ends() -> None:
    stroke = Scribble(((10.0, 10.0), (40.0, 10.0), (40.0, 20.0)))  # 40 long, with a corner at 30
    np.testing.assert_allclose(points_along(stroke, 10.0), [[10, 10], [20, 10], [30, 10], [40, 10], [40, 20]])
    np.testing.assert_allclose(points_along(stroke, 21.0), [[10, 10], [30, 10], [40, 20]])
    np.testing.assert_allclose(points_along(stroke, 1e9), [[10, 10], [40, 20]])
    np.testing.assert_allclose(points_along(stroke, 1e-3, max_points=3), [[10, 10], [30, 10], [40, 20]])


def test_a_stroke_without_length_is_one_point_and_repeated_vertices_add_none() -> None:
    assert points_along(Scribble(((3.5, 7.0),)), 2.0).tolist() == [[3.5, 7.0]]
    assert points_along(Scribble(((3.5, 7.0),) * 3), 2.0).tolist() == [[3.5, 7.0]]
    halting = Scribble(((0.0, 0.0), (0.0, 0.0), (4.0, 0.0), (4.0, 0.0)))
    assert points_along(halting, 2.0).tolist() == [[0, 0], [2, 0], [4, 0]]


@pytest.mark.parametrize(
    ("stroke", "spacing_px", "max_points"),
    [
        (Scribble(()), 1.0, 9),
        (Scribble(((1.0, math.nan),)), 1.0, 9),
        (Scribble(((1.0, 1.0),)), 0.0, 9),
        (Scribble(((1.0, 1.0),)), math.nan, 9),
        (Scribble(((1.0, 1.0),)), 1.0, 1),
    ],
)
def test_points_along_nothing_or_without_spacing_are_refused(
    stroke: Scribble, spacing_px: float, max_points: int
) -> None:
    with pytest.raises(InvalidPrompt, match="points along a stroke need"):
        points_along(stroke, spacing_px, max_points=max_points)


places = st.tuples(st.floats(0, 99.9), st.floats(0, 39.9))


@given(st.lists(places, min_size=1, max_size=8), st.floats(0.5, 50), st.integers(2, 40))
def test_points_along_any_stroke_keep_the_ends_the_box_and_the_bounds(
    xy: list[tuple[float, float]], spacing_px: float, max_points: int
) -> None:
    found = points_along(Scribble(tuple(xy)), spacing_px, max_points=max_points)
    corners = np.array(xy)
    length = np.hypot(*np.diff(corners, axis=0).T).sum()
    assert 1 <= len(found) <= max_points
    assert (found[0] == corners[0]).all()
    assert (found >= corners.min(axis=0)).all()
    assert (found <= corners.max(axis=0)).all()
    steps = np.hypot(*np.diff(found, axis=0).T)
    assert (steps <= max(spacing_px * 1.5, length / (max_points - 1)) + 1e-6).all()
    if length > 0:
        assert (found[-1] == corners[-1]).all()
        assert len(found) == min(max_points, max(2, 1 + round(length / spacing_px)))


def test_the_pixels_under_a_stroke_are_rows_and_columns_each_once() -> None:
    assert pixels_along(Scribble(((7.2, 2.5), (9.9, 2.5)))).tolist() == [[2, 7], [2, 8], [2, 9]]
    assert pixels_along(Scribble(((7.2, 2.5), (7.8, 2.5), (7.3, 2.6)))).tolist() == [[2, 7]]
