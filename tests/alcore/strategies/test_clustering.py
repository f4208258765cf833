"""k-means medoids and TypiClust on pools whose clusters are known."""

import dataclasses

import numpy as np

from alcore.strategies import select
from alcore.strategies.clustering import assign, fit_kmeans
from alcore.strategies.quota import Quota, group_codes
from alcore.strategies.typiclust import mean_neighbour_distance
from alcore.types import PoolView


def blobs(sizes, *, d=6, spread=0.05, seed=0, n_labeled_in=()):
    """Well separated clusters on the sphere; returns the pool and the cluster of each row."""
    rng = np.random.default_rng(seed)
    cluster = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    points = np.eye(d)[cluster] + spread * rng.normal(size=(len(cluster), d))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    labeled = np.zeros(len(cluster), bool)
    for c in n_labeled_in:
        labeled[np.flatnonzero(cluster == c)[0]] = True
    return PoolView(embeddings=points.astype(np.float32), labeled=labeled), cluster


def test_each_cluster_gives_its_medoid_largest_first():
    pool, cluster = blobs([40, 30, 20, 10])
    hits = 0
    for seed in range(5):
        rows = select("kmeans_medoid", pool, 4, rng=np.random.default_rng(seed)).rows
        if sorted(cluster[rows].tolist()) == [0, 1, 2, 3]:  # k-means may split a blob
            hits += 1
            assert cluster[rows].tolist() == [0, 1, 2, 3]
            for row in rows:
                members = np.flatnonzero(cluster == cluster[row])
                centre = pool.embeddings[members].mean(axis=0)
                centre /= np.linalg.norm(centre)
                assert row == members[(pool.embeddings[members] @ centre).argmax()]
    assert hits >= 2


def test_medoids_are_nearest_to_their_centres_in_a_plain_search():
    pool, _ = blobs([50, 50], spread=0.5)
    rows_all = np.arange(100, dtype=np.int64)
    centres = fit_kmeans(pool.embeddings, rows_all, 7, rng=np.random.default_rng(3), spherical=True)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    distances = np.linalg.norm(pool.embeddings[:, None] - centres[None], axis=2)
    np.testing.assert_array_equal(assign(pool.embeddings, rows_all, centres), distances.argmin(axis=1))
    chosen = set(select("kmeans_medoid", pool, 7, rng=np.random.default_rng(3)).rows.tolist())
    if len(set(distances.argmin(axis=0).tolist())) == 7:
        assert chosen == set(distances.argmin(axis=0).tolist())


def test_kmeans_random_takes_one_from_each_cluster_but_not_always_the_same():
    pool, _ = blobs([30, 30, 30])
    draws = {tuple(select("kmeans_random", pool, 3, rng=np.random.default_rng(seed)).rows) for seed in range(6)}
    assert len(draws) == 6


def test_typiclust_prefers_clusters_without_labels():
    pool, _ = blobs([40, 30, 30], n_labeled_in=[0])
    for seed in range(5):
        result = select("typiclust", pool, 2, rng=np.random.default_rng(seed))
        found = assign(pool.embeddings, result.rows, np.eye(6, dtype=np.float32)[:3])
        if sorted(found.tolist()) == [1, 2]:
            assert all("had no label" in reason for reason in result.reasons)
            return
    raise AssertionError("k-means never found the three clusters")


def test_typiclust_takes_the_densest_item():
    rng = np.random.default_rng(0)
    points = np.concatenate([0.01 * rng.normal(size=(10, 3)), 0.3 * rng.normal(size=(15, 3))]).astype(np.float32)
    pool = PoolView(embeddings=points, labeled=np.zeros(25, bool))
    assert select("typiclust", pool, 1, rng=rng).rows[0] < 10


def test_typicality_is_plain_euclidean_over_the_nearest_twenty_or_half():
    rng = np.random.default_rng(1)
    for n in (2, 3, 9, 60):
        points = rng.normal(size=(n, 4)).astype(np.float32)
        k = max(1, min(20, n // 2))
        distances = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, 1 : k + 1]
        np.testing.assert_allclose(mean_neighbour_distance(points), distances.mean(axis=1), rtol=1e-3)


def test_small_clusters_wait_until_the_others_are_used_up():
    pool, cluster = blobs([30, 30, 4], spread=0.02)
    for seed in range(8):
        rows = select("typiclust", pool, 3, rng=np.random.default_rng(seed)).rows
        centres = fit_kmeans(pool.embeddings, np.arange(64), 3, rng=np.random.default_rng(seed), spherical=False)
        if sorted(np.bincount(assign(pool.embeddings, np.arange(64), centres)).tolist()) == [4, 30, 30]:
            assert 2 not in cluster[rows]
            return
    raise AssertionError("k-means never found the three clusters")


def test_typiclust_empties_small_clusters_in_the_end():
    pool, _ = blobs([30, 4])
    assert len(select("typiclust", pool, 34, rng=np.random.default_rng(0)).rows) == 34


def test_a_full_group_is_closed_and_items_without_group_stand_alone():
    groups = np.asarray(["a", "a", None, None, "b"], dtype=object)
    assert group_codes(groups).tolist() == [0, 0, 1, 2, 3]
    pool = PoolView(embeddings=np.ones((5, 2), np.float32), labeled=np.zeros(5, bool), groups=groups)
    quota = Quota(pool, 1)
    assert quota.take_in_order(np.arange(5), 5).tolist() == [0, 2, 3, 4]
    assert not quota.open.any()


def test_group_random_spreads_over_groups_before_it_returns_to_one():
    groups = np.repeat(np.arange(5), [50, 20, 10, 5, 5])
    labeled = np.zeros(90, bool)
    labeled[:3] = True  # group 0 has three labels already
    pool = PoolView(embeddings=np.ones((90, 2), np.float32), labeled=labeled, groups=groups)
    rows = select("group_random", pool, 12, rng=np.random.default_rng(0)).rows
    assert np.bincount(groups[rows], minlength=5).tolist() == [0, 3, 3, 3, 3]
    assert np.bincount(groups[rows[:4]], minlength=5).tolist() == [0, 1, 1, 1, 1]


def test_uncertain_items_come_first_with_rank_and_score():
    pool, _ = blobs([10, 10])
    p = np.linspace(0.5, 1.0, 20)
    scored = dataclasses.replace(pool, probabilities=np.stack([p, 1 - p], axis=1))
    result = select("least_confidence", scored, 3, rng=np.random.default_rng(0))
    assert result.rows.tolist() == [0, 1, 2]
    assert result.reasons[1] == "least_confidence 0.47, rank 2"
    np.testing.assert_allclose(result.scores, 1 - p[:3])


def test_pooled_pixel_scores_stand_in_for_probabilities():
    pool, _ = blobs([10, 10])
    scored = dataclasses.replace(pool, uncertainty={"bald": np.arange(20.0)})
    assert select("bald", scored, 2, rng=np.random.default_rng(0)).rows.tolist() == [19, 18]
