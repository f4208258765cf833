"""Mixtures of typical and uncertain, and batches by pretext loss: their two ends, and cases by hand."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.strategies import select
from alcore.strategies.mixed import mid_ranks, nearest_neighbour_competence
from alcore.strategies.pretext import pretext_parts
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool


def rng():
    return np.random.default_rng(0)


def test_without_competence_it_is_typiclust():
    for seed in range(4):
        pool = make_pool(n=120, seed=seed)
        expected = select("typiclust", pool, 12, rng=rng()).rows.tolist()
        assert select("competence", pool, 12, rng=rng(), weight=0.0).rows.tolist() == expected


def test_with_full_competence_each_cluster_gives_its_most_uncertain_item():
    pool = make_pool(n=80, n_labeled=0)
    score = np.random.default_rng(1).random(80)
    pool = dataclasses.replace(pool, uncertainty={"margin": score})
    assert select("competence", pool, 1, rng=rng(), weight=1.0).rows[0] == score.argmax()
    halves = select("competence", pool, 2, rng=rng(), weight=1.0).rows
    assert score.argmax() in halves


def test_the_weight_is_the_measured_competence():
    pool = make_pool(n=90, n_labeled=30)
    measured = nearest_neighbour_competence(pool.embeddings[pool.labeled], pool.labels[pool.labeled])
    assert 0 <= measured < 1
    by_default = select("competence", pool, 9, rng=rng())
    assert f"uncertainty weighs {measured:.0%}" in by_default.reasons[0]


def test_competence_of_worked_labels():
    points = np.asarray([[0.0], [0.1], [5.0], [5.1]], np.float32)
    assert nearest_neighbour_competence(points, np.asarray([0, 0, 1, 1])) == 1
    assert nearest_neighbour_competence(points, np.asarray([0, 1, 0, 1])) == 0
    assert nearest_neighbour_competence(points, np.asarray([0, 0, 0, 0])) == 0
    assert nearest_neighbour_competence(points[:0], np.zeros(0, int)) == 0
    # Class 0 is right in two of two, class 1 in none of two, against chance 1/2: (1/2 - 1/2) / (1/2) = 0.
    assert nearest_neighbour_competence(points, np.asarray([0, 0, 1, 2])) == 0
    five = np.asarray([[0.0], [0.1], [5.0], [5.1], [0.15]], np.float32)
    # Class 0: 2 of 3 right (the one at 0.15 is nearest to 0.1), all of class 0 in fact; class 1: 2 of 2.
    assert nearest_neighbour_competence(five, np.asarray([0, 0, 1, 1, 0])) == 1


def test_competence_matches_a_plain_loop():
    generator = np.random.default_rng(0)
    points, labels = generator.normal(size=(40, 3)).astype(np.float32), generator.integers(3, size=40)
    right = np.zeros(40)
    for i in range(40):
        gaps = np.linalg.norm(points - points[i], axis=1)
        gaps[i] = np.inf
        right[i] = labels[gaps.argmin()] == labels[i]
    accuracy = np.mean([right[labels == c].mean() for c in range(3)])
    assert np.isclose(nearest_neighbour_competence(points, labels), max(0, (accuracy - 1 / 3) / (2 / 3)))


def test_mid_ranks_count_equal_values_half():
    np.testing.assert_allclose(mid_ranks(np.asarray([3.0, 1.0, 3.0, 5.0])), [0.5, 0.125, 0.5, 0.875])


def test_typiclust_gives_way_to_margin_at_the_counted_label():
    before, after = make_pool(n=80, n_labeled=5), make_pool(n=80, n_labeled=6)
    settings = {"labels_per_class": 2}  # of three classes
    early = select("typiclust_margin", before, 8, rng=rng(), **settings)
    late = select("typiclust_margin", after, 8, rng=rng(), **settings)
    assert early.rows.tolist() == select("typiclust", before, 8, rng=rng()).rows.tolist()
    assert "5 of 6 labels before margins decide" in early.reasons[0]
    assert late.rows.tolist() == select("margin", after, 8, rng=rng()).rows.tolist()
    assert "with 6 labels" in late.reasons[0]


def with_losses(losses, confidence=None, labeled=()):
    n = len(losses)
    flags = np.zeros(n, bool)
    flags[list(labeled)] = True
    probabilities = None if confidence is None else np.stack([confidence, 1 - np.asarray(confidence)], axis=1)
    return PoolView(
        embeddings=np.zeros((n, 1), np.float32),
        labeled=flags,
        pretext_losses=np.asarray(losses, float),
        probabilities=probabilities,
    )


def test_each_part_by_pretext_loss_gives_its_least_confident():
    pool = with_losses([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], confidence=[0.9, 0.6, 0.7, 0.8, 0.99, 0.95])
    result = select("pt4al", pool, 2, rng=rng())
    assert result.rows.tolist() == [1, 3]
    assert result.reasons == tuple(f"least confident left in part {p} of 2 by pretext loss" for p in (1, 2))
    assert select("pt4al", pool, 3, rng=rng()).rows.tolist() == [1, 2, 5]


def test_without_a_head_the_hardest_of_each_part_is_taken():
    pool = with_losses([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], labeled=[5])
    result = select("pt4al", pool, 2, rng=rng())
    assert result.rows.tolist() == [4, 1]
    assert result.reasons[0].startswith("hardest")


def test_a_cycle_asks_of_its_own_part_and_then_of_the_next():
    pool = with_losses([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], confidence=[0.9, 0.6, 0.7, 0.8, 0.99, 0.95], labeled=[2])
    assert select("pt4al", pool, 2, rng=rng(), n_cycles=3, cycle=1).rows.tolist() == [3, 5]
    assert select("pt4al", pool, 9, rng=rng(), n_cycles=3, cycle=2).rows.tolist() == [5, 4, 1, 0, 3]


def test_parts_are_even_and_fall_in_loss():
    losses = np.random.default_rng(0).random(23)
    parts = pretext_parts(losses, np.arange(23), 5, rng=rng())
    assert sorted(np.concatenate(parts).tolist()) == list(range(23))
    assert {len(part) for part in parts} == {4, 5}
    assert all(losses[a].min() > losses[b].max() for a, b in pairwise(parts))
    assert len(pretext_parts(losses, np.arange(3), 5, rng=rng())) == 3


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("competence", {"weight": 1.5}),
        ("typiclust_margin", {"labels_per_class": -1}),
        ("pt4al", {"n_cycles": 0}),
        ("pt4al", {"n_cycles": 3, "cycle": 3}),
    ],
)
def test_settings_out_of_range_are_named(name, setting):
    with pytest.raises(InvalidInput, match=next(iter(setting))):
        select(name, make_pool(), 3, rng=rng(), **setting)
