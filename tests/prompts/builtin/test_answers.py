"""Clicks are kept, whatever the network says."""

import numpy as np
import pytest

from prompts.builtin.answers import REACH_CELLS, honour_clicks


def flat(value: float, *, n: int = 1) -> np.ndarray:
    return np.full((n, 64, 64), value, np.float32)


@pytest.mark.parametrize(("logit", "label"), [(-9.0, 1), (9.0, 0), (-0.1, 1), (0.2, 1)])
@pytest.mark.parametrize(("x", "y"), [(20.5, 30.5), (0.0, 0.0), (63.9, 63.9), (20.0, 30.99)])
def test_the_clicked_cell_and_its_neighbours_get_the_clicks_sign(logit: float, label: int, x: float, y: float) -> None:
    out = honour_clicks(flat(logit), np.array([[x, y, label]], np.float32))[0]
    around = out[max(0, int(y) - 1) : int(y) + 2, max(0, int(x) - 1) : int(x) + 2]
    assert (around >= 1).all() if label else (around <= -1).all()


def test_far_places_and_clicks_that_are_obeyed_change_nothing() -> None:
    logits = flat(5.0)
    np.testing.assert_array_equal(honour_clicks(logits, np.array([[10, 10, 1]], np.float32)), logits)
    changed = honour_clicks(logits, np.array([[30, 30, 0]], np.float32)) != logits
    rows, cols = np.nonzero(changed[0])
    assert changed.any()
    assert np.abs(rows - 30).max() <= REACH_CELLS
    assert np.abs(cols - 30).max() <= REACH_CELLS


def test_each_mask_is_raised_as_far_as_it_needs() -> None:
    both = np.concatenate([flat(-3.0), flat(4.0)])
    out = honour_clicks(both, np.array([[30, 30, 1]], np.float32))
    assert out[0, 30, 30] == pytest.approx(1.0)
    np.testing.assert_array_equal(out[1], both[1])


def test_a_click_outside_the_window_is_passed_over_and_the_input_is_left_alone() -> None:
    logits = flat(-2.0)
    out = honour_clicks(logits, np.array([[64.0, 3.0, 1], [-0.1, 3.0, 1]], np.float32))
    np.testing.assert_array_equal(out, logits)
    honour_clicks(logits, np.array([[3.0, 3.0, 1]], np.float32))
    assert (logits == -2).all()
