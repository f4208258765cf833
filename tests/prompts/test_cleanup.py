"""Cleaning a mask: parts, holes and specks, and that a click always wins."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompts.cleanup import clean_mask, fill_holes, keep_clicked, remove_specks
from prompts.types import Point, Prompt, Scribble


def drawn(*rows: str) -> np.ndarray:
    return np.array([[c == "#" for c in row] for row in rows])


TWO = drawn(
    "##......",
    "##..###.",
    "....#.#.",
    "....###.",
)


def test_without_a_click_the_largest_part_stays() -> None:
    assert keep_clicked(TWO).sum() == 8
    assert not keep_clicked(TWO)[:2, :2].any()


def test_a_click_keeps_its_part_though_it_is_smaller() -> None:
    kept = keep_clicked(TWO, [Point(1.5, 0.2)])
    assert kept.sum() == 4
    assert keep_clicked(TWO, [Point(1.5, 0.2), Point(4.5, 3.5)]).sum() == 12


def test_a_click_on_background_keeps_the_largest_part() -> None:
    assert keep_clicked(TWO, [Point(7.5, 0.5)]).sum() == 8


def test_parts_that_touch_at_a_corner_are_one() -> None:
    assert keep_clicked(drawn("#...", ".##.", "...#")).sum() == 4


def test_a_small_hole_is_filled_and_a_large_one_or_a_bay_is_not() -> None:
    assert fill_holes(TWO, 1).sum() == 13
    assert fill_holes(TWO, 0).sum() == 12
    bay = drawn("###", "#.#", "#.#")
    assert (fill_holes(bay, 9) == bay).all()
    ring = drawn("####", "#..#", "####")
    assert fill_holes(ring, 1).sum() == 10
    assert fill_holes(ring, 2).sum() == 12


def test_a_hole_with_a_background_click_stays_open() -> None:
    assert (fill_holes(TWO, 9, keep=[Point(5.5, 2.5, 0)]) == TWO).all()


def test_specks_go_unless_they_were_clicked() -> None:
    assert remove_specks(TWO, 5).sum() == 8
    assert remove_specks(TWO, 5, keep=[Point(0.5, 0.5)]).sum() == 12
    assert remove_specks(TWO, 100).sum() == 0


def test_all_of_it_together_obeys_the_clicks() -> None:
    prompt = Prompt(points=(Point(0.5, 0.5), Point(5.5, 2.5, 0)))
    assert (
        clean_mask(TWO, prompt, max_hole_px=9, min_speck_px=9) == drawn("##......", "##......", "........", "........")
    ).all()
    assert (clean_mask(TWO, None, max_hole_px=9, clicked_parts_only=False).sum()) == 13
    assert clean_mask(np.zeros((3, 4), bool), prompt, max_hole_px=9, min_speck_px=9).sum() == 0


def test_strokes_keep_their_parts_and_holes_as_clicks_do() -> None:
    across = Scribble(((1.5, 0.5), (6.5, 3.5)))  # from the left part into the right one
    assert keep_clicked(TWO, [across]).sum() == 12
    assert keep_clicked(TWO, [Scribble(((0.2, 0.5), (0.8, 1.5)))]).sum() == 4
    assert remove_specks(TWO, 5, keep=[Scribble(((0.5, 0.5), (1.5, 0.5)))]).sum() == 12
    hole = Scribble(((5.2, 2.4), (5.8, 2.6)), 0)
    assert (fill_holes(TWO, 9, keep=[hole]) == TWO).all()
    prompt = Prompt(scribbles=(Scribble(((4.5, 1.5), (6.5, 1.5))), hole))
    assert (clean_mask(TWO, prompt, max_hole_px=9) == keep_clicked(TWO)).all()


@given(arrays(bool, (7, 11)), st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_cleaning_twice_changes_nothing_more_and_leaves_the_input(
    mask: np.ndarray, hole: int, speck: int, parts: bool
) -> None:
    before = mask.copy()
    once = clean_mask(mask, max_hole_px=hole, min_speck_px=speck, clicked_parts_only=parts)
    assert (mask == before).all()
    assert (clean_mask(once, max_hole_px=hole, min_speck_px=speck, clicked_parts_only=parts) == once).all()


@given(arrays(bool, (7, 11)), st.integers(0, 6), st.integers(0, 10))
def test_a_pixel_that_was_clicked_keeps_its_side(mask: np.ndarray, row: int, col: int) -> None:
    prompt = Prompt(points=(Point(col + 0.5, row + 0.5, int(mask[row, col])),))
    assert clean_mask(mask, prompt, max_hole_px=99, min_speck_px=99)[row, col] == mask[row, col]


def test_a_window_around_the_mask_gives_what_the_whole_image_does():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        mask = np.zeros((40, 50), dtype=bool)
        top, left = rng.integers(0, 25, size=2).tolist()
        mask[top : top + 15, left : left + 20] = rng.random((15, 20)) < 0.6
        points = tuple(
            Point(float(x), float(y), int(label))
            for x, y, label in zip(rng.uniform(0, 50, 4), rng.uniform(0, 40, 4), rng.integers(0, 2, 4), strict=True)
        )
        stroke = Scribble(((left + 1.5, top + 1.5), (left + 8.2, top + 6.7)), int(rng.integers(0, 2)))
        prompt = Prompt(points=points, scribbles=(stroke,))
        marks = [*points, stroke]
        meant = [mark for mark in marks if mark.label == 1]
        whole = fill_holes(mask, 6, keep=[mark for mark in marks if mark.label == 0])
        whole = keep_clicked(remove_specks(whole, 5, keep=meant), meant)
        assert (clean_mask(mask, prompt, max_hole_px=6, min_speck_px=5) == whole).all()
    assert not clean_mask(np.zeros((4, 5), dtype=bool), None, max_hole_px=3).any()
