"""Augmented views, second opinions, earlier rounds and evidence: worked cases and slow references."""

import numpy as np
import pytest

from alcore.acquisition import (
    augmentation_diversity,
    augmentation_entropy,
    bald,
    dissonance,
    evidential,
    opinion_disagreement,
    temporal_discrepancy,
    tta_disagreement,
)
from alcore.errors import InvalidInput


def draw(rng, *shape):
    return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])


def kl(p, q):
    return float(np.sum(p * np.log(p / q)))


def test_worked_scores_of_two_views():
    views = np.array([[[0.9, 0.1], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]]])
    np.testing.assert_allclose(tta_disagreement(views), [2 * 0.2**2, 0], atol=1e-15)
    np.testing.assert_allclose(
        augmentation_entropy(views), [-0.7 * np.log(0.7) - 0.3 * np.log(0.3), np.log(2)], rtol=1e-12
    )
    np.testing.assert_allclose(augmentation_diversity(views), [0.4 * np.log(9), 0], atol=1e-12)


def test_diversity_is_the_mean_over_all_pairs_of_views():
    views = draw(np.random.default_rng(0), 5, 7, 3)
    pairs = [(i, j) for i in range(5) for j in range(i)]
    slow = [np.mean([kl(views[i, k], views[j, k]) + kl(views[j, k], views[i, k]) for i, j in pairs]) for k in range(7)]
    np.testing.assert_allclose(augmentation_diversity(views), slow, rtol=1e-9)


def test_diversity_stays_finite_where_a_view_rules_a_class_out():
    views = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    assert np.isfinite(augmentation_diversity(views)).all()


def test_a_lone_view_is_refused():
    for function in (tta_disagreement, augmentation_entropy, augmentation_diversity):
        with pytest.raises(InvalidInput, match="at least two views"):
            function(np.full((1, 3, 2), 0.5))


def test_opinions_that_are_sure_of_different_classes_are_ln_2_apart():
    head = np.array([[1.0, 0.0], [0.5, 0.5]])
    np.testing.assert_allclose(opinion_disagreement(head, head[None, :, ::-1]), [np.log(2), 0], atol=1e-12)


def test_opinion_disagreement_is_the_mean_jensen_shannon_divergence():
    rng = np.random.default_rng(1)
    p, others = draw(rng, 6, 4), draw(rng, 3, 6, 4)
    slow = np.zeros(6)
    for i in range(6):
        for q in others[:, i]:
            middle = (p[i] + q) / 2
            slow[i] += (kl(p[i], middle) + kl(q, middle)) / 2 / 3
    np.testing.assert_allclose(opinion_disagreement(p, others), slow, rtol=1e-9)
    np.testing.assert_allclose(opinion_disagreement(p, others[:1]), bald(np.stack([p, others[0]])), rtol=1e-9)


def test_the_prediction_that_moved_most_has_the_largest_discrepancy():
    now = np.array([[0.9, 0.1], [0.5, 0.5], [1.0, 0.0]])
    before = np.array([[0.9, 0.1], [0.2, 0.8], [0.0, 1.0]])
    np.testing.assert_allclose(temporal_discrepancy(now, before), [0, 0.3 * np.sqrt(2), np.sqrt(2)], atol=1e-12)


def test_worked_evidence():
    evidence = np.array([[0.0, 0.0], [8.0, 0.0], [9.0, 9.0], [4.0, 2.0]])
    np.testing.assert_allclose(evidential(evidence), [1, 0.2, 0.1, 0.25])
    # 4 and 2 of 8: balance 1 - 2/6, so 0.5·(2/3) + 0.25·(2/3).
    np.testing.assert_allclose(dissonance(evidence), [0, 0, 0.9, 0.5])


def test_dissonance_agrees_with_its_double_sum():
    evidence = np.random.default_rng(2).exponential(size=(6, 4))
    evidence[0, 1:] = 0
    belief = evidence / (evidence.sum(1, keepdims=True) + 4)
    slow = np.zeros(6)
    for i, b in enumerate(belief):
        for k in range(4):
            others = [j for j in range(4) if j != k and b[j] > 0]
            balanced = sum(b[j] * (1 - abs(b[j] - b[k]) / (b[j] + b[k])) for j in others)
            slow[i] += b[k] * balanced / sum(b[j] for j in others) if others else 0
    np.testing.assert_allclose(dissonance(evidence), slow, rtol=1e-12)


def test_evidence_below_0_is_refused():
    for function in (evidential, dissonance):
        with pytest.raises(InvalidInput, match="evidence must be >= 0"):
            function(np.array([[0.5, -0.1]]))
