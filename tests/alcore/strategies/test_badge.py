"""BADGE: factors against dense gradients, scikit-activeml's chances, the distribution, and memory."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from alcore.strategies import badge as badge_module
from alcore.strategies import blocks as blocks_module
from alcore.strategies import select
from alcore.strategies.badge import GradientEmbeddings, d_squared_sampling
from alcore.strategies.batch import Batch
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool


def dense_gradients(embeddings, probabilities):
    residuals = probabilities.astype(float) - np.eye(probabilities.shape[1])[probabilities.argmax(1)]
    return (residuals[:, :, None] * embeddings[:, None, :].astype(float)).reshape(len(embeddings), -1)


def squared_distances(vectors, row):
    return ((vectors - vectors[row]) ** 2).sum(axis=1)


def distances_by_factors(gradients, row):
    nearest = np.full(len(gradients.squared_norms), np.inf)
    gradients.approach(nearest, row)
    return nearest


@pytest.mark.parametrize("block_rows", [7, 8192])
def test_factors_give_the_norms_and_distances_of_the_dense_gradients(monkeypatch, block_rows):
    monkeypatch.setattr(blocks_module, "BLOCK_ROWS", block_rows)
    pool = make_pool(n=50, d=12, n_classes=5)
    dense = dense_gradients(pool.embeddings, pool.probabilities)
    gradients = GradientEmbeddings(pool.embeddings, pool.probabilities)
    np.testing.assert_allclose(gradients.squared_norms, (dense**2).sum(axis=1), rtol=1e-5)
    for row in (0, 13, 49):
        np.testing.assert_allclose(distances_by_factors(gradients, row), squared_distances(dense, row), atol=2e-6)


@pytest.mark.parametrize(("sharpness", "most_read"), [(0.5, 1.0), (8.0, 0.6)])
def test_embeddings_that_are_not_read_again_would_not_have_mattered(monkeypatch, sharpness, most_read):
    pool = make_pool(n=300, d=12, n_labeled=0)
    logits = sharpness * pool.embeddings @ pool.head.weights.T
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gradients = GradientEmbeddings(pool.embeddings, probabilities)
    dense = dense_gradients(pool.embeddings, probabilities)
    n_read = []

    def counted(embeddings, rows=None):
        n_read.append(300 if rows is None else len(rows))
        return blocks_module.blocks(embeddings, rows)

    monkeypatch.setattr(badge_module, "blocks", counted)
    nearest, expected = np.full(300, np.inf), np.full(300, np.inf)
    for row in np.random.default_rng(0).choice(300, 40, replace=False):
        gradients.approach(nearest, int(row))
        np.minimum(expected, squared_distances(dense, row), out=expected)
        np.testing.assert_allclose(nearest, expected, atol=2e-6)
    assert sum(n_read) <= most_read * 300 * 40


def test_a_confident_item_keeps_its_short_gradient():
    probabilities = np.array([[1 - 1e-6, 1e-6], [0.5, 0.5]], np.float64)
    gradients = GradientEmbeddings(np.ones((2, 1), np.float32), probabilities)
    np.testing.assert_allclose(gradients.squared_norms, [2e-12, 0.5], rtol=0.1)


def test_scikit_activeml_gives_the_same_chances_but_for_its_origin():
    """From its second pick on it weighs by min(D², squared length), as if the origin had been chosen too."""
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import Badge
    from sklearn.linear_model import LogisticRegression

    pool = make_pool(n=80, d=6, n_labeled=12)
    y = np.where(pool.labeled, pool.labels.astype(float), np.nan)
    classifier = SklearnClassifier(LogisticRegression(), classes=[0, 1, 2]).fit(pool.embeddings, y)
    probabilities = classifier.predict_proba(pool.embeddings)
    picks, chances = Badge(random_state=0).query(
        pool.embeddings, y, classifier, fit_clf=False, batch_size=8, return_utilities=True
    )
    scored = dataclasses.replace(pool, probabilities=probabilities, committee=None)
    assert select("badge", scored, 1, rng=np.random.default_rng(0)).rows[0] == picks[0]
    gradients = GradientEmbeddings(pool.embeddings, probabilities)
    nearest = gradients.squared_norms
    for nth in range(1, 8):
        nearest = np.minimum(nearest, distances_by_factors(gradients, int(picks[nth - 1])))
        weights = np.where(pool.labeled, 0, nearest)
        is_left = ~np.isnan(chances[nth])
        np.testing.assert_allclose(chances[nth][is_left], (weights / weights.sum())[is_left], atol=1e-5)


def test_the_second_pick_is_drawn_in_proportion_to_the_squared_distance():
    points = np.array([[3.0, 0], [2, 0], [0, 1], [3, 1], [3, 0]])
    counts, n_draws = np.zeros(5), 20_000
    rng = np.random.default_rng(0)
    pool = PoolView(embeddings=points[:, :1], labeled=np.zeros(5, bool))
    for _ in range(n_draws):
        batch = Batch(pool, 2)
        d_squared_sampling(
            np.array([10.0, 4, 1, 9, 9]),
            lambda nearest, row: np.minimum(nearest, squared_distances(points, row), out=nearest),
            batch,
            rng=rng,
            reason=lambda *_: "-",
        )
        assert batch.rows[0] == 0
        counts[batch.rows[1]] += 1
    expected = np.array([0, 1, 10, 1, 0]) / 12
    assert np.abs(counts / n_draws - expected).max() < 4.5 * np.sqrt(0.25 / n_draws)
    assert counts[0] == counts[4] == 0


def test_twins_are_drawn_only_when_nothing_else_is_left():
    for seed in range(5):
        pool = make_pool(n=40, d=96, seed=seed, n_labeled=0)
        doubled = PoolView(
            embeddings=np.repeat(pool.embeddings, 2, axis=0).astype(np.float16),
            labeled=np.zeros(80, bool),
            probabilities=np.repeat(pool.probabilities, 2, axis=0),
        )
        rows = select("badge", doubled, 80, rng=np.random.default_rng(seed)).rows
        assert len({row // 2 for row in rows[:40].tolist()}) == 40


def test_certain_items_are_drawn_with_equal_chances():
    pool = make_pool(n=12, n_labeled=0)
    certain = dataclasses.replace(pool, probabilities=np.eye(3, dtype=np.float32)[np.arange(12) % 3], committee=None)
    firsts = {tuple(select("badge", certain, 2, rng=np.random.default_rng(seed)).rows) for seed in range(30)}
    assert len(firsts) > 15


def test_gradients_are_never_written_down(tmp_path):
    n, d, c = 20_000, 64, 20
    rng = np.random.default_rng(0)
    file = np.memmap(tmp_path / "embeddings.f16", dtype=np.float16, mode="w+", shape=(n, d))
    file[:] = rng.normal(size=(n, d))
    probabilities = rng.dirichlet(np.ones(c), size=n).astype(np.float32)
    pool = PoolView(embeddings=file, labeled=np.zeros(n, bool), probabilities=probabilities)
    tracemalloc.start()
    select("badge", pool, 5, rng=rng)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * d * 8  # the dense gradients in float32 would be n·d·c·4 bytes: ten times this
