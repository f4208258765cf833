"""DCoM, information density, USL, k-medoids, representative annotation, and TypiClust's choice within clusters."""

import dataclasses

import numpy as np
import pytest

from alcore.strategies import density, select, typiclust
from alcore.strategies.blocks import unit_scale
from alcore.strategies.dcom import competence, pure_radii
from alcore.strategies.density import densest, kth_distance, mean_cosine
from alcore.strategies.k_medoids import alternate, distance_sums, nearest_medoid
from alcore.strategies.representative_annotation import agglomerate, cover_cluster
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool


def choose(name, pool, batch_size, seed=0, **options):
    return select(name, pool, batch_size, rng=np.random.default_rng(seed), **options)


def unit_rows(n, d=6, seed=0):
    points = np.random.default_rng(seed).normal(size=(n, d))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def distances_of(points):
    return np.linalg.norm(points.astype(float)[:, None] - points.astype(float), axis=2)


def test_competence_is_one_when_all_is_covered_half_at_the_midpoint_and_nothing_before():
    assert competence(1.0, slope=50.0, midpoint=0.8) == 1.0
    assert competence(0.8, slope=50.0, midpoint=0.8) == pytest.approx(0.5, abs=1e-4)
    assert competence(0.2, slope=50.0, midpoint=0.8) < 1e-12


def test_the_radius_of_a_labeled_item_ends_where_too_many_others_come_in():
    line = np.deg2rad(np.asarray([0, 1, 2, 3, 4, 5.0]))
    points = np.stack([np.cos(line), np.sin(line)], axis=1).astype(np.float32)
    chord = 2 * np.sin(line / 2)
    predicted = np.asarray([7, 7, 9, 9, 9])

    def radius(share, largest=2.0):
        return pure_radii(
            points, np.asarray([0]), np.arange(1, 6), labels=np.asarray([7]), predicted=predicted,
            scale=unit_scale(points), share=share, largest=largest,
        ).item()  # fmt: skip

    assert radius(1.0) == pytest.approx(chord[2], abs=1e-3)
    assert radius(0.5) == pytest.approx(chord[4], abs=1e-3)  # two of four
    assert radius(0.1) == pytest.approx(chord[5], abs=1e-3)
    assert radius(0.1, largest=chord[3] + 1e-3) == pytest.approx(chord[3], abs=1e-3)
    other = pure_radii(
        points, np.asarray([0]), np.arange(1, 6), labels=np.asarray([9]), predicted=predicted,
        scale=unit_scale(points), share=0.9, largest=2.0,
    )  # fmt: skip
    assert other.item() == 0.0


def plain_dcom(pool, delta, batch_size):
    """The method as its docstring says, with every number computed anew at each pick."""
    distances = distances_of(pool.embeddings)
    open_rows, known = np.flatnonzero(~pool.labeled), np.flatnonzero(pool.labeled)
    predicted = pool.probabilities.argmax(axis=1)
    share = 0.2 * (distances[np.ix_(known, open_rows)] <= delta).any(axis=0).mean() + 0.4
    covered = np.zeros(len(open_rows), bool)
    for row in known:
        order = open_rows[distances[row, open_rows].argsort()]
        pure = np.cumsum(predicted[order] == pool.labels[row]) / np.arange(1, len(order) + 1) >= share
        radii = np.where(pure & (distances[row, order] <= 2 * delta), distances[row, order], 0)
        covered |= distances[row, open_rows] <= radii.max() + 1e-6
    weight = (1 + np.exp(-50 * 0.2)) / (1 + np.exp(-50 * (covered.mean() - 0.8)))
    top = np.sort(pool.probabilities.astype(float), axis=1)
    margin = 1 - (top[:, -1] - top[:, -2])
    near = distances[np.ix_(open_rows, open_rows)] <= delta
    largest = (near & ~covered).sum(axis=1).max()
    rows = []
    for _ in range(batch_size):
        score = weight * margin[open_rows] + (1 - weight) * (near & ~covered).sum(axis=1) / max(largest, 1)
        score[np.isin(open_rows, rows)] = -np.inf
        rows.append(int(open_rows[score.argmax()]))
        covered |= near[score.argmax()]
    return rows


@pytest.mark.parametrize(("n_labeled", "delta"), [(5, 0.5), (40, 0.9), (60, 1.1)])
def test_dcom_matches_a_plain_loop(n_labeled, delta):
    pool = make_pool(n=120, d=4, n_labeled=n_labeled, seed=n_labeled)
    scores = choose("dcom", pool, 10, delta=delta)
    assert scores.rows.tolist() == plain_dcom(pool, delta, 10)


def test_dcom_is_margin_where_labels_cover_all():
    pool = make_pool(n=100, d=3, n_labeled=50)
    first = np.linspace(0.4, 0.9, 100)  # class 0 is always the likeliest
    sure = np.stack([first, 0.7 * (1 - first), 0.3 * (1 - first)], axis=1).astype(np.float32)
    agreed = dataclasses.replace(pool, probabilities=sure, labels=np.where(pool.labeled, 0, -1))
    assert choose("dcom", agreed, 5, delta=1.0).rows.tolist() == choose("margin", agreed, 5).rows.tolist()


def test_the_mean_cosine_is_that_of_all_pairs():
    pool = make_pool(n=70, embeddings=unit_rows(70) * 3)
    among = ~pool.labeled
    units = unit_rows(70).astype(float)
    np.testing.assert_allclose(mean_cosine(pool.embeddings, among), (units @ units[among].T).mean(axis=1), atol=1e-6)


def test_information_density_is_entropy_times_density_to_the_power_beta():
    from skactiveml.pool import uncertainty_scores

    pool = make_pool(n=80, embeddings=unit_rows(80) + 0.3)
    units = pool.embeddings / np.linalg.norm(pool.embeddings, axis=1, keepdims=True)
    mean = (units @ units[~pool.labeled].T).mean(axis=1)
    for beta in (0.0, 1.0, 2.5):
        scores = uncertainty_scores(pool.probabilities, method="entropy") * np.maximum(mean, 0) ** beta
        result = choose("information_density", pool, 10, beta=beta)
        expected = [row for row in np.argsort(-scores) if not pool.labeled[row]][:10]
        assert result.rows.tolist() == expected
        np.testing.assert_allclose(result.scores, scores[result.rows], rtol=1e-4)
    pixels = dataclasses.replace(pool, uncertainty={"bald": np.arange(80.0)}, probabilities=None, committee=None)
    assert len(choose("information_density", pixels, 5, acquisition="bald").rows) == 5


def test_the_distance_to_the_kth_neighbour_leaves_the_item_itself_out():
    points = unit_rows(40)
    ordered = np.sort(distances_of(points), axis=1)
    rows, everything = np.arange(40), np.arange(40)
    for k in (1, 5, 100):
        found = kth_distance(points, rows, everything, k, scale=unit_scale(points))
        np.testing.assert_allclose(found, ordered[:, min(k, 39)], rtol=1e-3)
    outside = kth_distance(points, np.arange(20, 40), np.arange(20), 1, scale=unit_scale(points))
    np.testing.assert_allclose(outside, distances_of(points)[20:, :20].min(axis=1), rtol=1e-3)


def test_usl_without_penalty_takes_the_densest_item_of_each_cluster():
    assert densest(np.asarray([1.0, 5, 3, 4]), np.asarray([2, 0, 0, 2]), 3).tolist() == [1, 3]
    rng = np.random.default_rng(0)
    blobs = np.concatenate([c + s * rng.normal(size=(25, 4)) for c in 3 * np.eye(4)[:3] for s in (0.05, 0.6)])
    pool = PoolView(embeddings=blobs.astype(np.float32), labeled=np.zeros(150, bool))
    rows = choose("usl", pool, 3, strength=0.0, n_neighbours=5).rows
    assert ((rows // 25) % 2 == 0).all()  # in the tight half of each


def test_usl_moves_away_from_labeled_items_by_its_penalty():
    pool = make_pool(n=300, d=3, n_labeled=30)
    distances = distances_of(pool.embeddings)[:, pool.labeled].min(axis=1)
    drawn_in = distances[choose("usl", pool, 10, strength=0.0).rows].mean()
    kept_away = distances[choose("usl", pool, 10, strength=20.0, power=2.0).rows].mean()
    assert kept_away > 1.3 * drawn_in


def test_crowding_counts_labeled_items_and_picks_of_other_clusters():
    points = np.asarray([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
    penalty = density.crowding(
        points, np.asarray([0, 1, 2]), np.asarray([0, 1]), np.asarray([0, 1, 1]), np.asarray([0, 1]), np.asarray([3]),
        1.0, scale=unit_scale(points),
    )  # fmt: skip
    side = 2**-0.5
    np.testing.assert_allclose(penalty, [(side + side) / 3, (side + 0.5) / 3, (0.5 + side) / 3], rtol=1e-5)


def objective(points, medoids):
    return distances_of(points)[:, medoids].min(axis=1).sum()


def test_k_medoids_beats_its_greedy_start_and_comes_near_the_best():
    import itertools

    points = unit_rows(30, d=3, seed=1)
    pool = PoolView(embeddings=points, labeled=np.zeros(30, bool))
    best = min(objective(points, list(some)) for some in itertools.combinations(range(30), 3))
    start = objective(points, choose("k_medoids", pool, 3, n_rounds=0).rows)
    end = objective(points, choose("k_medoids", pool, 3).rows)
    assert best - 1e-4 <= end <= start + 1e-4
    assert end < 1.05 * best


def test_each_round_of_the_alternation_lowers_the_objective_until_none_can():
    points = unit_rows(200, d=4)
    scale, reference, free = unit_scale(points), np.arange(200), np.full(200, np.inf, np.float32)
    medoids, sums = np.arange(8), []
    for _ in range(30):
        sums.append(objective(points, medoids))
        medoids = alternate(points, reference, medoids, free, scale=scale)
    assert (np.diff(sums) <= 1e-4).all()
    assert sums[-1] < 0.95 * sums[0]
    clusters = nearest_medoid(points, reference, medoids, free, scale=scale)
    for cluster, medoid in enumerate(medoids.tolist()):
        members = np.flatnonzero(clusters == cluster)
        inside = distance_sums(points, members, members, scale=scale)
        np.testing.assert_allclose(
            inside, distances_of(points)[np.ix_(members, members)].sum(axis=1), rtol=1e-2, atol=1e-2
        )
        assert members[inside.argmin()] == medoid


def test_k_medoids_leaves_clusters_of_labeled_items_alone():
    rng = np.random.default_rng(0)
    blobs = np.concatenate([c + 0.05 * rng.normal(size=(20, 4)) for c in np.eye(4)[:3]]).astype(np.float32)
    pool = PoolView(embeddings=blobs, labeled=np.arange(60) == 5)
    assert sorted((choose("k_medoids", pool, 2).rows // 20).tolist()) == [1, 2]


def test_agglomeration_finds_the_bunches_and_their_cover_is_good_enough_and_not_too_large():
    rng = np.random.default_rng(0)
    blobs = np.concatenate(
        [c + 0.1 * rng.normal(size=(n, 5)) for c, n in zip(np.eye(5)[:3], (40, 20, 10), strict=True)]
    )
    points = (blobs / np.linalg.norm(blobs, axis=1, keepdims=True)).astype(np.float32)
    clusters = agglomerate(points, 3)
    assert sorted(np.bincount(clusters).tolist()) == [10, 20, 40]
    assert all(len(set(clusters[part].tolist())) == 1 for part in (slice(0, 40), slice(40, 60), slice(60, 70)))
    cosines = points[:40].astype(float) @ points[:40].T.astype(float)
    for share in (0.9, 0.99, 1.0):
        rows = cover_cluster(points[:40], share, rng=rng)
        assert cosines[rows].max(axis=0).mean() >= share - 1e-5
        assert cosines[rows[:-1]].max(axis=0, initial=0).mean() < share
    assert agglomerate(points[:1], 3).tolist() == [0]


def test_representative_annotation_takes_candidates_of_all_clusters_and_goes_on_without():
    rng = np.random.default_rng(0)
    blobs = np.concatenate(
        [c + 0.1 * rng.normal(size=(n, 5)) for c, n in zip(np.eye(5)[:3], (40, 20, 10), strict=True)]
    )
    pool = PoolView(embeddings=blobs.astype(np.float32), labeled=np.zeros(70, bool))
    result = choose("representative_annotation", pool, 3)
    assert sorted(np.searchsorted([40, 60], result.rows, side="right").tolist()) == [0, 1, 2]
    assert "one of 3 that cover the clusters" in result.reasons[0]
    more = choose("representative_annotation", pool, 6)
    assert more.rows[:3].tolist() == result.rows.tolist()
    assert more.reasons[3].endswith("candidates were used up")


def test_typiclust_takes_what_scikit_activeml_takes_from_the_same_clusters(monkeypatch):
    """Labels of clusters are given to both; theirs has k = 5 at every size, so k is the same where ours is 5."""
    from skactiveml import pool as sk

    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(6), [30, 25, 20, 16, 14, 12])
    pool = make_pool(n=117, d=5, n_labeled=0, embeddings=unit_rows(117))
    labeled = np.arange(117) == 3  # in the largest cluster
    pool = dataclasses.replace(pool, labeled=labeled, labels=np.where(labeled, 0, -1))

    class Given:
        def __init__(self, n_clusters):
            self.n_clusters = n_clusters

        def fit_predict(self, points):
            return clusters

    monkeypatch.setattr(typiclust, "MAX_NEIGHBOURS", 5)
    monkeypatch.setattr(typiclust, "fit_kmeans", lambda *arrays, **settings: np.zeros((6, 5), np.float32))
    monkeypatch.setattr(typiclust, "assign", lambda *arrays: clusters)
    y = np.where(labeled, 0.0, np.nan)
    expected = sk.TypiClust(cluster_algo=Given, k=5, random_state=0).query(pool.embeddings, y, batch_size=5)
    assert select("typiclust", pool, 5, rng=rng).rows.tolist() == expected.tolist()
