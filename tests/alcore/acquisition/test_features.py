"""Scores from embeddings: gradients, distance to the border, density, predicted loss."""

import numpy as np
import pytest

from alcore.acquisition import adversarial_margin, expected_gradient_length, feature_density, learning_loss
from alcore.errors import InvalidInput
from alcore.strategies import blocks
from alcore.types import LinearHead


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_expected_gradient_length_of_a_worked_item():
    length = expected_gradient_length(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[3.0, 0.0], [3.0, 0.0]]))
    np.testing.assert_allclose(length, [np.sqrt(0.5) * np.sqrt(10), 0], rtol=1e-6)


def test_expected_gradient_length_agrees_with_automatic_differentiation():
    import torch

    rng = np.random.default_rng(0)
    h, head = rng.normal(size=(5, 3)), LinearHead(weights=rng.normal(size=(4, 3)), bias=rng.normal(size=4))
    p = softmax(h @ head.weights.T + head.bias)
    slow = np.zeros(5)
    for i in range(5):
        for y in range(4):
            weights, bias = (torch.tensor(a, requires_grad=True) for a in (head.weights, head.bias))
            logits = weights @ torch.tensor(h[i]) + bias
            (-torch.log_softmax(logits, 0)[y]).backward()
            slow[i] += p[i, y] * float(torch.sqrt((weights.grad**2).sum() + (bias.grad**2).sum()))
    np.testing.assert_allclose(expected_gradient_length(p, h), slow, rtol=1e-6)


def test_the_adversarial_margin_is_the_distance_to_the_border():
    head = LinearHead(weights=np.array([[3.0, 4.0], [0.0, 0.0]]), bias=np.array([-5.0, 0.0]))
    np.testing.assert_allclose(
        adversarial_margin(np.array([[3.0, 4.0], [0.0, 0.0], [0.6, 0.8]]), head), [-4, -1, 0], atol=1e-6
    )


def test_a_step_of_the_adversarial_margin_flips_the_answer_and_none_shorter_does():
    rng = np.random.default_rng(1)
    head = LinearHead(weights=rng.normal(size=(5, 3)), bias=rng.normal(size=5))
    h = rng.normal(size=(20, 3)).astype(np.float32)
    reach = -adversarial_margin(h, head)
    top = (h @ head.weights.T + head.bias).argmax(1)
    directions = rng.normal(size=(4000, 3))
    differences = head.weights[None] - head.weights[:, None]
    directions = np.concatenate([directions, differences.reshape(-1, 3)[np.abs(differences).sum(-1).ravel() > 0]])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for i in range(20):
        for factor, flips in ((0.999, False), (1.001, True)):
            moved = ((h[i] + factor * reach[i] * directions) @ head.weights.T + head.bias).argmax(1)
            assert (moved != top[i]).any() == flips


def test_classes_with_equal_weights_never_change_places():
    twins = LinearHead(weights=np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]), bias=np.array([0.0, -1.0, 0.0]))
    np.testing.assert_allclose(adversarial_margin(np.array([[2.0, 0.0]]), twins), [-2])
    untrained = LinearHead(weights=np.zeros((3, 2)), bias=np.array([0.0, -1.0, 0.0]))
    assert adversarial_margin(np.ones((4, 2)), untrained).tolist() == [0.0] * 4
    with pytest.raises(InvalidInput, match="at least two classes"):
        adversarial_margin(np.ones((4, 2)), LinearHead(weights=np.ones((1, 2)), bias=np.zeros(1)))


@pytest.mark.parametrize(("n_labeled", "d"), [(40, 5), (12, 30)])
def test_density_agrees_with_scipy_and_the_shrinkage_of_scikit_learn(n_labeled, d):
    from scipy.special import logsumexp
    from scipy.stats import multivariate_normal
    from sklearn.covariance import ledoit_wolf

    rng = np.random.default_rng(2)
    h = rng.normal(size=(60, d)) * rng.uniform(0.5, 2, size=d)
    labels = np.where(np.arange(60) < n_labeled, 2 * (np.arange(60) % 3), -1)
    h += labels[:, None]
    known = labels[:n_labeled]
    means = {k: h[:n_labeled][known == k].mean(0) for k in (0, 2, 4)}
    covariance, _ = ledoit_wolf(h[:n_labeled] - np.stack([means[k] for k in known]), assume_centered=True)
    parts = [np.log((known == k).mean()) + multivariate_normal(means[k], covariance).logpdf(h) for k in (0, 2, 4)]
    np.testing.assert_allclose(feature_density(h, labels), -logsumexp(parts, axis=0), rtol=1e-4)


def test_one_label_makes_the_farthest_item_the_least_known():
    h = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [-2.0, 0.0]])
    scores = feature_density(h, np.array([7, -1, -1, -1]))
    assert np.argsort(-scores).tolist() == [2, 3, 1, 0]
    np.testing.assert_allclose(scores[2] - scores[0], 4.5)


def test_one_label_a_class_takes_the_scatter_between_the_classes_for_that_within():
    h = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0]])
    variance = 0.5  # 1 about the common mean, over two features
    near = lambda squared: np.exp(-squared / 2 / variance) / (2 * np.pi * variance)  # noqa: E731
    expected = [-np.log((near(0) + near(4)) / 2)] * 2 + [-np.log(near(2))]
    np.testing.assert_allclose(feature_density(h, np.array([3, 1, -1])), expected, rtol=1e-6)


def test_without_a_label_nothing_is_known_of_any_item():
    assert feature_density(np.eye(3), np.full(3, -1)).tolist() == [0.0] * 3


def test_a_loss_that_grows_along_a_direction_is_learned_from_half_of_the_items():
    rng = np.random.default_rng(3)
    h = rng.normal(size=(400, 8))
    truth = 5 + h @ np.arange(8.0)
    truth -= truth.min() - 0.1
    losses = np.where(np.arange(400) < 200, truth, -1.0)
    found = learning_loss(h, losses)
    np.testing.assert_allclose(found[200:], truth[200:], atol=0.05)


def test_predicted_losses_are_those_of_ridge_regression_with_the_best_penalty():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(4)
    h = rng.normal(size=(50, 6))
    losses = np.where(np.arange(50) < 30, rng.exponential(size=50), -1.0)
    x, y = h[:30], losses[:30]
    scale = ((x - x.mean(0)) ** 2).sum() / 6
    best = (np.inf, None)
    for penalty in scale * np.logspace(-4, 4, 25):
        ridge = Ridge(alpha=penalty).fit(x, y)
        hat = np.stack([Ridge(alpha=penalty).fit(x, e).predict(x) for e in np.eye(30)], axis=1)
        error = ((y - ridge.predict(x)) ** 2).sum() / (30 - np.trace(hat)) ** 2
        best = min(best, (error, penalty))
    expected = Ridge(alpha=best[1]).fit(x, y).predict(h)
    np.testing.assert_allclose(learning_loss(h, losses), expected, rtol=1e-4)


def test_without_losses_to_learn_from_all_predictions_are_equal():
    h = np.random.default_rng(5).normal(size=(6, 3))
    assert learning_loss(h, np.full(6, -1.0)).tolist() == [0.0] * 6
    same = learning_loss(np.repeat(h[:1], 6, axis=0), np.array([0.5, 1.5, -1, -1, -1, -1]))
    np.testing.assert_allclose(same, 1.0, rtol=1e-6)
    for wrong in (-0.5, np.nan):
        with pytest.raises(InvalidInput, match="losses must be >= 0, or -1 where none was measured; got"):
            learning_loss(h, np.array([1.0, 0.0, -1.0, wrong, -1.0, -1.0]))


def test_a_loss_of_zero_is_a_measured_loss():
    h = np.repeat([[1.0, 0.0], [0.0, 1.0]], 20, axis=0)
    losses = np.where(np.arange(40) % 20 < 15, np.repeat([1.0, 0.0], 20), -1.0)
    found = learning_loss(h, losses)
    assert found[:20] == pytest.approx(np.ones(20), abs=0.01)
    assert found[20:] == pytest.approx(np.zeros(20), abs=0.01)


def test_half_precision_files_are_read_block_by_block(tmp_path, monkeypatch):
    rng = np.random.default_rng(6)
    h = np.memmap(tmp_path / "h", dtype=np.float16, mode="w+", shape=(40, 6))
    h[:] = rng.normal(size=(40, 6))
    whole = np.asarray(h, dtype=np.float32)
    labels = np.where(np.arange(40) % 2 == 0, np.arange(40) % 3, -1)
    losses = np.where(labels >= 0, rng.exponential(size=40), -1.0)
    head = LinearHead(weights=rng.normal(size=(3, 6)), bias=rng.normal(size=3))
    p = softmax(whole @ head.weights.T)
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 16)
    in_blocks = [feature_density(h, labels), learning_loss(h, losses), adversarial_margin(h, head)]
    in_blocks.append(expected_gradient_length(p, h))
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 1000)
    at_once = [feature_density(whole, labels), learning_loss(whole, losses), adversarial_margin(whole, head)]
    at_once.append(expected_gradient_length(p, whole))
    for left, right in zip(in_blocks, at_once, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-4)
