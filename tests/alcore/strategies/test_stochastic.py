"""Noisy rankings draw with the chances that they promise; random batches are as good as the best of them."""

import dataclasses

import numpy as np
import pytest

from alcore.errors import InvalidInput, MissingInput, UnknownName
from alcore.strategies import select, stochastic
from alcore.strategies.stochastic import best_random_batch, power_keys, softmax_keys, softrank_keys
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool

SCORES = np.array([0.2, 0.5, 0.9])
RANKS = np.array([3.0, 2.0, 1.0])


def scored(scores, name="entropy", **fields):
    """A pool with pooled scores only."""
    n = len(scores)
    pool = PoolView(embeddings=np.ones((n, 2), np.float32), labeled=np.zeros(n, bool), **fields)
    return dataclasses.replace(pool, uncertainty={name: np.asarray(scores, dtype=float)})


@pytest.mark.parametrize(
    ("keys_of", "weights_of"),
    [
        (power_keys, lambda beta: SCORES**beta),
        (softmax_keys, lambda beta: np.exp(beta * SCORES)),
        (softrank_keys, lambda beta: RANKS**-beta),
    ],
)
@pytest.mark.parametrize("beta", [0.7, 3.0])
def test_the_top_two_keys_are_two_draws_without_replacement(keys_of, weights_of, beta):
    rng, n_draws = np.random.default_rng(0), 20_000
    pairs = np.zeros((3, 3))
    for _ in range(n_draws):
        first, second = np.argsort(-keys_of(SCORES, beta, rng=rng))[:2]
        pairs[first, second] += 1
    chances = weights_of(beta) / weights_of(beta).sum()
    expected = chances[:, None] * chances / (1 - chances[:, None])
    np.fill_diagonal(expected, 0)
    spread = np.sqrt(expected * (1 - expected) / n_draws)
    assert (np.abs(pairs / n_draws - expected) <= 4.5 * spread + 1e-12).all()


@pytest.mark.parametrize("name", ["power", "softmax_sampling", "softrank"])
def test_a_large_beta_is_the_plain_ranking_and_a_tiny_one_is_random(name):
    pool = scored(np.linspace(0.1, 0.9, 30))
    plain = select("entropy", pool, 6, rng=np.random.default_rng(0)).rows.tolist()
    assert select(name, pool, 6, rng=np.random.default_rng(1), beta=1e6).rows.tolist() == plain
    firsts = [int(select(name, pool, 1, rng=np.random.default_rng(s), beta=1e-6).rows[0]) for s in range(200)]
    assert abs(np.mean(firsts) - 14.5) < 3
    assert len(set(firsts)) > 20


def test_equal_scores_share_their_ranks_by_chance():
    rng = np.random.default_rng(0)
    first = [softrank_keys(np.array([1.0, 1.0, 0.0]), 1e6, rng=rng).argmax() for _ in range(400)]
    assert 150 < first.count(0) < 250
    assert 2 not in first


def test_power_takes_items_without_score_last_and_refuses_negative_ones():
    for seed in range(20):
        rows = select("power", scored([0, 1e-9, 0, 2, 0]), 5, rng=np.random.default_rng(seed)).rows
        assert set(rows[:2].tolist()) == {1, 3}
    with pytest.raises(InvalidInput, match=r"power needs scores >= 0; acquisition 'entropy' goes down to -0\.5"):
        select("power", scored([0.1, -0.5]), 1, rng=np.random.default_rng(0))
    assert len(select("softmax_sampling", scored([0.1, -0.5]), 2, rng=np.random.default_rng(0)).rows) == 2


def test_pooled_scores_of_any_name_will_do():
    pool = scored([0.1, 0.9, 0.5], name="boundary")
    result = select("softrank", pool, 2, rng=np.random.default_rng(0), acquisition="boundary", beta=1e6)
    assert result.rows.tolist() == [1, 2]
    assert result.reasons[0] == "boundary 0.90, drawn with beta 1e+06"
    with pytest.raises(UnknownName, match="unknown acquisition function 'boundry'"):
        select("softrank", pool, 2, rng=np.random.default_rng(0), acquisition="boundry")


def test_pooled_scores_stand_in_for_the_ranking_only():
    pool = scored([0.1, 0.9], labels=np.array([-1, -1]))
    with pytest.raises(MissingInput, match="'class_balance' needs probabilities"):
        select("class_balance", pool, 1, rng=np.random.default_rng(0))
    with pytest.raises(MissingInput, match="'power' needs committee"):
        select("power", pool, 1, rng=np.random.default_rng(0), acquisition="bald")


def test_the_best_of_many_random_batches_is_the_best_there_is():
    pool = scored(np.arange(8.0))
    result = select("stochastic_batches", pool, 2, rng=np.random.default_rng(0), n_batches=500)
    assert result.rows.tolist() == [7, 6]
    assert result.reasons[0] == "in the best of 500 random batches: mean entropy 6.50"


def test_one_random_batch_is_a_uniform_sample():
    counts = np.zeros(6)
    for seed in range(3000):
        rows = select(
            "stochastic_batches", scored(np.arange(6.0)), 2, rng=np.random.default_rng(seed), n_batches=1
        ).rows
        counts[rows] += 1
    assert np.abs(counts / 3000 - 1 / 3).max() < 0.04


def test_the_kept_batch_has_the_highest_mean_of_those_drawn():
    scores, rows = np.random.default_rng(4).random(40), np.arange(5, 40)
    rng = np.random.default_rng(7)
    drawn = [rng.choice(rows, size=4, replace=False) for _ in range(25)]
    batch, mean = best_random_batch(
        scores, rows, 4, codes=None, max_per_group=None, n_batches=25, rng=np.random.default_rng(7)
    )
    assert mean == max(scores[other].mean() for other in drawn)
    assert sorted(batch.tolist()) == sorted(max(drawn, key=lambda other: scores[other].mean()).tolist())


@pytest.mark.parametrize("head", [1, 4])
def test_random_batches_honour_groups_without_favouring_any_of_their_items(monkeypatch, head):
    monkeypatch.setattr(stochastic, "_HEAD", head)
    codes, seen = np.array([0, 0, 0, 1, 2]), np.zeros(5)
    for seed in range(2000):
        batch, _ = best_random_batch(
            np.ones(5), np.arange(5), 3, codes=codes, max_per_group=1, n_batches=1, rng=np.random.default_rng(seed)
        )
        assert sorted(codes[batch].tolist()) == [0, 1, 2]
        seen[batch] += 1
    assert seen[3] == seen[4] == 2000
    assert np.abs(seen[:3] / 2000 - 1 / 3).max() < 0.05


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("power", {"beta": 0.0}, "beta must be a finite number above 0; got 0.0"),
        ("softmax_sampling", {"beta": np.inf}, "beta must be a finite number above 0; got inf"),
        ("softrank", {"beta": -1.0}, r"beta must be a finite number above 0; got -1\.0"),
        ("stochastic_batches", {"n_batches": 0}, "n_batches must be >= 1; got 0"),
    ],
)
def test_wrong_settings_are_named(name, settings, message):
    with pytest.raises(InvalidInput, match=message):
        select(name, make_pool(), 3, rng=np.random.default_rng(0), **settings)
