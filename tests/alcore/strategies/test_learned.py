"""Learned discriminators: gradients by differences, scikit-activeml as reference, pools whose answer is known."""

import dataclasses

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.strategies import select
from alcore.strategies.core_gcn import graph_features, neighbour_graph
from alcore.strategies.discriminative import mini_queries, unlabeled_logits
from alcore.strategies.networks import Adam, Discriminator, Standardizer, sigmoid
from alcore.strategies.quota import Quota
from alcore.strategies.vaal import LinearVae, adversarial_logits, loss_ranks
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool


def two_blobs(n_each=60, *, n_labeled=20, d=6, seed=0):
    """Labels lie in the first blob only; the second one is new."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(np.eye(d)[:2], n_each, axis=0)
    points = (centres + 0.1 * rng.normal(size=centres.shape)).astype(np.float32)
    labeled = np.zeros(2 * n_each, bool)
    labeled[:n_labeled] = True
    return PoolView(embeddings=points, labeled=labeled)


@pytest.mark.parametrize(("name", "settings"), [("discriminative_al", {"n_queries": 1}), ("vaal", {})])
def test_the_first_picks_come_from_the_blob_that_has_no_label(name, settings):
    pool = two_blobs()
    for seed in range(3):
        rows = select(name, pool, 10, rng=np.random.default_rng(seed), **settings).rows
        assert (rows >= 60).all(), rows


def test_core_gcn_spreads_over_both_blobs_and_begins_with_the_new_one():
    pool = two_blobs()
    rows = select("core_gcn", pool, 8, rng=np.random.default_rng(0)).rows
    assert rows[0] >= 60


def test_task_aware_vaal_differs_from_vaal_only_by_the_ranks():
    pool = make_pool(n=80, n_labeled=30)
    pool = dataclasses.replace(pool, losses=np.where(pool.labeled, np.abs(pool.embeddings[:, 0] + 2.0), -1.0))
    with_ranks = select("ta_vaal", pool, 10, rng=np.random.default_rng(0)).rows.tolist()
    assert with_ranks != select("vaal", pool, 10, rng=np.random.default_rng(0)).rows.tolist()
    rng = np.random.default_rng(1)
    scores = adversarial_logits(pool.embeddings, pool.labeled, ranks=np.where(pool.labeled, 0.0, 1.0), rng=rng)
    assert scores[~pool.labeled].min() > scores[pool.labeled].max()  # a rank that gives the answer away is used


def test_loss_ranks_follow_a_loss_that_is_linear_in_the_embedding():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(200, 5)).astype(np.float32)
    direction = rng.normal(size=5)
    rows = np.arange(60)
    ranks = loss_ranks(points, rows, (points[rows] @ direction).astype(np.float64), rng=rng)
    assert np.corrcoef(ranks[60:], points[60:] @ direction)[0, 1] > 0.9
    assert (loss_ranks(points, rows, np.ones(60), rng=rng) == 0.5).all()
    assert (loss_ranks(points, rows[:1], np.ones(1), rng=rng) == 0.5).all()


def test_the_losses_of_unlabeled_items_are_never_looked_at():
    pool = make_pool(n=60, n_labeled=20)
    spoiled = dataclasses.replace(pool, losses=np.where(pool.labeled, pool.losses, 1e6))
    first, second = (select("ta_vaal", p, 9, rng=np.random.default_rng(0)).rows.tolist() for p in (pool, spoiled))
    assert first == second


def test_mini_queries_follow_scikit_activeml_with_the_same_classifier():
    from skactiveml import pool as sk
    from skactiveml.classifier import SklearnClassifier
    from sklearn.linear_model import LogisticRegression

    for seed in range(3):
        pool = make_pool(n=70, n_labeled=8, seed=seed)

        def logits_of(labeled, pool=pool):
            return LogisticRegression().fit(pool.embeddings, ~labeled).predict_proba(pool.embeddings)[:, 1]

        y = np.where(pool.labeled, 0.0, np.nan)
        expected = sk.DiscriminativeAL(random_state=0).query(
            pool.embeddings, y, SklearnClassifier(LogisticRegression()), batch_size=9
        )
        rng = np.random.default_rng(0)
        rows, _ = mini_queries(logits_of, pool.labeled, Quota(pool), batch_size=9, n_queries=9, rng=rng)
        assert rows.tolist() == expected.tolist()
        expected = sk.DiscriminativeAL(greedy_selection=True, random_state=0).query(
            pool.embeddings, y, SklearnClassifier(LogisticRegression()), batch_size=9
        )
        rows, _ = mini_queries(logits_of, pool.labeled, Quota(pool), batch_size=9, n_queries=1, rng=rng)
        assert rows.tolist() == expected.tolist()


def test_earlier_mini_queries_count_as_labeled():
    pool = make_pool(n=30, n_labeled=4)
    seen = []

    def logits_of(labeled):
        seen.append(int(labeled.sum()))
        return np.arange(30.0)

    rows, scores = mini_queries(
        logits_of, pool.labeled, Quota(pool), batch_size=7, n_queries=3, rng=np.random.default_rng(0)
    )
    assert seen == [4, 7, 9]
    assert rows.tolist() == sorted(np.flatnonzero(~pool.labeled).tolist(), reverse=True)[:7]
    assert scores.tolist() == [float(row) for row in rows]
    assert int(pool.labeled.sum()) == 4


def numeric(function, array, eps=1e-3):
    gradient = np.zeros(array.shape)
    for i in np.ndindex(array.shape):
        kept = array[i]
        array[i] = kept + eps
        above = function()
        array[i] = kept - eps
        gradient[i] = (above - function()) / (2 * eps)
        array[i] = kept
    return gradient


def test_the_discriminators_gradients_agree_with_differences():
    rng = np.random.default_rng(0)
    network = Discriminator(4, 5, rng)
    network.parameters[:] = [p.astype(np.float64) + 0.1 * rng.normal(size=p.shape) for p in network.parameters]
    x, targets = rng.normal(size=(7, 4)).astype(np.float32), np.asarray([1, 0, 1, 1, 0, 0, 1], np.float32)
    hidden_weights, hidden_bias, weights, bias = network.parameters

    def loss():
        logits = (np.maximum(x @ hidden_weights + hidden_bias, 0) @ weights + bias)[:, 0]
        return -np.mean(targets * np.log(sigmoid(logits)) + (1 - targets) * np.log(1 - sigmoid(logits)))

    network.parameters[:] = [p.astype(np.float32) for p in network.parameters]
    gradients, d_x = network.backward(x, targets)
    for parameter, gradient in zip((hidden_weights, hidden_bias, weights, bias), gradients, strict=True):
        np.testing.assert_allclose(gradient, numeric(loss, parameter), atol=1e-3)
    wide = x.astype(np.float64)
    x = wide
    np.testing.assert_allclose(d_x, numeric(loss, wide), atol=1e-3)


def test_the_autoencoders_gradients_agree_with_differences():
    rng = np.random.default_rng(1)
    vae = LinearVae(4, 2, 1, rng)
    wide = [p.astype(np.float64) + 0.2 * rng.normal(size=p.shape) for p in vae.parameters]
    vae.parameters[:] = [p.astype(np.float32) for p in wide]
    x, condition = rng.normal(size=(6, 4)).astype(np.float32), rng.random(size=(6, 1)).astype(np.float32)
    noise, pull = rng.normal(size=(6, 2)).astype(np.float32), rng.normal(size=(6, 2)).astype(np.float32)

    def loss():
        mean, log_variance = x @ wide[0] + wide[1], x @ wide[2] + wide[3]
        code = np.concatenate([mean + np.exp(log_variance / 2) * noise, condition], axis=1)
        error = ((code @ wide[4] + wide[5] - x) ** 2).sum(axis=1)
        kl = (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1) / 2
        return np.mean(error + kl) + (pull * mean).sum()

    for parameter, gradient in zip(wide, vae.backward(x, condition, noise, pull), strict=True):
        np.testing.assert_allclose(gradient, numeric(loss, parameter), atol=2e-3)


def test_adam_takes_its_first_step_by_the_rate_and_finds_the_bottom_of_a_bowl():
    x = np.asarray([3.0, -2.0], np.float32)
    optimizer = Adam([x], 0.1)
    optimizer.step([2 * x])
    np.testing.assert_allclose(x, [2.9, -1.9], atol=1e-5)
    for _ in range(300):
        optimizer.step([2 * x])
    np.testing.assert_allclose(x, 0, atol=0.02)


def test_standardizing_gives_mean_zero_and_one_scale_and_bears_identical_rows():
    rows = np.random.default_rng(0).normal(3, 5, size=(50, 4)).astype(np.float32)
    scaled = Standardizer(rows)(rows)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    assert np.isclose((scaled**2).mean(), 1, atol=1e-4)
    assert (Standardizer(rows[:1])(rows[:1]) == 0).all()


def test_without_two_classes_nobody_looks_unlabeled():
    points = np.eye(4, dtype=np.float32)
    for flags in (np.zeros(4, bool), np.ones(4, bool)):
        assert (unlabeled_logits(points, flags, rng=np.random.default_rng(0)) == 0).all()
        assert (adversarial_logits(points, flags, rng=np.random.default_rng(0)) == 0).all()


def test_the_neighbour_graph_of_a_path_is_the_renormalised_adjacency():
    angles = np.asarray([0.0, 0.1, 0.25, 0.45])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    ties = np.asarray([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]], float)
    degree = ties.sum(axis=1)
    graph = neighbour_graph(points, 1)
    np.testing.assert_allclose(graph.toarray(), ties / np.sqrt(degree[:, None] * degree), rtol=1e-6)
    assert neighbour_graph(points, 50).toarray().min() > 0  # more neighbours than nodes: all are tied


def test_graph_features_tell_labeled_from_unlabeled_neighbourhoods():
    pool = two_blobs(n_labeled=40)
    graph = neighbour_graph(pool.embeddings, 5)
    features = graph_features(
        pool.embeddings, graph, pool.labeled, n_hidden=16, n_epochs=100, rng=np.random.default_rng(0)
    )
    gap = np.linalg.norm(features[:60].mean(axis=0) - features[60:].mean(axis=0))
    assert gap > 3 * features[:60].std(axis=0).max()


def test_core_gcn_fills_up_from_outside_its_graph():
    pool = dataclasses.replace(make_pool(n=60, n_labeled=2), groups=np.repeat(np.asarray([0, 1]), 30))
    result = select("core_gcn", pool, 2, n_nodes=1, max_per_group=1, rng=np.random.default_rng(0))
    assert len(result.rows) == 2
    assert len(set(pool.groups[result.rows].tolist())) == 2


def test_float16_embeddings_give_nearly_the_same_batches():
    pool = make_pool(n=300, d=16, n_labeled=30)
    half = dataclasses.replace(pool, embeddings=pool.embeddings.astype(np.float16))
    for name in ("discriminative_al", "vaal", "core_gcn"):
        rows, again = (set(select(name, p, 20, rng=np.random.default_rng(0)).rows.tolist()) for p in (pool, half))
        assert len(rows & again) >= 14, name


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("discriminative_al", {"n_queries": 0}),
        ("vaal", {"n_latent": 0}),
        ("ta_vaal", {"n_steps": 0}),
        ("core_gcn", {"n_neighbors": 0}),
        ("core_gcn", {"n_epochs": 0}),
    ],
)
def test_settings_out_of_range_are_named(name, setting):
    with pytest.raises(InvalidInput, match=next(iter(setting))):
        select(name, make_pool(), 3, rng=np.random.default_rng(0), **setting)
