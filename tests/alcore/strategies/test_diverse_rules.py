"""DPP, covers, two stages and the filter of near-twins: against plain greedy loops, and by hand."""

import dataclasses

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.strategies import select
from alcore.strategies.blocks import unit_scale
from alcore.strategies.coverage import Coverage, similarity
from alcore.strategies.greedy import lazy_greedy, sweep
from alcore.strategies.quota import Quota
from alcore.strategies.submodular import rarest_class, with_bonus
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool
from tests.alcore.strategies.test_clustering import blobs


def cosines(a, b):
    a, b = a.astype(float), b.astype(float)
    return (a / np.linalg.norm(a, axis=1, keepdims=True)) @ (b / np.linalg.norm(b, axis=1, keepdims=True)).T


def greedy(value, candidates, batch_size):
    """Try every candidate every time."""
    chosen = []
    for _ in range(batch_size):
        left = [row for row in candidates if row not in chosen]
        chosen.append(int(max(left, key=lambda row: value([*chosen, row]))))
    return chosen


def scored(points, scores, **fields):
    n = len(points)
    embeddings = np.asarray(points, dtype=np.float32)
    fields = {"labeled": np.zeros(n, bool), **fields}
    return PoolView(embeddings=embeddings, uncertainty={"entropy": np.asarray(scores, dtype=float)}, **fields)


def choose(name, pool, batch_size, seed=0, **options):
    return select(name, pool, batch_size, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("similarity", [0.0, 0.5, 0.99])
def test_dpp_takes_what_the_determinant_grows_most_by(similarity):
    pool = make_pool(n=45, d=4)
    quality = np.random.default_rng(3).uniform(0.1, 2, size=45)
    pool = dataclasses.replace(pool, uncertainty={"entropy": quality}, embeddings=pool.embeddings * 3)
    kernel = similarity * cosines(pool.embeddings, pool.embeddings) + (1 - similarity) * np.eye(45)
    kernel *= quality[:, None] * quality

    def log_determinant(rows):
        return np.linalg.slogdet(kernel[np.ix_(rows, rows)])[1]

    expected = greedy(log_determinant, np.flatnonzero(~pool.labeled), 12)  # more picks than dimensions
    assert choose("dpp", pool, 12, similarity=similarity).rows.tolist() == expected


def test_dpp_prefers_the_worse_item_to_a_twin_by_hand():
    pool = scored([[1, 0], [1, 0], [0, 1]], [1.0, 1.0, 0.5])
    result = choose("dpp", pool, 3)
    assert sorted(result.rows[[0, 2]].tolist()) == [0, 1]
    assert result.rows[1] == 2
    assert result.reasons[1] == "entropy 0.50, 100% of its variance new to the batch"
    assert result.reasons[2] == "entropy 1.00, 2% of its variance new to the batch"
    assert choose("dpp", pool, 3, similarity=0.0).rows[2] == 2


def test_dpp_takes_items_of_score_zero_last_and_zero_vectors_at_all():
    assert choose("dpp", scored([[1, 0], [0, 1], [1, 1]], [0.0, 1.0, 0.9]), 3).rows[2] == 0
    assert sorted(choose("dpp", scored(np.zeros((3, 2)), np.zeros(3)), 3).rows.tolist()) == [0, 1, 2]


def test_lazy_greedy_with_caps_and_a_bonus_takes_what_plain_greedy_takes():
    rng = np.random.default_rng(0)
    embeddings, reference = rng.normal(size=(100, 3)), np.arange(60, 100)
    caps, bonus = rng.uniform(0.2, 1, size=40).astype(np.float32), rng.random(100) / 40
    similarities = np.minimum(np.maximum(cosines(embeddings, embeddings[reference]), 0), caps)

    def value(rows):
        return similarities[rows].max(axis=0).mean() + bonus[rows].sum()

    quota = Quota(PoolView(embeddings=embeddings, labeled=np.arange(100) >= 57))
    coverage = Coverage(embeddings, reference, similarity(caps), scale=unit_scale(embeddings))
    gains = with_bonus(coverage.gains, bonus)
    rows, gained = lazy_greedy(sweep(gains, quota.open), gains, coverage.add, quota, batch_size=20, rng=rng)
    assert rows.tolist() == greedy(value, np.arange(57), 20)
    assert gained.sum() == pytest.approx(value(rows.tolist()), rel=1e-5)


def test_equal_gains_are_broken_by_chance():
    pool = PoolView(embeddings=np.ones((30, 2)), labeled=np.zeros(30, bool), labels=np.full(30, -1))
    firsts = {int(choose("submodular_mutual_information", pool, 1, seed=seed).rows[0]) for seed in range(20)}
    assert len(firsts) > 8


def rare_pool(seed=0):
    """Forty items of three classes, of which class 2 is known by two items only."""
    pool = make_pool(n=40, d=5, seed=seed, n_labeled=12)
    labels = np.where(pool.labeled, 0, -1)
    known = np.flatnonzero(pool.labeled)
    labels[known[:2]], labels[known[2:6]] = 2, 1
    return dataclasses.replace(pool, labels=labels), known[:2]


@pytest.mark.parametrize("eta", [0.0, 0.7, 2.0])
def test_flqmi_is_maximised_as_written_in_the_paper(eta):
    pool, query = rare_pool()
    to_query = np.maximum(cosines(pool.embeddings, pool.embeddings[query]), 0)

    def value(rows):
        return to_query[rows].max(axis=0).sum() + eta * to_query[rows].max(axis=1).sum()

    expected = greedy(value, np.flatnonzero(~pool.labeled), 6)
    result = choose("submodular_mutual_information", pool, 6, eta=eta)
    if eta:  # without the second term two picks cover both items of Q and the rest is tied
        assert result.rows.tolist() == expected
    else:
        assert result.rows[0] == expected[0]
        assert value(result.rows.tolist()) == pytest.approx(value(expected), rel=1e-5)
    assert result.reasons[0].startswith("like the 2 known of class 2: adds")


def test_flvmi_is_maximised_as_written_in_the_paper():
    pool, query = rare_pool()
    pairs = np.maximum(cosines(pool.embeddings, pool.embeddings), 0)
    ceiling = 0.9 * pairs[:, query].max(axis=1)

    def value(rows):
        return np.minimum(pairs[:, rows].max(axis=1), ceiling).sum()

    expected = greedy(value, np.flatnonzero(~pool.labeled), 6)
    n_gaining = sum(value(expected[:nth]) > value(expected[: nth - 1]) + 1e-6 for nth in range(2, 7)) + 1
    assert 2 < n_gaining < 6  # then all that can be covered is
    result = choose("submodular_mutual_information", pool, 6, variant="flvmi", eta=0.9)
    rows = result.rows.tolist()
    for nth in range(1, n_gaining + 1):  # capped gains may tie, so values are compared
        assert value(rows[:nth]) == pytest.approx(value(expected[:nth]), rel=1e-6)
    likeness = pairs[:, query].max(axis=1)
    left = np.setdiff1d(np.flatnonzero(~pool.labeled), rows[:n_gaining])
    assert rows[n_gaining:] == left[np.argsort(-likeness[left])][: 6 - n_gaining].tolist()


def test_a_saturated_flvmi_goes_on_by_similarity_to_the_known():
    points = [[1, 0], [1, 0], [0.9, 0.4], [0.6, 0.8], [0, 1]]
    pool = scored(points, np.zeros(5), labeled=np.arange(5) < 1, labels=np.array([0, -1, -1, -1, -1]))
    result = choose("submodular_mutual_information", pool, 4, variant="flvmi", eta=0.01)
    assert result.rows[1:].tolist() == sorted(result.rows[1:].tolist())
    assert "covered by the others" in result.reasons[-1]


def test_a_rare_class_is_found_by_its_known_items():
    pool, cluster = blobs([60, 60, 8], n_labeled_in=[0, 1, 2])
    labels = np.where(pool.labeled, cluster, -1)
    for other in np.flatnonzero(cluster < 2)[:10]:
        labels[other] = cluster[other]
    pool = dataclasses.replace(pool, labeled=labels >= 0, labels=labels)
    rows = choose("submodular_mutual_information", pool, 7).rows
    assert (cluster[rows] == 2).all()
    assert (cluster[choose("submodular_mutual_information", pool, 7, target_class=0).rows] == 0).all()


def test_the_rarest_class_by_hand():
    labels = np.array([3, 3, 1, 1, 2, -1, 0])
    labeled = np.array([True, True, True, True, True, True, False])
    assert rarest_class(labels, labeled) == 2
    assert rarest_class(labels, labeled & (labels != 2)) == 1  # the lowest of equals
    assert rarest_class(labels, labeled, 3) == 3
    assert rarest_class(labels, np.zeros(7, bool)) is None
    with pytest.raises(InvalidInput, match="target_class 0 has no labeled item; labeled classes: 1, 2, 3"):
        rarest_class(labels, labeled, 0)


def test_two_stages_cover_the_pool_with_the_uncertain_ones():
    pool = make_pool(n=50, d=4)
    scores = np.random.default_rng(5).random(50)
    pool = dataclasses.replace(pool, uncertainty={"entropy": scores})
    unlabeled = np.flatnonzero(~pool.labeled)
    candidates = unlabeled[np.argsort(-scores[unlabeled])][:12]
    similarities = np.maximum(cosines(pool.embeddings, pool.embeddings[unlabeled]), 0)
    expected = greedy(lambda rows: similarities[rows].max(axis=0).sum(), np.sort(candidates), 4)
    assert choose("two_stage", pool, 4, ratio=3).rows.tolist() == expected
    for second in ("max_cover", "k_center", "k_means"):
        assert set(choose("two_stage", pool, 4, ratio=3, second=second).rows.tolist()) <= set(candidates.tolist())
        plain = choose("entropy", pool, 4).rows
        assert set(choose("two_stage", pool, 4, ratio=1, second=second).rows.tolist()) == set(plain.tolist())


def test_the_second_stage_keeps_away_from_labeled_items():
    points = [[0, 1], [0, 1], [1, 0], [0, 1], [1, 0]]
    pool = scored(points, [0, 1, 0.9, 0.8, 0.1], labeled=np.arange(5) < 1)
    result = choose("two_stage", pool, 1, ratio=3, second="k_center")
    assert result.rows.tolist() == [2]
    assert result.reasons[0] == "entropy 0.90; farthest from all chosen: 1.41"


def without_twins_one_by_one(embeddings, order, limit):
    chosen = []
    for row in order:
        if all(cosines(embeddings[[row]], embeddings[[other]])[0, 0] <= limit for other in chosen):
            chosen.append(int(row))
    return chosen


@pytest.mark.parametrize("limit", [-0.2, 0.3, 0.8])
@pytest.mark.parametrize("rows_at_once", [5, 1024])
def test_the_filter_is_that_of_a_plain_loop(monkeypatch, limit, rows_at_once):
    from alcore.strategies import redundancy

    monkeypatch.setattr(redundancy, "_ROWS_AT_ONCE", rows_at_once)
    pool = make_pool(n=60, d=4, n_labeled=0)
    scores = np.random.default_rng(2).random(60)
    pool = dataclasses.replace(pool, uncertainty={"entropy": scores})
    expected = without_twins_one_by_one(pool.embeddings, np.argsort(-scores), limit)
    result = choose("redundancy_filter", pool, len(expected), max_similarity=limit)
    assert result.rows.tolist() == expected


def test_skipped_items_come_back_least_similar_limit_first():
    """Cosines to the first: 0.96 (kept at the first relaxation, 0.975), 1 (never), 0 (kept at once)."""
    points = [[1, 0], [1, 0], [0.96, 0.28], [0, 1]]
    result = choose("redundancy_filter", scored(points, [0.9, 0.8, 0.7, 0.6]), 4, max_similarity=0.95)
    assert result.rows.tolist() == [0, 3, 2, 1]
    assert result.reasons[2] == "entropy 0.70; cosine to the chosen at most 0.96"


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("dpp", {"similarity": 1.0}, r"similarity must lie in 0\.\.1, 1 excluded; got 1\.0"),
        ("two_stage", {"ratio": 0}, "ratio must be >= 1; got 0"),
        ("two_stage", {"second": "kmeans"}, "must be one of max_cover, k_center, k_means; got 'kmeans'"),
        ("two_stage", {"n_reference": 0}, "n_reference must be >= 1; got 0"),
        ("submodular_mutual_information", {"variant": "gcmi"}, "must be one of flqmi, flvmi; got 'gcmi'"),
        ("submodular_mutual_information", {"eta": -1.0}, r"eta must be a finite number >= 0; got -1\.0"),
        ("submodular_mutual_information", {"n_reference": 0}, "n_reference must be >= 1; got 0"),
        ("submodular_mutual_information", {"target_class": 9}, "target_class 9 has no labeled item"),
        ("redundancy_filter", {"max_similarity": 1.5}, r"max_similarity must lie in -1\.\.1; got 1\.5"),
    ],
)
def test_wrong_settings_are_named(name, settings, message):
    with pytest.raises(InvalidInput, match=message):
        choose(name, make_pool(), 3, **settings)
