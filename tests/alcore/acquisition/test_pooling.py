"""Windows, borders and superpixels: worked maps, plain loops, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.acquisition.pooling import boundary_weights, pool_map, superpixel_means, window_means
from alcore.errors import InvalidInput
from alcore.superpixels import slic_superpixels


def test_windows_of_a_worked_map():
    score = np.arange(12.0).reshape(3, 4)
    assert window_means(score, 2).tolist() == [[2.5, 3.5, 4.5], [6.5, 7.5, 8.5]]
    assert pool_map(score, "window", window_px=2) == 8.5
    assert pool_map(score, "window", window_px=99) == 5.5  # cut to the image
    weight = np.zeros((3, 4))
    weight[0, 0] = weight[0, 1] = 1.0
    assert pool_map(score, "window", window_px=2, foreground=weight) == 0.25


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_windows_match_a_plain_loop(seed, size):
    score = np.random.default_rng(seed).normal(size=(2, 6, 8))
    h, w = min(size, 6), min(size, 8)
    found = window_means(score, size)
    for i in range(6 - h + 1):
        for j in range(8 - w + 1):
            np.testing.assert_allclose(found[:, i, j], score[:, i : i + h, j : j + w].mean(axis=(1, 2)), atol=1e-12)
    np.testing.assert_allclose(pool_map(score, "window", window_px=1), score.max(axis=(1, 2)), atol=1e-12)


def test_a_window_finds_the_blob_that_the_mean_overlooks():
    blob, noise = np.zeros((40, 50)), np.full((40, 50), 0.05)
    blob[5:15, 30:40] = 0.9
    assert pool_map(blob) < pool_map(noise)
    assert pool_map(blob, "window", window_px=10) > pool_map(noise, "window", window_px=10)


def test_weights_fall_off_from_the_border_of_a_mask():
    labels = np.asarray([[0, 0, 0, 1, 1, 1]])
    np.testing.assert_allclose(boundary_weights(labels, decay_px=2.0), np.exp(-np.asarray([[2, 1, 0, 0, 1, 2]]) / 2))
    np.testing.assert_array_equal(boundary_weights(labels.astype(bool).T), boundary_weights(labels).T)
    assert (boundary_weights(np.zeros((3, 4), int)) == 0).all()


def test_border_weights_match_a_plain_search():
    labels = np.random.default_rng(0).integers(3, size=(7, 9))
    labels[:4, :5] = 0
    on_border = [
        (i, j)
        for i in range(7)
        for j in range(9)
        for di, dj in ((0, 1), (1, 0), (0, -1), (-1, 0))
        if 0 <= i + di < 7 and 0 <= j + dj < 9 and labels[i, j] != labels[i + di, j + dj]
    ]
    found = boundary_weights(labels, decay_px=3.0)
    for i in range(7):
        for j in range(9):
            nearest = min(np.hypot(i - y, j - x) for y, x in on_border)
            assert np.isclose(found[i, j], np.exp(-nearest / 3))
    weighted = pool_map(labels.astype(float), "mean", foreground=found)
    assert np.isclose(weighted, (labels * found).sum() / found.sum())


def test_superpixel_means_of_a_worked_map():
    score, labels = np.asarray([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]]), np.asarray([[0, 0, 3], [0, 3, 3]])
    np.testing.assert_allclose(superpixel_means(score, labels), [8 / 3, 0, 0, 16 / 3])


def test_slic_numbers_connected_superpixels_without_a_gap():
    from scipy import ndimage

    image = np.zeros((40, 60, 3), np.uint8)
    image[10:25, 30:50] = 200
    labels = slic_superpixels(image, n_superpixels=30)
    numbers = np.unique(labels)
    assert labels.shape == (40, 60)
    assert numbers.tolist() == list(range(len(numbers)))
    assert 15 <= len(numbers) <= 45
    assert all(ndimage.label(labels == n)[1] == 1 for n in numbers)
    inside = np.zeros((40, 60))
    inside[10:25, 30:50] = 1.0
    shares = superpixel_means(inside, labels)
    assert np.mean((shares < 0.1) | (shares > 0.9)) > 0.8  # they keep to the object's edge
    np.testing.assert_array_equal(labels, slic_superpixels(image, n_superpixels=30))


def test_wrong_maps_and_numbers_are_refused():
    score = np.zeros((3, 4))
    with pytest.raises(InvalidInput, match="window_px"):
        window_means(score, 0)
    with pytest.raises(InvalidInput, match="at least one pixel"):
        window_means(np.zeros((0, 4)), 2)
    with pytest.raises(InvalidInput, match="finite"):
        superpixel_means(score * np.nan, np.zeros((3, 4), int))
    with pytest.raises(InvalidInput, match="numbered from 0"):
        superpixel_means(score, np.full((3, 4), -1))
    with pytest.raises(InvalidInput, match="decay_px"):
        boundary_weights(np.zeros((3, 4), int), decay_px=0.0)
    with pytest.raises(InvalidInput, match="n_superpixels"):
        slic_superpixels(np.zeros((3, 4, 3), np.uint8), n_superpixels=0)
    assert pool_map(np.zeros((0, 3, 4))).shape == (0,)
