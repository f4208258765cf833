"""Relabeling: what a committee is sure of, by hand, and what stays as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.weak.relabel import confident_labels, relabel

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
