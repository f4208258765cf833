"""Relabeling: what a committee is sure of, by hand, and what stays as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.weak.relabel import confident_labels, doubtful_pixels, relabel
from alcore.weak.targets import WeakObject

# Two members, two classes, four pixels: both sure of 1, both sure of 0, sure on average but split, agreed but unsure.
COMMITTEE = np.array([[[[0.02, 0.99, 0.03, 0.4]]], [[[0.08, 0.95, 0.6, 0.3]]]])
COMMITTEE = np.concatenate([COMMITTEE, 1 - COMMITTEE], axis=1)


def test_a_pixel_is_labeled_where_all_agree_and_are_sure_on_average() -> None:
    np.testing.assert_array_equal(confident_labels(COMMITTEE), [[1, 0, 255, 255]])
    np.testing.assert_array_equal(confident_labels(COMMITTEE, min_confidence=0.6), [[1, 0, 255, 1]])
    np.testing.assert_array_equal(confident_labels(COMMITTEE, min_confidence=0.96), [[255, 0, 255, 255]])


def test_only_doubtful_pixels_change_and_unsure_ones_are_left_out() -> None:
    target = np.array([[0, 1, 1, 1]], np.uint8)
    doubtful = np.array([[True, False, True, True]])
    np.testing.assert_array_equal(relabel(target, doubtful, COMMITTEE), [[1, 1, 255, 255]])
    np.testing.assert_array_equal(relabel(target, np.zeros_like(doubtful), COMMITTEE), target)


@given(st.integers(0, 2**31), st.floats(0.4, 0.9), st.floats(0.0, 0.1))
def test_asking_for_more_confidence_labels_fewer_pixels_and_never_differently(
    seed: int, low: float, more: float
) -> None:
    committee = np.random.default_rng(seed).dirichlet(np.ones(3) / 2, (2, 5, 4)).transpose(0, 3, 1, 2)
    many, few = (confident_labels(committee, min_confidence=value) for value in (low, low + more))
    assert (many[few != 255] == few[few != 255]).all()


def test_an_impossible_confidence_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"above 0 and at most 1; got 1\.5"):
        confident_labels(COMMITTEE, min_confidence=1.5)


def test_doubt_covers_poor_masks_and_their_rim_but_nothing_that_a_person_drew() -> None:
    def block(r0: int, r1: int, c0: int, c1: int) -> np.ndarray:
        mask = np.zeros((12, 12), bool)
        mask[r0:r1, c0:c1] = True
        return mask

    poor = WeakObject(mask=block(4, 6, 4, 6), class_id=1, quality=0.6, strokes=block(4, 5, 4, 5))
    good = WeakObject(mask=block(9, 12, 9, 12), class_id=1, quality=0.7)
    exact = WeakObject(mask=block(2, 4, 2, 8), class_id=2, quality=0.1, is_exact=True)
    doubtful = doubtful_pixels([poor, good, exact], 12)
    expected = block(2, 8, 2, 8) & ~exact.mask & ~poor.strokes
    np.testing.assert_array_equal(doubtful, expected)
    assert not doubtful_pixels([good, exact], 12).any()
