"""EPIG and BatchBALD: worked cases, brute force over all joint answers, and scikit-activeml."""

import dataclasses
from itertools import product

import numpy as np
import pytest

from alcore.acquisition import bald
from alcore.errors import InvalidInput
from alcore.strategies import information, select
from alcore.strategies.information import JointAnswers, predictive_information
from alcore.types import PoolView


def make_pool(committee, **more):
    n = committee.shape[1]
    return PoolView(embeddings=np.ones((n, 2), np.float32), labeled=np.zeros(n, bool), committee=committee, **more)


def draw(seed, s, n, c, sharpness=0.5):
    return np.random.default_rng(seed).dirichlet(np.full(c, sharpness), size=(s, n))


def choose(name, pool, batch_size, seed=0, **more):
    return select(name, pool, batch_size, rng=np.random.default_rng(seed), **more)


def entropy_of(p):
    p = np.asarray(p).ravel()
    return -np.sum(p[p > 0] * np.log(p[p > 0]))


def joint_information(committee, rows):
    """I(answers of rows; member), by listing every joint answer."""
    s, _, c = committee.shape
    joint = [
        np.mean([np.prod([committee[m, r, y] for r, y in zip(rows, answers, strict=True)]) for m in range(s)])
        for answers in product(range(c), repeat=len(rows))
    ]
    return entropy_of(joint) - sum(np.mean([entropy_of(committee[m, r]) for m in range(s)]) for r in rows)


def gains_of(committee, rows, n_configurations=10**6, seed=0):
    """What each row adds to those before."""
    s, _, c = committee.shape
    answers, out = JointAnswers(s, c, n_configurations, np.random.default_rng(seed)), []
    for row in rows:
        out.append(answers.gains(committee[:, [row]])[0])
        answers.add(committee[:, row])
    return out


def test_an_item_tells_all_about_its_twin_and_nothing_about_what_is_known():
    certain = np.array([[0.0, 1.0], [0.0, 1.0]])
    split = np.array([[0.0, 1.0], [1.0, 0.0]])
    committee = np.stack([split, certain, split], axis=1)
    np.testing.assert_allclose(predictive_information(committee, committee[:, [0]]), [np.log(2), 0, np.log(2)])
    np.testing.assert_allclose(predictive_information(committee, committee[:, [1]]), 0, atol=1e-12)
    np.testing.assert_allclose(predictive_information(committee, committee[:, [0, 1]])[0], np.log(2) / 2)


def test_predictive_information_is_the_mean_mutual_information(monkeypatch):
    monkeypatch.setattr(information, "_MAX_ENTRIES", 100)
    committee, targets = draw(0, 5, 7, 3), draw(1, 5, 4, 3)
    slow = np.zeros(7)
    for i in range(7):
        for j in range(4):
            joint = np.mean([np.outer(committee[s, i], targets[s, j]) for s in range(5)], axis=0)
            apart = np.outer(joint.sum(1), joint.sum(0))
            slow[i] += np.sum(joint * np.log(joint / apart)) / 4
    np.testing.assert_allclose(predictive_information(committee, targets), slow, rtol=1e-9)
    assert (slow <= bald(committee) + 1e-12).all()


def test_an_oddity_that_matters_to_nothing_else_is_left_to_bald():
    rng = np.random.default_rng(2)
    topic, oddity = rng.integers(2, size=64), rng.integers(2, size=64)
    common = np.stack([np.where(topic, 0.9, 0.1), np.where(topic, 0.1, 0.9)], axis=-1)
    odd = np.stack([oddity, 1.0 - oddity], axis=-1)
    pool = make_pool(np.stack([common] * 9 + [odd], axis=1))
    assert choose("bald", pool, 1).rows.tolist() == [9]
    assert 9 not in choose("epig", pool, 9).rows


@pytest.mark.parametrize("max_per_group", [None, 1])
def test_scoring_few_items_gives_the_same_rows_as_scoring_all(monkeypatch, max_per_group):
    committee = draw(3, 4, 300, 3, sharpness=0.2)
    sure = np.random.default_rng(4).random(300) < 0.8
    committee[:, sure] = committee[:1, sure]
    pool = make_pool(committee, groups=np.arange(300) % 40)
    whole = choose("epig", pool, 12, max_per_group=max_per_group)
    scored = []

    def counted(items, targets):
        scored.append(items.shape[1])
        return predictive_information(items, targets)

    monkeypatch.setattr(information, "predictive_information", counted)
    monkeypatch.setattr(information, "_FIRST_LOOK", 8)
    lazy = choose("epig", pool, 12, max_per_group=max_per_group)
    assert lazy.rows.tolist() == whole.rows.tolist()
    np.testing.assert_allclose(lazy.scores, whole.scores)
    assert sum(scored) < 300


def test_joint_answers_agree_with_listing_them_all():
    committee = draw(5, 4, 4, 3)
    gains = gains_of(committee, [0, 1, 2, 3])
    for k in range(1, 5):
        np.testing.assert_allclose(sum(gains[:k]), joint_information(committee, range(k)), rtol=1e-9)


def test_drawn_answers_come_close_to_listing_them_all():
    committee = draw(6, 4, 5, 3)
    exact = gains_of(committee, range(5))
    one = gains_of(committee, range(5), n_configurations=80)
    assert not np.allclose(one, exact, atol=1e-9)  # 3^4 = 81 answers: the last gain is drawn
    many = np.mean([gains_of(committee, range(5), n_configurations=80, seed=seed) for seed in range(200)], axis=0)
    np.testing.assert_allclose(many, exact, atol=0.01)


def test_batch_bald_takes_the_greedy_optimum_of_the_joint_information():
    committee = draw(7, 5, 12, 3)
    rows: list[int] = []
    for _ in range(4):
        rows.append(
            max((r for r in range(12) if r not in rows), key=lambda r: joint_information(committee, [*rows, r]))
        )
    result = choose("batch_bald", make_pool(committee), 4)
    assert result.rows.tolist() == rows
    np.testing.assert_allclose(result.scores.sum(), joint_information(committee, rows), rtol=1e-9)


def test_batch_bald_agrees_with_scikit_activeml():
    from skactiveml.pool import batch_bald

    committee = draw(8, 6, 40, 3)
    utilities = batch_bald(committee.copy(), batch_size=4, n_MC_samples=100, random_state=0)
    result = choose("batch_bald", make_pool(committee), 4)
    assert result.rows.tolist() == np.nanargmax(utilities, axis=1).tolist()
    np.testing.assert_allclose(np.cumsum(result.scores), np.nanmax(utilities, axis=1), atol=1e-5)


def test_gains_that_were_not_looked_at_again_change_nothing(monkeypatch):
    pool = make_pool(draw(9, 5, 150, 3))
    whole = choose("batch_bald", pool, 6)
    monkeypatch.setattr(information, "_LAZY_BLOCK", 2)
    monkeypatch.setattr(information, "_MAX_ENTRIES", 500)
    assert choose("batch_bald", pool, 6).rows.tolist() == whole.rows.tolist()


def test_a_twin_of_the_first_choice_is_not_the_second():
    split = np.array([[0.01, 0.99], [0.01, 0.99], [0.99, 0.01], [0.99, 0.01]])
    other = np.array([[0.1, 0.9], [0.9, 0.1], [0.1, 0.9], [0.9, 0.1]])
    pool = make_pool(np.stack([split, split, other], axis=1))
    assert sorted(choose("bald", pool, 2).rows.tolist()) == [0, 1]
    assert 2 in choose("batch_bald", pool, 2).rows


def test_long_batches_do_not_underflow():
    pool = make_pool(draw(10, 3, 500, 4))
    result = choose("batch_bald", pool, 400, n_configurations=30)
    assert len(set(result.rows.tolist())) == 400
    assert np.isfinite(result.scores).all()
    assert result.scores.sum() < np.log(3) + 0.1


def test_the_next_candidates_follow_where_the_first_are_used_up():
    pool = dataclasses.replace(make_pool(draw(11, 4, 30, 3)), groups=np.arange(30) % 15)
    result = choose("batch_bald", pool, 15, max_per_group=1, n_candidates=4)
    assert sorted(pool.groups[result.rows].tolist()) == list(range(15))


def test_settings_out_of_range_are_refused():
    pool = make_pool(draw(12, 3, 5, 2))
    with pytest.raises(InvalidInput, match="n_targets must be >= 1; got 0"):
        choose("epig", pool, 2, n_targets=0)
    with pytest.raises(InvalidInput, match="must be >= 1; got 0 and 4096"):
        choose("batch_bald", pool, 2, n_candidates=0)
    with pytest.raises(InvalidInput, match="must be >= 1; got 1000 and 0"):
        choose("batch_bald", pool, 2, n_configurations=0)
