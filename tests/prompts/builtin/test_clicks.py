"""What of a prompt reaches the network: clicks in the window, strokes as clicks along them, and the object's extent."""

import numpy as np

from prompts.builtin.clicks import MAX_STROKE_CLICKS, STROKE_STEP_PX, clicks_in, foreground_xy, known_extent
from prompts.builtin.frames import WINDOW_PX, View
from prompts.types import Box, Point, Prompt, Scribble

SIZE = (240, 400)
CLOSE = View(1, 2.0, 64, 32)
"""Shows x from 32 to 160 and y from 16 to 144, twice as large."""


def test_a_stroke_becomes_clicks_a_step_apart_in_window_pixels() -> None:
    stroke = Scribble(((40.0, 50.0), (60.0, 50.0)), 0)  # 20 image pixels, 40 in the window
    clicks = clicks_in(CLOSE, Prompt(points=(Point(33.0, 17.0),), scribbles=(stroke,)))
    assert clicks.dtype == np.float32
    assert clicks[0].tolist() == [2.0, 2.0, 1.0]
    assert clicks[1:, 0].tolist() == [16 + STROKE_STEP_PX * i for i in range(9)]
    assert (clicks[1:, 1:] == [68.0, 0.0]).all()


def test_only_what_the_window_shows_reaches_the_network() -> None:
    stroke = Scribble(((10.0, 50.0), (50.0, 50.0)))
    clicks = clicks_in(CLOSE, Prompt(points=(Point(1.0, 1.0),), scribbles=(stroke, Scribble(((399.0, 239.0),)))))
    assert len(clicks) == 8  # 36 window pixels from the border to the end of the stroke
    assert clicks[:, 0].min() < STROKE_STEP_PX
    assert clicks_in(CLOSE, Prompt(box=Box(1.0, 1.0, 2.0, 2.0))).shape == (0, 3)


def test_a_very_long_stroke_is_bounded_and_spread_over_all_of_it() -> None:
    zigzag = tuple((33.0 if i % 2 else 159.0, 20.0 + i / 10) for i in range(1000))
    clicks = clicks_in(CLOSE, Prompt(scribbles=(Scribble(zigzag),)))
    assert len(clicks) == MAX_STROKE_CLICKS
    assert (clicks[0, :2] == (np.array(zigzag[0]) * 2 - [64, 32]).astype(np.float32)).all()
    assert (clicks[-1, :2] == (np.array(zigzag[-1]) * 2 - [64, 32]).astype(np.float32)).all()
    assert ((clicks[:, :2] >= 0) & (clicks[:, :2] < WINDOW_PX)).all()


def test_foreground_strokes_tell_of_the_object_and_background_ones_do_not() -> None:
    prompt = Prompt(
        points=(Point(9.0, 8.0), Point(1.0, 1.0, 0)),
        scribbles=(Scribble(((20.0, 30.0), (60.0, 30.0))), Scribble(((300.0, 200.0), (310.0, 210.0)), 0)),
    )
    positive = np.array(foreground_xy(prompt, SIZE))
    assert (positive.min(axis=0) == [9.0, 8.0]).all()
    assert (positive.max(axis=0) == [60.0, 30.0]).all()
    assert np.abs(positive - [40.0, 30.0]).sum(axis=1).min() < 3  # between the vertices too


def test_the_extent_is_that_of_the_box_or_of_the_parts_of_the_last_mask_under_the_strokes() -> None:
    stroke = Scribble(((20.0, 30.0), (60.0, 30.0)))
    assert known_extent(Prompt(scribbles=(stroke,)), SIZE) is None
    assert known_extent(Prompt(scribbles=(stroke,), box=Box(30.0, 20.0, 50.0, 50.0)), SIZE) == (20.0, 20.0, 60.0, 50.0)
    last = np.full(SIZE, -5.0, np.float32)
    last[25:45, 35:45] = 5.0  # crossed by the stroke, away from its ends
    last[200:220, 300:350] = 5.0
    assert known_extent(Prompt(scribbles=(stroke,), low_res_logits=last), SIZE) == (20.0, 25.0, 60.0, 45.0)
