"""Contextual diversity: mixtures and divergences by hand and by plain loops."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.acquisition.context import class_mixtures
from alcore.errors import InvalidInput
from alcore.strategies import select
from alcore.strategies.contextual import mixture_distances
from tests.alcore.strategies.pools import make_pool


def draw_mixtures(rng, n, c):
    mixtures = rng.dirichlet(np.full(c, 3.0), size=(n, c)).astype(np.float32)
    mixtures[rng.random((n, c)) < 0.3] = 0
    return mixtures


def plain_divergence(a, b, unshared=0.0):
    total = 0.0
    for p, q in zip(a.astype(float), b.astype(float), strict=True):
        if p.sum() > 0 and q.sum() > 0:
            total += 0.5 * sum(p * np.log(p / q)) + 0.5 * sum(q * np.log(q / p))
        elif p.sum() + q.sum() > 0:
            total += unshared
    return total


def test_mixtures_of_a_worked_image():
    sure, unsure, other = [1.0, 0.0], [0.6, 0.4], [0.2, 0.8]
    pixels = np.asarray([[[sure, unsure], [unsure, other]], [[sure, sure], [sure, sure]]])
    mixtures = class_mixtures(pixels)
    np.testing.assert_allclose(mixtures[0], [[0.6, 0.4], [0.2, 0.8]], atol=1e-6)  # the sure pixel weighs nothing
    np.testing.assert_allclose(mixtures[1], [[1, 0], [0, 0]], atol=1e-6)  # unless there are no others
    np.testing.assert_array_equal(class_mixtures(pixels[0]), mixtures[0])


def test_mixtures_match_a_plain_loop():
    pixels = np.random.default_rng(0).dirichlet(np.ones(4), size=(3, 5, 7))
    for image, mixture in zip(pixels, class_mixtures(pixels), strict=True):
        for c in range(4):
            inside = image[image.argmax(axis=-1) == c]
            weights = -(inside * np.log(inside)).sum(axis=-1)
            expected = np.average(inside, axis=0, weights=weights) if len(inside) else np.zeros(4)
            np.testing.assert_allclose(mixture[c], expected, rtol=1e-4)


def test_mixtures_refuse_what_is_no_probability():
    with pytest.raises(InvalidInput, match="h, w, c"):
        class_mixtures(np.ones((3, 4)) / 4)
    with pytest.raises(InvalidInput, match="sum to 1"):
        class_mixtures(np.ones((3, 4, 2)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.sampled_from([0.0, 1.5]))
def test_divergences_match_a_plain_loop_over_shared_classes(seed, c, unshared):
    mixtures = draw_mixtures(np.random.default_rng(seed), 9, c)
    found = mixture_distances(mixtures, unshared=unshared)(np.arange(9))
    for i in range(9):
        for j in range(9):
            np.testing.assert_allclose(
                found[i, j], plain_divergence(mixtures[i], mixtures[j], unshared), rtol=1e-3, atol=1e-4
            )


def test_the_image_with_the_newest_confusion_comes_first():
    plain, mixed, slightly = [[0.9, 0.1], [0.1, 0.9]], [[0.5, 0.5], [0.5, 0.5]], [[0.8, 0.2], [0.1, 0.9]]
    pool = make_pool(n=4, n_labeled=1, n_classes=2)
    labeled = np.asarray([True, False, False, False])
    pool = dataclasses.replace(pool, labeled=labeled, class_mixtures=np.asarray([plain, plain, mixed, slightly]))
    result = select("contextual_diversity", pool, 3, rng=np.random.default_rng(0))
    assert result.rows.tolist() == [2, 3, 1]
    assert result.reasons[0] == f"its classes mix anew: divergence {plain_divergence(*np.asarray([plain, mixed])):.2f}"


def test_the_traversal_matches_a_plain_loop():
    pool = make_pool(n=30, n_labeled=3)
    mixtures = draw_mixtures(np.random.default_rng(3), 30, 3)
    pool = dataclasses.replace(pool, class_mixtures=mixtures)
    centres, expected = np.flatnonzero(pool.labeled).tolist(), []
    for _ in range(6):
        gaps = [
            -1 if i in centres else min(plain_divergence(mixtures[i], mixtures[j]) for j in centres) for i in range(30)
        ]
        expected.append(int(np.argmax(gaps)))
        centres.append(expected[-1])
    assert select("contextual_diversity", pool, 6, rng=np.random.default_rng(0)).rows.tolist() == expected


def test_a_class_that_only_one_image_shows_counts_where_told_so():
    pool = make_pool(n=3, n_labeled=1, n_classes=2)
    shown = np.asarray([[[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0.9, 0.1], [0, 0]]], float)
    pool = dataclasses.replace(pool, labeled=np.asarray([True, False, False]), class_mixtures=shown)
    rng = np.random.default_rng(0)
    assert select("contextual_diversity", pool, 1, rng=rng).rows.tolist() == [2]
    assert select("contextual_diversity", pool, 1, rng=rng, unshared=5.0).rows.tolist() == [1]
    with pytest.raises(InvalidInput, match="unshared must be >= 0"):
        select("contextual_diversity", pool, 1, rng=rng, unshared=-1.0)
