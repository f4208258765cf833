"""Views and resampling on non-square images, checked against plain loops."""

import numpy as np
import pytest

from prompts.builtin import frames
from prompts.builtin.frames import View


def test_a_large_image_has_three_levels_and_a_tiny_one_only_the_whole() -> None:
    assert frames.level_scales(600, 1024) == (0.25, 0.5, 1.0)
    assert frames.level_scales(512, 300) == (0.5, 1.0)
    assert frames.level_scales(40, 64) == (4.0,)


def test_canvases_are_whole_strides_and_hold_the_image_and_one_window() -> None:
    assert frames.canvas_shape(600, 1024, 0.25) == (256, 256)
    assert frames.canvas_shape(600, 1024, 0.5) == (320, 512)
    assert frames.canvas_shape(600, 1024, 1.0) == (608, 1024)


def test_a_small_object_is_seen_at_the_finest_level_in_the_middle_of_an_aligned_window() -> None:
    view = frames.view_of((690.0, 290.0, 710.0, 320.0), 600, 1024, (0.25, 0.5, 1.0))
    assert view.level == 2
    assert (view.x0 % 32, view.y0 % 32) == (0, 0)
    assert abs(700 - (view.x0 + 128)) <= 16
    assert abs(305 - (view.y0 + 128)) <= 16


def test_windows_stay_inside_their_canvas_and_large_objects_get_the_whole_image() -> None:
    corner = frames.view_of((1010.0, 590.0, 1024.0, 600.0), 600, 1024, (0.25, 0.5, 1.0))
    assert (corner.x0, corner.y0) == (1024 - 256, 608 - 256)
    assert frames.view_of((100.0, 0.0, 900.0, 600.0), 600, 1024, (0.25, 0.5, 1.0)) == View(0, 0.25, 0, 0)


def test_resampling_reads_centres_exactly_and_repeats_edges() -> None:
    row = np.array([[[1.0, 3.0, 7.0]]], np.float32)
    xs = np.array([-1.0, 0.5, 1.0, 2.5, 9.0])
    np.testing.assert_allclose(frames.resample(row, np.array([0.2, 0.9]), xs)[0], [[1.0, 1.0, 2.0, 7.0, 7.0]] * 2)
    np.testing.assert_allclose(frames.resample(row.mT, xs, np.array([0.5]))[0, :, 0], [1.0, 1.0, 2.0, 7.0, 7.0])


def test_resampling_is_linear_in_rows_and_columns() -> None:
    values = np.array([[[0.0, 4.0], [8.0, 12.0]]], np.float32)
    assert frames.resample(values, np.array([0.75]), np.array([1.25]))[0, 0, 0] == 0.25 * 8 + 0.75 * 4


def test_paste_puts_a_blob_where_it_is_in_the_image() -> None:
    view = View(1, 0.5, 32, 64)  # sees x from 64 to 576 and y from 128 to 640 in image pixels
    logits = np.full((1, 256, 256), -5.0, np.float32)
    logits[0, 20:40, 120:160] = 5.0  # rows 168..208, columns 304..384 of the image
    mask = frames.paste(logits, view, (400, 700), (400, 700))[0] > 0
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert (ys[0], ys[-1] + 1, xs[0], xs[-1] + 1) == (168, 208, 304, 384)
    assert not mask[:, :64].any()


def test_paste_says_background_outside_the_window() -> None:
    out = frames.paste(np.full((1, 256, 256), 5.0, np.float32), View(1, 1.0, 0, 0), (300, 500), (300, 500))
    assert (out[0, :256, :256] == 5).all()
    assert (out[0, 257:, :] == frames.OUTSIDE_LOGIT).all()
    assert (out[0, :, 257:] == frames.OUTSIDE_LOGIT).all()


def test_cut_reads_back_what_paste_wrote() -> None:
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.linspace(-3, 3, 256), np.linspace(-2, 5, 256)).astype(np.float32)
    smooth += 0.01 * rng.standard_normal((256, 256)).astype(np.float32)
    view = View(1, 1.0, 32, 64)
    image = frames.paste(smooth[None], view, (400, 512), (400, 512))[0]
    back = frames.cut(image, view, (400, 512))
    cells = smooth.reshape(128, 2, 128, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(back[2:-2, 2:-2], cells[2:-2, 2:-2], atol=0.05)


def test_an_extent_follows_the_clicked_component_only() -> None:
    mask = np.zeros((50, 100), bool)
    mask[10:20, 30:40] = True
    mask[40:45, 80:90] = True
    assert frames.extent_of(mask, [(70.0, 30.0)], (100, 200)) == (60.0, 20.0, 80.0, 40.0)
    assert frames.extent_of(mask, [], (100, 200)) == (60.0, 20.0, 180.0, 90.0)
    assert frames.extent_of(mask, [(2.0, 3.0)], (100, 200)) == (2.0, 3.0, 180.0, 90.0)
    assert frames.extent_of(np.zeros((50, 100), bool), [], (100, 200)) is None


@pytest.mark.parametrize(("row", "expected"), [(0, False), (255, True)])
def test_a_mask_at_a_window_border_counts_only_where_the_image_goes_on(row: int, expected: bool) -> None:
    logits = np.full((256, 256), -1.0, np.float32)
    logits[row, 120] = 1.0
    assert frames.touches_border(logits, View(1, 1.0, 32, 0), (500, 500)) is expected


def test_fed_back_logits_keep_the_shape_of_the_image() -> None:
    assert frames.feedback_shape(240, 400) == (240, 400)
    assert frames.feedback_shape(600, 1024) == (300, 512)
