"""ActiveFT, FreeSel and Wasserstein: losses by differences, exact transport as reference, pools laid out by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.strategies import activeft as activeft_module
from alcore.strategies import select
from alcore.strategies.activeft import activeft_loss, learn_centroids
from alcore.strategies.freesel import pattern_sampling, semantic_patterns
from alcore.strategies.quota import Quota
from alcore.strategies.wasserstein import distances, sinkhorn
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def on_a_line(positions, labeled=()):
    flags = np.zeros(len(positions), bool)
    flags[list(labeled)] = True
    return PoolView(embeddings=np.asarray([[x, 0.0] for x in positions], np.float32), labeled=flags)


def exact_w1(pool_points, atoms):
    """Equal masses on both sides: repeat either until there are as many, and assign."""
    from scipy.optimize import linear_sum_assignment

    n, k = len(pool_points), len(atoms)
    left, right = np.repeat(pool_points, k, axis=0), np.repeat(atoms, n, axis=0)
    cost = np.linalg.norm(left[:, None] - right[None], axis=2)
    rows, columns = linear_sum_assignment(cost)
    return cost[rows, columns].mean()


def test_activeft_loss_of_a_worked_case():
    points, centroids = np.asarray([[1.0, 0.0], [0.0, 1.0]]), np.asarray([[1.0, 0.0], [0.6, 0.8]])
    loss, _, nearest = activeft_loss(points, centroids, 1.0)
    assert nearest.tolist() == [0, 1]
    e = np.exp
    first, second = e(1) / (e(1) + e(0.6)), e(0.8) / (e(0.8) + e(0.6))
    assert np.isclose(loss, -(np.log(first) + np.log(second)) / 2)


def test_activeft_gradient_agrees_with_differences():
    rng = np.random.default_rng(0)
    points, centroids = unit(rng.normal(size=(40, 5))), unit(rng.normal(size=(4, 5)))
    _, gradient, _ = activeft_loss(points, centroids, 0.3)
    for i in np.ndindex(centroids.shape):
        above, below = centroids.copy(), centroids.copy()
        above[i] += 1e-6
        below[i] -= 1e-6
        slope = (activeft_loss(points, above, 0.3)[0] - activeft_loss(points, below, 0.3)[0]) / 2e-6
        assert np.isclose(gradient[i], slope, atol=1e-5)


@pytest.mark.parametrize("mini_batch", [4096, 32])
def test_activeft_lowers_its_loss_with_and_without_mini_batches(mini_batch, monkeypatch):
    monkeypatch.setattr(activeft_module, "_MINI_BATCH", mini_batch)
    rng = np.random.default_rng(0)
    points = unit(rng.normal(size=(120, 6)) + 2 * np.eye(6)[rng.integers(3, size=120)]).astype(np.float32)
    first, anchors = points[:4].copy(), points[4:6]
    final, shares = learn_centroids(
        points, np.arange(120), first, anchors, temperature=0.07, n_iterations=200, learning_rate=1e-2, rng=rng
    )
    before = activeft_loss(points, np.concatenate([first, anchors]), 0.07)[0]
    assert activeft_loss(points, np.concatenate([final, anchors]), 0.07)[0] < before - 0.05
    np.testing.assert_allclose(np.linalg.norm(final, axis=1), 1, atol=1e-5)
    assert 0 < shares.sum() <= 1 + 1e-9


def test_activeft_spreads_over_the_clusters():
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(3), 40)
    points = unit(np.eye(5)[cluster] + 0.05 * rng.normal(size=(120, 5))).astype(np.float32)
    pool = PoolView(embeddings=points, labeled=np.zeros(120, bool))
    found = [
        set(cluster[select("activeft", pool, 6, rng=np.random.default_rng(s), learning_rate=0.05).rows].tolist())
        for s in range(4)
    ]
    assert all(clusters == {0, 1, 2} for clusters in found)


def test_labeled_items_push_activeft_elsewhere():
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(2), 40)
    points = unit(np.eye(4)[cluster] + 0.05 * rng.normal(size=(80, 4))).astype(np.float32)
    labeled = np.zeros(80, bool)
    labeled[:5] = True
    pool = PoolView(embeddings=points, labeled=labeled)
    hits = [select("activeft", pool, 1, rng=np.random.default_rng(s), learning_rate=0.05).rows[0] for s in range(8)]
    assert np.mean(np.asarray(hits) >= 40) > 0.5


def plain_kmeans(tokens, k):
    tokens = unit(tokens)
    first = ((tokens - tokens.mean(axis=0)) ** 2).sum(axis=1).argmin()
    centres = [tokens[first]]
    while len(centres) < k:
        centres.append(tokens[np.argmax([min(((t - c) ** 2).sum() for c in centres) for t in tokens])])
    centres = np.asarray(centres)
    for _ in range(10):
        nearest = np.asarray([np.argmin([((t - c) ** 2).sum() for c in centres]) for t in tokens])
        for j in set(nearest.tolist()):
            centres[j] = tokens[nearest == j].mean(axis=0)
    return centres


def test_patterns_of_all_images_at_once_match_a_plain_kmeans_of_each():
    patches = np.random.default_rng(0).normal(size=(5, 12, 4))
    for k in (1, 3):
        found = semantic_patterns(patches, k)
        for image, patterns in zip(patches, found, strict=True):
            np.testing.assert_allclose(patterns, plain_kmeans(image, k), atol=1e-4)
    assert semantic_patterns(patches, 99).shape == (5, 12, 4)
    assert np.isfinite(semantic_patterns(np.zeros((2, 3, 4)), 2)).all()


def test_freesel_finds_the_one_image_with_a_new_patch():
    usual, strange = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
    patches = np.asarray([[usual] * 9 for _ in range(6)])
    patches[4, 0] = strange  # one ninth of the image: its mean hardly moves
    pool = PoolView(embeddings=np.zeros((6, 2), np.float32), labeled=np.asarray([True] + [False] * 5), patches=patches)
    for rule in ("sample", "farthest"):
        result = select("freesel", pool, 2, rng=np.random.default_rng(0), n_patterns=2, rule=rule)
        assert result.rows[0] == 4
        assert result.reasons[0] == "holds a pattern not seen yet: 1.41 away"
        assert result.reasons[1].endswith("0.00 away")


def test_freesel_draws_in_proportion_to_squared_distance():
    patterns = np.asarray([[[0.0]], [[1.0]], [[2.0]]], np.float32)
    labeled = np.asarray([True, False, False])
    pool = PoolView(embeddings=np.zeros((3, 1), np.float32), labeled=labeled)
    rng = np.random.default_rng(0)
    first = [
        pattern_sampling(patterns, labeled, Quota(pool), batch_size=1, rule="sample", rng=rng)[0][0]
        for _ in range(2000)
    ]
    assert abs(np.mean(np.asarray(first) == 2) - 0.8) < 0.04


def test_distances_are_plain_euclidean():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(6, 3)).astype(np.float32), rng.normal(size=(4, 3)).astype(np.float32)
    np.testing.assert_allclose(distances(a, b), np.linalg.norm(a[:, None] - b[None], axis=2), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_sinkhorn_comes_close_to_the_exact_plan_and_keeps_the_masses(seed, k):
    rng = np.random.default_rng(seed)
    points, atoms = rng.normal(size=(8, 2)), rng.normal(size=(k, 2))
    cost = np.linalg.norm(points[:, None] - atoms[None], axis=2)
    plan = sinkhorn(cost, np.full(k, 1 / k))
    np.testing.assert_allclose(plan.sum(axis=0), 1 / k, rtol=1e-9)
    np.testing.assert_allclose(plan.sum(axis=1), 1 / 8, atol=0.02)
    exact = exact_w1(points, atoms)
    assert abs((plan * cost).sum() - exact) < 0.08 * exact + 0.02


def test_sinkhorn_bears_an_outlier_that_is_very_far_away():
    cost = np.asarray([[0.0, 1.0], [1.0, 0.0], [1e6, 1e6 + 1]])
    assert np.isfinite(sinkhorn(cost, np.asarray([0.5, 0.5]))).all()


def test_wasserstein_gives_the_larger_cluster_its_share_of_the_picks():
    positions = [*np.linspace(0, 1, 30), *np.linspace(10, 11, 10)]
    counts = []
    for seed in range(5):
        rows = select("wasserstein", on_a_line(positions), 4, rng=np.random.default_rng(seed)).rows
        counts.append(int((rows < 30).sum()))
    assert counts == [3] * 5  # k-medoids or k-center would split the clusters alike


def test_wasserstein_makes_up_for_what_the_labels_lack():
    positions = [*np.linspace(0, 1, 20), *np.linspace(10, 11, 20)]
    for seed in range(5):
        rows = select("wasserstein", on_a_line(positions, labeled=[3, 16]), 2, rng=np.random.default_rng(seed)).rows
        assert (rows >= 20).all()


def test_wasserstein_comes_close_to_the_best_of_all_batches():
    for seed in range(4):
        pool = make_pool(n=12, d=2, n_labeled=2, seed=seed)
        known = pool.embeddings[pool.labeled]
        everything = {
            batch: exact_w1(pool.embeddings, np.concatenate([known, pool.embeddings[list(batch)]]))
            for batch in combinations(np.flatnonzero(~pool.labeled).tolist(), 3)
        }
        rows = select("wasserstein", pool, 3, rng=np.random.default_rng(0)).rows
        values = np.sort(list(everything.values()))
        assert everything[tuple(sorted(rows.tolist()))] <= values[len(values) // 5]


def test_wasserstein_works_on_a_part_of_a_larger_pool():
    pool = make_pool(n=300, n_labeled=40)
    result = select("wasserstein", pool, 10, rng=np.random.default_rng(0), n_reference=25)
    assert len(set(result.rows.tolist())) == 10


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("activeft", {"temperature": 0.0}),
        ("activeft", {"n_iterations": 0}),
        ("activeft", {"learning_rate": -1.0}),
        ("freesel", {"n_patterns": 0}),
        ("wasserstein", {"n_reference": 0}),
    ],
)
def test_settings_out_of_range_are_named(name, setting):
    with pytest.raises(InvalidInput, match=next(iter(setting))):
        select(name, make_pool(), 3, rng=np.random.default_rng(0), **setting)
