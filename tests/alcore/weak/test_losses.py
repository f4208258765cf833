"""Losses of weak labels: worked cases, and which way their gradients push."""

import math

import numpy as np
import pytest
import torch

from alcore.errors import InvalidInput
from alcore.weak.losses import box_loss, log_barrier, partial_cross_entropy, tag_loss


def test_partial_cross_entropy_is_the_weighted_mean_of_known_pixels_and_blind_elsewhere() -> None:
    logits = torch.zeros(1, 2, 1, 3, requires_grad=True)
    targets = torch.tensor([[[0, 1, 1]]])
    weights = torch.tensor([[[1.0, 0.5, 0.0]]])
    loss = partial_cross_entropy(logits, targets, weights)
    assert loss.item() == pytest.approx(math.log(2))
    loss.backward()
    assert (logits.grad[..., 2] == 0).all()
    assert logits.grad[0, 0, 0, 0] < 0 < logits.grad[0, 0, 0, 1]
    assert partial_cross_entropy(logits, targets, weights * 0).item() == 0.0


def test_the_barrier_is_a_log_below_and_a_line_above_that_meet() -> None:
    t = 5.0
    found = log_barrier(torch.tensor([-1.0, -0.5, -1 / 25, 0.0, 1.0], dtype=torch.float64), t)
    straight = [t * z - math.log(1 / t**2) / t + 1 / t for z in (0.0, 1.0)]
    expected = [0.0, -math.log(0.5) / t, -math.log(1 / 25) / t, *straight]
    np.testing.assert_allclose(found.numpy(), expected)
    near = log_barrier(torch.tensor([-1 / 25 - 1e-9, -1 / 25 + 1e-9], dtype=torch.float64), t)
    assert float(near[0]) == pytest.approx(float(near[1]), abs=1e-6)


def scene(inside: np.ndarray, outside: float = 0.0) -> torch.Tensor:
    """A map of 8 x 10 with `inside` in the box of rows 2-6 and columns 3-9."""
    found = np.full((8, 10), outside)
    found[2:6, 3:9] = inside
    return torch.tensor(found)


BOX = (2, 6, 3, 9)


def test_an_object_that_touches_all_sides_costs_less_than_one_that_does_not() -> None:
    cross = np.zeros((4, 6))
    cross[1:3], cross[:, 2:4] = 1.0, 1.0
    short = np.zeros((4, 6))
    short[1:3, 1:5] = 1.0
    leaking = scene(cross, outside=0.3)
    assert float(box_loss(scene(cross), [BOX])) < float(box_loss(scene(short), [BOX]))
    assert float(box_loss(scene(cross), [BOX])) < float(box_loss(leaking, [BOX]))


def test_the_loss_of_a_box_by_hand() -> None:
    # A full box: rows hold 6 and columns 4 pixels where 1 is asked for; it fills more than 95 %.
    t = 5.0
    bags = [-math.log(5 / 6) / t] * 4 + [-math.log(3 / 4) / t] * 6
    over = t * 0.05 - math.log(1 / t**2) / t + 1 / t
    size = (-math.log(0.8) / t + over) / 2
    assert float(box_loss(scene(np.ones((4, 6))), [BOX])) == pytest.approx(np.mean(bags) + size)
    empty = float(box_loss(scene(np.zeros((4, 6)), outside=0.5), []))
    assert empty == pytest.approx(56 / 80 * math.log(2))  # 56 of 80 pixels at a half, none allowed


def test_bags_of_two_lines_ask_for_two_pixels_together() -> None:
    one_row = np.zeros((4, 6))
    one_row[0] = 1.0  # rows 0 and 1 together hold six, rows 2 and 3 none
    bags = [-math.log(4 / 6) / 5, 5 * 2 / 6 + math.log(25) / 5 + 0.2]
    bags += [5 * 0 + math.log(25) / 5 + 0.2] * 3  # two columns hold two: just enough
    size = (-math.log(0.05) / 5 - math.log(0.7) / 5) / 2
    assert float(box_loss(scene(one_row), [BOX], bag_px=2)) == pytest.approx(np.mean(bags) + size, rel=1e-5)


def test_gradient_descent_fills_the_box_and_empties_the_rest() -> None:
    logits = torch.zeros(8, 10, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.3)
    for _ in range(40):
        loss = box_loss(logits.sigmoid(), [BOX])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = logits.detach().sigmoid()
    assert float(found[2:6, 3:9].mean()) > 0.4
    assert float(found[:2].max()) < 0.1


def test_a_box_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidInput, match="leaves the image"):
        box_loss(torch.zeros(8, 10), [(2, 9, 3, 9)])
    with pytest.raises(InvalidInput, match="bag_px >= 1"):
        box_loss(torch.zeros(8, 10), [BOX], bag_px=0)


def test_a_tag_is_judged_by_the_surest_pixels() -> None:
    foreground = torch.zeros(2, 1, 10, 10)
    foreground[0, 0, 0, :2] = torch.tensor([0.9, 0.5])
    probabilities = torch.cat([1 - foreground, foreground], dim=1)
    tags = torch.tensor([[1.0], [0.0]])
    top_two = float(tag_loss(probabilities, tags, top_share=0.02))
    assert top_two == pytest.approx(-math.log(0.7) / 2, abs=1e-5)
    assert float(tag_loss(probabilities, tags, top_share=0.0)) == pytest.approx(-math.log(0.9) / 2, abs=1e-5)
    with pytest.raises(InvalidInput, match="2 columns for 2 classes"):
        tag_loss(probabilities, torch.zeros(2, 2))
