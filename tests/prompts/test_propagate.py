"""Masks carried from slice to slice follow what moves, keep what a person knew better, and end with the object."""

from collections.abc import Iterable

import numpy as np
import pytest
from scipy import ndimage

from prompts.overlap import dice
from prompts.propagate import propagate
from prompts.types import ImageState, MaskPrediction, Prompt

HEIGHT, WIDTH = 60, 90


class BrightInBox:
    """Sees what is bright within the box, by `bias` pixels too much on every side."""

    model_id = "bright"

    def __init__(self, bias: int = 0) -> None:
        self.bias = bias

    def embed(self, image: np.ndarray) -> ImageState:
        return ImageState(model_id=self.model_id, image_size=image.shape[:2], features=image[..., 0] > 100)

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        assert prompt.box is not None
        rows, cols = np.mgrid[:HEIGHT, :WIDTH] + 0.5
        b = prompt.box
        mask = state.features & (cols > b.x0) & (cols < b.x1) & (rows > b.y0) & (rows < b.y1)
        if self.bias:
            mask = ndimage.distance_transform_edt(~mask) <= self.bias if mask.any() else mask
        return MaskPrediction(masks=mask[None], predicted_iou=np.ones(1), low_res_logits=np.zeros((1, 4, 4)))


def disc(x: float, y: float, radius: float) -> np.ndarray:
    rows, cols = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return np.hypot(cols - x, rows - y) < radius


def states(predictor: BrightInBox, masks: Iterable[np.ndarray]) -> list[ImageState]:
    return [predictor.embed(np.repeat((mask * 200).astype(np.uint8)[..., None], 3, axis=2)) for mask in masks]


def carry(predictor: BrightInBox, truth: list[np.ndarray], drawn: np.ndarray | None = None) -> list[np.ndarray]:
    first, *rest = states(predictor, truth)
    return [found.mask for found in propagate(predictor, first, rest, truth[0] if drawn is None else drawn)]


def test_a_shrinking_object_is_followed() -> None:
    truth = [disc(60.5, 25.5, 18 - k) for k in range(6)]
    found = carry(BrightInBox(), truth)
    assert len(found) == 5
    assert min(dice(a, b) for a, b in zip(found, truth[1:], strict=True)) > 0.93
    assert dice(found[-1], truth[-1]) > dice(truth[0], truth[-1]) + 0.05  # better than a copy


def test_an_object_may_grow_and_wander() -> None:
    truth = [disc(30 + 0.7 * k, 25, 10 + 0.4 * k) for k in range(6)]
    found = carry(BrightInBox(), truth)
    assert dice(found[-1], truth[-1]) > dice(truth[0], truth[-1]) + 0.03


def test_what_the_model_always_gets_wrong_does_not_creep_in() -> None:
    truth = [disc(60, 25, 16)] * 5
    for bias in (2, 3):
        assert all((found == truth[0]).all() for found in carry(BrightInBox(bias), truth))


def test_a_person_may_have_drawn_something_else_than_what_is_bright() -> None:
    bright = [disc(60, 25, 16)] * 4
    drawn = bright[0] & (np.arange(WIDTH) < 60)[None, :]  # the left half: no border of the image runs there
    for found in carry(BrightInBox(), bright, drawn):
        assert dice(found, drawn) > 0.95


def test_an_end_is_an_end_and_later_slices_are_not_even_encoded() -> None:
    truth = [disc(60, 25, 16), disc(60, 25, 15), np.zeros((HEIGHT, WIDTH), bool), disc(60, 25, 15)]
    asked = []

    def following() -> Iterable[ImageState]:
        for index, state in enumerate(states(BrightInBox(), truth[1:])):
            asked.append(index)
            yield state

    found = list(propagate(BrightInBox(), states(BrightInBox(), truth)[0], following(), truth[0]))
    assert (len(found), asked) == (1, [0, 1])


def test_parts_go_their_own_ways() -> None:
    both = disc(20, 30, 12) | disc(70, 30, 10)
    truth = [both, both, disc(70, 30, 10), disc(70, 30, 10)]
    found = carry(BrightInBox(), truth)
    np.testing.assert_array_equal(found[0], both)
    np.testing.assert_array_equal(found[1], truth[2])
    np.testing.assert_array_equal(found[2], truth[3])


def test_quality_falls_with_what_changes_and_stays_where_nothing_does() -> None:
    predictor = BrightInBox()
    still = states(predictor, [disc(60, 25, 16)] * 3)
    assert [found.quality for found in propagate(predictor, still[0], still[1:], disc(60, 25, 16))] == [1.0, 1.0]
    moving = states(predictor, [disc(60, 25, 16 - k) for k in range(4)])
    qualities = [found.quality for found in propagate(predictor, moving[0], moving[1:], disc(60, 25, 16))]
    assert qualities == sorted(qualities, reverse=True)
    assert 0 < qualities[-1] < qualities[0] < 1


@pytest.mark.parametrize("flip", [np.fliplr, np.flipud])
def test_a_mirrored_volume_gives_mirrored_masks(flip) -> None:  # type: ignore[no-untyped-def]
    truth = [disc(60 - k, 25, 16 - k) for k in range(4)]
    for a, b in zip(carry(BrightInBox(), truth), carry(BrightInBox(), [flip(m) for m in truth]), strict=True):
        np.testing.assert_array_equal(flip(a), b)


def test_nothing_comes_of_an_empty_mask_and_the_given_one_stays() -> None:
    truth = [disc(60, 25, 16 - k) for k in range(3)]
    assert carry(BrightInBox(), truth, np.zeros((HEIGHT, WIDTH), bool)) == []
    drawn = truth[0].copy()
    carry(BrightInBox(), truth, drawn)
    np.testing.assert_array_equal(drawn, truth[0])
