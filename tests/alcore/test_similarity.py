"""Neighbours and near-duplicates: worked by hand, against all pairs, and where they must be refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.similarity import most_similar, near_duplicates

SQUARE = np.array([[1, 0], [0, 2], [3, 3], [-1, 0]], np.float32)


def all_pairs(x: np.ndarray, threshold: float) -> dict[tuple[int, int], float]:
    unit = x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    cosines = unit @ unit.T
    return {(i, j): cosines[i, j] for i in range(len(x)) for j in range(i + 1, len(x)) if cosines[i, j] >= threshold}


def test_the_nearest_direction_comes_first_whatever_its_length() -> None:
    rows, cosines = most_similar(SQUARE, np.array([5, 0], np.float32), 3)
    assert rows.tolist() == [0, 2, 1]
    assert cosines == pytest.approx([1, np.sqrt(0.5), 0])
    assert most_similar(SQUARE, SQUARE[0], 9)[0].tolist() == [0, 2, 1, 3]


def test_of_equals_the_earlier_one_comes_first() -> None:
    x = np.array([[0, 1], [1, 0], [1, 0], [1, 0]], np.float32)
    assert most_similar(x, np.array([1, 0], np.float32), 2)[0].tolist() == [1, 2]


def test_pairs_are_found_by_hand() -> None:
    pairs, cosines = near_duplicates(SQUARE, 0.7)
    assert pairs.tolist() == [[0, 2], [1, 2]]
    assert cosines == pytest.approx([np.sqrt(0.5)] * 2)
    assert near_duplicates(SQUARE[:0], 0.9)[0].shape == (0, 2)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.5, 0.9, 0.99, 1.0]), half=st.booleans())
def test_pairs_are_those_of_a_look_at_all(seed: int, threshold: float, half: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(90, 40)) + rng.normal(size=40)  # more directions than a sketch has
    x[60:80] = x[:20] + rng.normal(size=(20, 40)) * rng.choice([0, 0.05, 0.3], size=(20, 1))
    x = x.astype(np.float16 if half else np.float32)
    expected = all_pairs(x, threshold - 1e-5)
    sure = {pair for pair, cosine in expected.items() if cosine >= threshold + 1e-5 or threshold == 1.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alcore.similarity._TILE", 16)
        pairs, cosines = near_duplicates(x, threshold)
    found = {(int(i), int(j)) for i, j in pairs}
    if threshold < 1:
        assert sure <= found
    assert found <= set(expected)
    assert cosines == pytest.approx([expected[int(i), int(j)] for i, j in pairs], abs=1e-4)
    assert (np.diff(cosines) <= 0).all()


def test_equal_images_are_a_pair_at_every_threshold() -> None:
    x = np.random.default_rng(3).normal(size=(30, 48)).astype(np.float16)
    x[7] = x[21]
    pairs, cosines = near_duplicates(x, 1.0)
    assert pairs.tolist() == [[7, 21]]
    assert cosines == pytest.approx([1])


def test_vectors_without_length_are_like_nothing() -> None:
    x = np.zeros((5, 40), np.float32)
    x[0, 0] = 1
    assert near_duplicates(x, 0.5, max_pairs=2)[0].shape == (0, 2)
    assert most_similar(x, x[0], 1)[0].tolist() == [0]


def test_what_cannot_be_compared_is_refused() -> None:
    x = np.ones((4, 3), np.float32)
    with pytest.raises(InvalidInput, match=r"more than 2 pairs may be above 0\.9; raise the threshold"):
        near_duplicates(x, 0.9, max_pairs=2)
    for threshold in (0.0, 1.1, float("nan")):
        with pytest.raises(InvalidInput, match="above 0 and at most 1"):
            near_duplicates(x, threshold)
    with pytest.raises(InvalidInput, match="k=0"):
        most_similar(x, x[0], 0)
    with pytest.raises(InvalidInput, match="length 0"):
        most_similar(x, np.zeros(3, np.float32), 1)
    x[2, 1] = np.nan
    with pytest.raises(InvalidInput, match="finite"):
        most_similar(x, x[0], 1)
    with pytest.raises(InvalidInput, match="finite"):
        near_duplicates(x, 0.9)
