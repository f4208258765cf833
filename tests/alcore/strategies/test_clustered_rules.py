"""CLUE, DropQuery and ALFA-Mix: their candidates and weights by hand and by brute force, their clusters by sklearn."""

import dataclasses

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.strategies import select
from alcore.strategies.alfa_mix import class_anchors, flipped_by
from alcore.strategies.batch import Batch
from alcore.strategies.centroids import fit_centres, take_nearest_to_centres
from alcore.strategies.clue import clue_weights
from alcore.strategies.dropquery import disagreements, most_disputed
from alcore.types import LinearHead, PoolView
from tests.alcore.strategies.pools import make_pool
from tests.alcore.strategies.test_clustering import blobs


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_centres_are_where_sklearn_stays_with_the_same_weights(dtype):
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(0)
    pool, _ = blobs([40, 30, 20, 10], spread=0.1)
    rows, weights = np.arange(5, 100), rng.exponential(size=95)
    points = pool.embeddings.astype(dtype)
    centres = fit_centres(points, rows, 4, rng=rng, weights=weights)
    settled = KMeans(4, init=centres, n_init=1).fit(points[rows].astype(np.float32), sample_weight=weights)
    np.testing.assert_allclose(settled.cluster_centers_, centres, atol=1e-4)


def test_a_heavy_item_pulls_the_centre_by_hand():
    points = np.array([[0.0, 0], [4, 0], [10, 0], [10, 1]], np.float32)
    for seed in range(10):
        centres = fit_centres(
            points, np.arange(4), 2, rng=np.random.default_rng(seed), weights=np.array([3.0, 1.0, 1.0, 1.0])
        )
        if abs(centres[:, 0].max() - 10) < 1e-5:
            np.testing.assert_allclose(centres[centres[:, 0].argmin()], [1, 0], atol=1e-6)
            return
    raise AssertionError("k-means never found the two clusters")


@pytest.mark.parametrize("weights", [np.full(30, 1e-12), np.eye(30)[3], np.zeros(30)])
def test_tiny_lone_and_absent_weights_are_no_trouble(weights):
    pool = make_pool(n=30, n_labeled=0)
    batch = Batch(pool, 6)
    take_nearest_to_centres(
        pool.embeddings,
        np.arange(30),
        batch,
        rng=np.random.default_rng(0),
        weights=weights,
        reason=lambda row, share: f"{share:.2f}",
    )
    assert len(set(batch.rows.tolist())) == 6


def test_each_centre_gets_its_nearest_row_heaviest_cluster_first():
    pool = make_pool(n=200, n_labeled=0, d=5)
    weights = np.random.default_rng(1).random(200)
    shares, batch = [], Batch(pool, 9)
    take_nearest_to_centres(
        pool.embeddings,
        np.arange(200),
        batch,
        rng=np.random.default_rng(2),
        weights=weights,
        reason=lambda row, share: shares.append(share) or "-",
    )
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    centres = fit_centres(pool.embeddings, np.arange(200), 9, rng=np.random.default_rng(2), weights=weights)
    nearest = np.linalg.norm(pool.embeddings[:, None] - centres[None], axis=2).argmin(axis=0)
    assert len(set(nearest.tolist())) == 9
    assert set(batch.rows.tolist()) == set(nearest.tolist())


def test_clue_takes_what_scikit_activeml_takes_from_the_same_start():
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import Clue
    from sklearn.linear_model import LogisticRegression

    pool, _ = blobs([40, 30, 30, 20], spread=0.2)
    pool = dataclasses.replace(pool, embeddings=pool.embeddings.astype(np.float64))
    labels = np.full(120, -1)
    labeled = np.zeros(120, bool)
    labeled[:8] = True
    labels[:8] = np.arange(8) % 2
    classifier = SklearnClassifier(LogisticRegression(), classes=[0, 1])
    y = np.where(labeled, labels.astype(float), np.nan)
    probabilities = classifier.fit(pool.embeddings, y).predict_proba(pool.embeddings)
    scored = dataclasses.replace(pool, labeled=labeled, labels=labels, probabilities=probabilities)
    ours = select("clue", scored, 4, rng=np.random.default_rng(0))
    rows = np.flatnonzero(~labeled)
    entropy = -(probabilities * np.log(probabilities)).sum(axis=1)
    entropy /= entropy.max()
    centres = fit_centres(pool.embeddings, rows, 4, rng=np.random.default_rng(0), weights=entropy[rows])
    oracle = Clue(cluster_algo_dict={"init": centres, "n_init": 1}, random_state=0)
    theirs = oracle.query(pool.embeddings, y, classifier, fit_estimator=False, batch_size=4)
    assert set(ours.rows.tolist()) == set(theirs.tolist())


def test_clue_weights_by_hand():
    np.testing.assert_allclose(clue_weights(np.array([0.0, 0.5, 1.0]), 1.0), [0, 0.5, 1])
    np.testing.assert_allclose(clue_weights(np.array([0.0, 0.5, 1.0]), 0.5), [0, 0.25, 1])
    assert clue_weights(np.zeros(3), 1.0).tolist() == [0, 0, 0]


def test_clue_does_not_mind_what_labeled_items_score():
    pool, _ = blobs([10, 10], n_labeled_in=[0])
    scores = np.where(pool.labeled, -7.0, 0.5)
    result = select("clue", dataclasses.replace(pool, uncertainty={"entropy": scores}), 3, rng=np.random.default_rng(0))
    assert result.scores.tolist() == [0.5, 0.5, 0.5]


def test_clue_leaves_certain_regions_alone():
    pool, cluster = blobs([40, 40, 40], spread=0.02)
    uncertain = dataclasses.replace(pool, uncertainty={"entropy": np.where(cluster == 1, 1.0, 0.0)})
    rows = select("clue", uncertain, 3, rng=np.random.default_rng(0)).rows
    assert (cluster[rows] == 1).sum() >= 1
    assert cluster[rows[0]] == 1


def test_votes_are_counted_as_in_a_plain_loop():
    pool = make_pool(n=20, d=6, n_classes=4)
    rows = np.array([3, 17, 5, 9])
    votes = disagreements(pool.embeddings, rows, pool.head, dropout_rate=0.6, n_passes=5, rng=np.random.default_rng(8))
    rng, expected = np.random.default_rng(8), np.zeros(4, int)
    kept = [rng.random((4, 6), dtype=np.float32) >= 0.6 for _ in range(5)]
    for i, row in enumerate(rows):
        full = np.argmax(pool.head.weights @ pool.embeddings[row] + pool.head.bias)
        for mask in kept:
            dropped = pool.embeddings[row] * mask[i] / 0.4
            expected[i] += np.argmax(pool.head.weights @ dropped + pool.head.bias) != full
    assert votes.tolist() == expected.tolist()
    assert 0 < votes.sum() < 20


def test_half_of_the_features_flip_a_two_feature_item_as_often_as_worked_out():
    """Logits x1 against x2 + 0: dropping x1 alone flips; equal logits of a fully dropped item keep the first class."""
    head = LinearHead(weights=np.eye(2), bias=np.zeros(2))
    votes = disagreements(
        np.array([[1.0, 0.5]]), np.array([0]), head, dropout_rate=0.5, n_passes=4000, rng=np.random.default_rng(0)
    )
    assert abs(votes[0] / 4000 - 0.25) < 0.03


def test_the_demand_is_lowered_until_there_are_enough_candidates():
    votes = np.array([3, 2, 2, 1, 0])
    assert most_disputed(votes, 3, at_least=1).tolist() == [True, True, True, False, False]
    assert most_disputed(votes, 3, at_least=4).tolist() == [True, True, True, True, False]
    assert most_disputed(votes, 3, at_least=9).all()
    assert most_disputed(np.array([2, 3]), 4, at_least=1).tolist() == [False, True]


def test_dropquery_asks_beside_the_boundary():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(100, 8)) * 0.05, np.full((100, 8), 5.0)]).astype(np.float32)
    pool = PoolView(
        embeddings=points,
        labeled=np.zeros(200, bool),
        head=LinearHead(weights=np.stack([np.ones(8), -np.ones(8)]), bias=np.zeros(2)),
    )
    result = select("dropquery", pool, 5, rng=rng, candidates_per_pick=0, n_passes=5)
    assert (result.rows < 100).all()
    assert "dropout passes disagree; middle of" in result.reasons[0]


def test_anchors_are_the_means_of_the_labeled_items_of_each_class():
    embeddings = np.array([[1.0, 0], [3, 0], [0, 5], [9, 9], [7, 7]], np.float32)
    anchors = class_anchors(embeddings, np.array([2, 2, 0, -1, -1]), np.array([True, True, True, False, True]))
    assert {label: anchor.tolist() for label, anchor in anchors.items()} == {0: [0, 5], 2: [2, 0]}


def flipped_one_by_one(block, head, anchor, step):
    flips = []
    for z in block.astype(float):
        logits = head.weights @ z + head.bias
        p = np.exp(logits - logits.max())
        p /= p.sum()
        gradient = head.weights.T @ (p - np.eye(len(p))[logits.argmax()])
        gap = anchor.astype(float) - z
        alpha = np.clip(step * np.linalg.norm(gap) / np.linalg.norm(gradient) * gradient / gap, 0, 1)
        mixed = alpha * anchor + (1 - alpha) * z
        flips.append((head.weights @ mixed + head.bias).argmax() != logits.argmax())
    return flips


@pytest.mark.parametrize("step", [0.05, 0.3, 1.0])
def test_flips_are_those_of_the_closed_form_written_out(step):
    pool = make_pool(n=80, d=7, n_classes=4)
    anchor = pool.embeddings[:10].mean(axis=0)
    flips = flipped_by(pool.embeddings, pool.head, anchor, step=step)
    assert flips.tolist() == flipped_one_by_one(pool.embeddings, pool.head, anchor, step)
    assert 0 < flips.sum() < 80


def test_a_feature_never_moves_beyond_its_anchor():
    head = LinearHead(weights=np.array([[1.0], [-1.0]]), bias=np.zeros(2))
    block = np.array([[0.2], [0.6]], np.float32)
    near, far = np.array([0.1], np.float32), np.array([-0.1], np.float32)
    assert flipped_by(block, head, near, step=100.0).tolist() == [False, False]
    assert flipped_by(block, head, far, step=100.0).tolist() == [True, True]
    assert flipped_by(block, head, far, step=0.7).tolist() == [True, False]  # moves of 0.21 and 0.49


def test_alfa_mix_takes_items_that_flip_before_others():
    rng = np.random.default_rng(0)
    x = np.concatenate([[-9.0, 9.0], rng.uniform(-0.5, 0.5, 40), rng.uniform(6, 9, 40)])
    pool = PoolView(
        embeddings=np.stack([x, rng.normal(size=82)], axis=1).astype(np.float32),
        labeled=np.arange(82) < 2,
        labels=np.where(np.arange(82) < 2, np.arange(82), -1),
        head=LinearHead(weights=np.array([[-1.0, 0], [1.0, 0]]), bias=np.zeros(2)),
    )
    result = select("alfa_mix", pool, 6, rng=rng)
    assert set(result.rows.tolist()) <= set(range(2, 42))
    assert "flips class when features of class" in result.reasons[0]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("clue", {"temperature": 0.0}, "temperature must be a finite number above 0; got 0.0"),
        ("dropquery", {"dropout_rate": 1.0}, r"dropout_rate must lie between 0 and 1; got 1\.0"),
        ("dropquery", {"n_passes": 0}, "n_passes must be >= 1; got 0"),
        ("dropquery", {"candidates_per_pick": -1}, "candidates_per_pick must be >= 0; got -1"),
        ("alfa_mix", {"epsilon": 0.0}, "epsilon must be a finite number above 0; got 0.0"),
    ],
)
def test_wrong_settings_are_named(name, settings, message):
    with pytest.raises(InvalidInput, match=message):
        select(name, make_pool(), 3, rng=np.random.default_rng(0), **settings)
