"""What heads think, laid out for strategies; expected seconds."""

import numpy as np

from alcore.costs import MIN_SECONDS, N_NEIGHBOURS, expected_seconds
from alcore.opinions import Opinion, joined
from alcore.types import PoolView


def make_opinion(rng, u):
    odds = rng.dirichlet(np.ones(3), size=(2, u))
    return Opinion(
        probabilities=odds.mean(axis=0),
        committee=odds,
        previous_probabilities=odds[0],
        uncertainty={"entropy": rng.random(u)},
        class_scores=rng.random((u, 3)),
        foreground=rng.random(u),
    )


def test_an_opinion_about_some_rows_becomes_the_pool_of_all():
    rng, rows = np.random.default_rng(0), np.array([4, 0, 2])
    opinion = make_opinion(rng, 3)
    labeled = np.array([False, True, False, True, False])
    pool = PoolView(embeddings=np.eye(5), labeled=labeled, **opinion.over(5, rows))
    np.testing.assert_array_equal(pool.probabilities[rows], opinion.probabilities)
    np.testing.assert_array_equal(pool.committee[:, rows], opinion.committee)
    np.testing.assert_array_equal(pool.uncertainty["entropy"][rows], opinion.uncertainty["entropy"])
    np.testing.assert_array_equal(pool.class_scores[rows], opinion.class_scores)
    np.testing.assert_allclose(pool.probabilities[labeled], 1 / 3)
    np.testing.assert_allclose(pool.committee[:, labeled], 1 / 3)
    assert pool.foreground[labeled].tolist() == [0, 0]
    assert pool.class_mixtures is None


def test_opinions_about_lots_of_items_are_put_one_after_the_other():
    rng = np.random.default_rng(1)
    parts = [make_opinion(rng, 3), make_opinion(rng, 2)]
    both = joined(parts)
    np.testing.assert_array_equal(both.committee[:, 3:], parts[1].committee)
    np.testing.assert_array_equal(both.probabilities[:3], parts[0].probabilities)
    np.testing.assert_array_equal(both.uncertainty["entropy"][3:], parts[1].uncertainty["entropy"])
    assert joined([]).probabilities is None


def test_an_item_is_expected_to_take_what_its_likes_took(monkeypatch):
    from alcore import costs

    monkeypatch.setattr(costs, "_BLOCK_ROWS", 4)
    crowded, empty = np.tile([1.0, 0.0], (12, 1)), np.tile([0.0, 1.0], (12, 1))
    embeddings = np.concatenate([crowded, empty])
    rows = np.concatenate([np.arange(N_NEIGHBOURS), 12 + np.arange(N_NEIGHBOURS)])
    seconds = np.concatenate([[50.0, 60, 70, 60, 60], np.zeros(N_NEIGHBOURS)])
    np.testing.assert_allclose(expected_seconds(embeddings, rows, seconds)[:12], 60)
    np.testing.assert_allclose(expected_seconds(embeddings, rows, seconds)[12:], MIN_SECONDS)
    np.testing.assert_allclose(expected_seconds(embeddings, rows[:1], seconds[:1]), 50)
