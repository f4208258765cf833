"""Scores of a model against what its known errors must give."""

import numpy as np
import pytest
from scipy import ndimage

from prompts.errors import InvalidPrompt
from prompts.measure import measure_clicks
from prompts.overlap import dice
from tests.prompts.fakes import ErodingPredictor, disc

SIZE = (40, 70)
DISC = disc(SIZE, 12, 51, 9)
IMAGE = (DISC[..., None] * np.array([255, 80, 10])).astype(np.uint8)


def eroded(n: int) -> float:
    return dice(ndimage.binary_erosion(DISC, iterations=n), DISC)


def test_box_clicks_and_the_clicks_to_a_good_mask_are_counted() -> None:
    scores = measure_clicks(ErodingPredictor(start=4, boxed=1), [(IMAGE, [DISC, np.zeros(SIZE, bool)])])
    assert scores.n_objects == 1
    assert scores.dice_box == pytest.approx(eroded(1))
    assert scores.dice_1 == pytest.approx(eroded(3))
    assert scores.dice_3 == pytest.approx(eroded(1))
    assert eroded(1) < 0.9
    assert scores.clicks_to_90 == 4


def test_a_goal_that_is_not_reached_costs_one_click_more_than_there_were() -> None:
    scores = measure_clicks(ErodingPredictor(start=20), [(IMAGE, [DISC])], max_clicks=5)
    assert scores.clicks_to_90 == 6
    assert scores.dice_3 == 0


def test_no_object_at_all_is_said() -> None:
    with pytest.raises(InvalidPrompt, match="no object to measure on"):
        measure_clicks(ErodingPredictor(), [(IMAGE, [])])
