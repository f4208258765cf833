"""Windows on non-square images: size by objects, place by chance or by a map, and their pixels at any resolution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.windows import check_window, common_window, place_window, window_mask, window_share


def test_a_window_for_a_quarter_of_the_objects_takes_half_of_each_side():
    assert window_share(48, 12) == 0.5
    x0, y0, x1, y1 = place_window((60, 100), 0.5, rng=np.random.default_rng(0))
    assert (x1 - x0, y1 - y0) == (50, 30)


def test_an_image_that_is_not_crowded_is_taken_whole():
    assert window_share(12, 12) == window_share(0, 12) == 1.0
    assert place_window((60, 100), 1.0, rng=np.random.default_rng(0)) == (0, 0, 100, 60)


def test_a_window_is_never_smaller_than_an_eighth_of_each_side():
    assert window_share(100_000, 1) == 0.125
    x0, y0, x1, y1 = place_window((2, 3), 0.125, rng=np.random.default_rng(0), scores=np.zeros((2, 3)))
    assert (x1 - x0, y1 - y0) == (1, 1)  # and never empty


def test_the_place_is_drawn_over_the_whole_image_and_hangs_on_the_seed_alone():
    drawn = [place_window((6, 10), 0.5, rng=np.random.default_rng(seed)) for seed in range(300)]
    assert {box[0] for box in drawn} == set(range(6))
    assert {box[1] for box in drawn} == set(range(4))
    assert drawn[7] == place_window((6, 10), 0.5, rng=np.random.default_rng(7))


def test_a_map_of_another_resolution_pulls_the_window_to_its_peak():
    scores = np.zeros((4, 8))
    scores[3, 6] = 1.0  # columns 60 to 70 and rows 45 to 60 of an image of 60 x 80
    x0, y0, x1, y1 = place_window((60, 80), 0.5, rng=np.random.default_rng(0), scores=scores)
    assert (y0, y1) == (30, 60)
    assert x0 <= 60
    assert x1 >= 70


def test_equally_good_places_are_drawn_from():
    drawn = {place_window((6, 10), 0.5, rng=np.random.default_rng(s), scores=np.ones((3, 5))) for s in range(60)}
    assert len(drawn) > 10


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9), st.floats(0.05, 1))
def test_the_best_place_matches_a_plain_loop(seed, height, width, share):
    rng = np.random.default_rng(seed)
    scores = rng.random((height, width))
    size = (2 * height, 3 * width)
    large = np.kron(scores, np.ones((2, 3)))
    x0, y0, x1, y1 = place_window(size, share, rng=rng, scores=scores)
    h, w = y1 - y0, x1 - x0
    best = max(large[r : r + h, c : c + w].mean() for r in range(size[0] - h + 1) for c in range(size[1] - w + 1))
    assert np.isclose(large[y0:y1, x0:x1].mean(), best)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 1), st.integers(0, 99))
def test_every_window_lies_in_the_image(height, width, share, seed):
    box = place_window((height, width), share, rng=np.random.default_rng(seed))
    assert check_window(box, (height, width)) == box
    assert window_mask(box, (height, width)).sum() == (box[2] - box[0]) * (box[3] - box[1])


def test_pixels_of_a_window_are_marked_by_column_and_row_at_either_resolution():
    marked = window_mask((2, 1, 5, 3), (4, 10))
    assert marked.sum() == 6
    assert marked[1:3, 2:5].all()
    small = window_mask((50, 0, 100, 20), (40, 100), side=4)
    assert small[:2, 2:].all()
    assert small.sum() == 4


def test_a_window_smaller_than_a_pixel_of_the_square_still_marks_one():
    assert window_mask((99, 39, 100, 40), (40, 100), side=4).sum() == 1


@pytest.mark.parametrize("window", [(0, 0, 0, 3), (3, 0, 2, 3), (-1, 0, 2, 3), (0, 0, 11, 3), (0, 0, 3, 5), (0, 1)])
def test_an_empty_window_or_one_outside_is_refused_with_the_way_out(window):
    with pytest.raises(InvalidInput, match=r"0 <= x0 < x1 <= 10 and 0 <= y0 < y1 <= 4.*leave it out"):
        check_window(window, (4, 10))


def test_two_windows_share_their_overlap_and_the_whole_image_shares_all():
    assert common_window((2, 0, 6, 4), (4, 1, 9, 3)) == (4, 1, 6, 3)
    assert common_window(None, (4, 1, 9, 3)) == common_window((4, 1, 9, 3), None) == (4, 1, 9, 3)
    assert common_window(None, None) is None
    with pytest.raises(InvalidInput, match="share no pixel"):
        common_window((0, 0, 4, 4), (4, 0, 8, 4))


def test_numbers_out_of_range_are_refused():
    rng = np.random.default_rng(0)
    for n_objects, n_wanted in ((-1, 3), (5, 0)):
        with pytest.raises(InvalidInput, match="n_objects"):
            window_share(n_objects, n_wanted)
    for size, share in (((0, 4), 0.5), ((4, 4), 0.0), ((4, 4), 1.5)):
        with pytest.raises(InvalidInput, match="share"):
            place_window(size, share, rng=rng)
    with pytest.raises(InvalidInput, match="finite"):
        place_window((4, 4), 0.5, rng=rng, scores=np.full((2, 2), np.nan))
