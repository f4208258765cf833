"""Clicks are kept whatever the network says, and a box leans towards its ellipse."""

import numpy as np
import pytest

from prompts.builtin.answers import REACH, favour_ellipse, honour_clicks


def flat(value: float) -> np.ndarray:
    return np.full((1, 64, 64), value, np.float32)


def clicks(*rows: tuple[float, float, int]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 3)


@pytest.mark.parametrize(("logit", "label"), [(-9.0, 1), (9.0, 0), (-0.1, 1), (0.2, 1)])
@pytest.mark.parametrize(("x", "y"), [(20.5, 30.5), (0.0, 0.0), (63.9, 63.9), (20.0, 30.99)])
def test_the_clicked_pixel_gets_the_clicks_sign(logit: float, label: int, x: float, y: float) -> None:
    value = honour_clicks(flat(logit), clicks((x, y, label)), sigma_px=2.0)[0, int(y), int(x)]
    assert value >= 1 if label else value <= -1


def test_a_mark_is_a_spot_of_the_size_asked_for() -> None:
    out = honour_clicks(flat(-2.0), clicks((30, 30, 1)), sigma_px=3.0)[0]
    rows, cols = np.nonzero(out > 0)
    assert 2 <= rows.max() - 30 <= 3 * REACH
    assert (out != -2.0).sum() <= (2 * 3 * REACH + 1) ** 2
    np.testing.assert_array_equal(rows, np.sort(rows))
    assert cols.min() == 60 - cols.max()


def test_clicks_that_are_obeyed_change_nothing() -> None:
    np.testing.assert_array_equal(honour_clicks(flat(5.0), clicks((10, 10, 1)), sigma_px=2.0), flat(5.0))


def test_each_mask_is_raised_as_far_as_it_needs() -> None:
    both = np.concatenate([flat(-3.0), flat(4.0)])
    out = honour_clicks(both, clicks((30, 30, 1)), sigma_px=2.0)
    assert out[0, 30, 30] == pytest.approx(1.0)
    np.testing.assert_array_equal(out[1], both[1])


def test_clicks_side_by_side_are_all_kept_and_the_last_on_one_pixel_counts() -> None:
    out = honour_clicks(flat(-4.0), clicks((30, 30, 1), (31, 30, 0), (30, 31, 1), (30.5, 31.5, 0)), sigma_px=4.0)[0]
    assert (out[30, 30] > 0, out[30, 31] > 0, out[31, 30] > 0) == (True, False, False)


def test_the_input_is_left_alone() -> None:
    logits = flat(-2.0)
    honour_clicks(logits, clicks((3.0, 3.0, 1)), sigma_px=2.0)
    assert (logits == -2).all()


def test_a_box_leans_towards_the_ellipse_that_fills_it() -> None:
    out = favour_ellipse(flat(0.0), np.array([10.0, 20.0, 50.0, 40.0]))[0]
    rows, cols = np.mgrid[:64, :64] + 0.5
    inside = ((rows - 30) / 10) ** 2 + ((cols - 30) / 20) ** 2 < 1
    np.testing.assert_array_equal(out > 0, inside)
    assert out.max() <= 1
    assert out.min() == -2


def test_a_sure_network_is_not_overruled_by_the_ellipse() -> None:
    sure = np.where(np.eye(64, dtype=bool), 6.0, -6.0).astype(np.float32)[None]
    out = favour_ellipse(sure, np.array([0.0, 0.0, 64.0, 64.0]))
    np.testing.assert_array_equal(out > 0, sure > 0)
