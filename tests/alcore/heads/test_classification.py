"""The classification head: a calibrated committee on embeddings."""

import numpy as np
import pytest
import torch

from alcore.errors import Cancelled, InvalidInput, ModelFileError, UnknownName
from alcore.heads import HEADS, resolve_head
from alcore.heads.classification import KINDS, load_classification_head, train_classification_head
from alcore.heads.nearest import SHARPNESS, SMOOTHING, VOTE_TEMPERATURE
from alcore.metrics import balanced_accuracy


def blobs(n, *, seed=0, spread=1.0, n_classes=3, dim=12):
    """Unit vectors around one direction a class."""
    centres = np.random.default_rng(42).normal(size=(n_classes, dim))
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % n_classes
    vectors = centres[targets] + rng.normal(size=(n, dim)) * spread
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), targets


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_blobs_and_its_members_differ(kind):
    head = train_classification_head(*blobs(60), 3, seed=0, n_members=4, kind=kind)
    vectors, targets = blobs(90, seed=1)
    committee = head.predict(vectors)
    assert committee.shape == (4, 90, 3)
    np.testing.assert_allclose(committee.sum(2), 1.0, atol=1e-5)
    assert balanced_accuracy(committee.mean(0).argmax(1), targets) > 0.85
    assert committee.std(axis=0).max() > 0.01


def test_a_linear_committee_is_one_layer_on_the_embeddings_and_a_perceptron_is_none():
    head = train_classification_head(*blobs(60), 3, seed=0, n_members=4)
    vectors, _ = blobs(20, seed=1)
    mean_logits = np.log(head.predict(vectors).astype(np.float64)).mean(axis=0)
    layer = head.linear()
    logits = vectors @ layer.weights.T + layer.bias
    np.testing.assert_allclose(
        logits - logits.mean(axis=1, keepdims=True), mean_logits - mean_logits.mean(axis=1, keepdims=True), atol=1e-3
    )
    assert train_classification_head(*blobs(60), 3, seed=0, n_members=2, kind="mlp").linear() is None


def test_a_head_from_a_file_is_one_layer_too(tmp_path):
    head = train_classification_head(*blobs(60), 3, seed=0, n_members=2)
    head.save(tmp_path / "head.safetensors")
    loaded, made = load_classification_head(tmp_path / "head.safetensors").linear(), head.linear()
    np.testing.assert_array_equal(loaded.weights, made.weights)
    np.testing.assert_allclose(loaded.bias, made.bias, atol=1e-6)


def test_a_rare_class_is_not_drowned():
    vectors, targets = blobs(300, n_classes=2)
    rows = np.concatenate([np.flatnonzero(targets == 0), np.flatnonzero(targets == 1)[:4]])
    head = train_classification_head(vectors[rows], targets[rows], 2, seed=0)
    test_vectors, test_targets = blobs(100, seed=3, n_classes=2)
    predicted = head.predict(test_vectors).mean(0).argmax(1)
    assert (predicted[test_targets == 1] == 1).mean() > 0.8


def test_the_temperature_makes_confidence_honest():
    vectors, targets = blobs(120, spread=3.0)
    head = train_classification_head(vectors, targets, 3, seed=0)
    test_vectors, test_targets = blobs(600, seed=9, spread=3.0)
    probabilities = head.predict(test_vectors).mean(0)
    confidence = probabilities.max(1).mean()
    accuracy = (probabilities.argmax(1) == test_targets).mean()
    assert head.temperature != 1.0
    assert abs(confidence - accuracy) < 0.12


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_handful_of_labels_is_enough_to_start(n):
    vectors, targets = blobs(n)
    head = train_classification_head(vectors, targets, 3, seed=0)
    assert head.temperature == 1.0
    assert np.isfinite(head.predict(vectors)).all()


def test_the_same_seed_gives_the_same_head_and_loading_keeps_it(tmp_path):
    vectors, targets = blobs(30)
    first, second = (train_classification_head(vectors, targets, 3, seed=4, kind="mlp") for _ in range(2))
    np.testing.assert_array_equal(first.predict(vectors), second.predict(vectors))
    first.save(tmp_path / "head.safetensors")
    loaded = load_classification_head(tmp_path / "head.safetensors")
    np.testing.assert_array_equal(first.predict(vectors), loaded.predict(vectors))
    assert loaded.temperature == first.temperature


def test_truncated_files_are_refused(tmp_path):
    path = tmp_path / "head.safetensors"
    train_classification_head(*blobs(9), 3, seed=0).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelFileError, match="truncated"):
        load_classification_head(path)


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "head.safetensors"
    head = train_classification_head(*blobs(9), 3, seed=0)
    head.save(path)
    before = path.read_bytes()

    def no_space(*_args):
        raise OSError("no space left")

    monkeypatch.setattr("alcore.heads.files.os.replace", no_space)
    with pytest.raises(OSError, match="no space"):
        head.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_progress_may_stop_the_work():
    def stop(done, total):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        train_classification_head(*blobs(9), 3, seed=0, progress=stop)


def test_inputs_that_do_not_fit_are_refused():
    vectors, targets = blobs(9)
    with pytest.raises(InvalidInput, match=r"0 \.\. 1"):
        train_classification_head(vectors, targets, 2, seed=0)
    with pytest.raises(InvalidInput, match="finite"):
        train_classification_head(vectors * np.float32(np.nan), targets, 3, seed=0)
    with pytest.raises(InvalidInput, match="length 12"):
        train_classification_head(vectors, targets, 3, seed=0).predict(vectors[:, :5])


def test_heads_are_looked_up_by_task():
    assert resolve_head("default", "segmentation") is HEADS["decoder"]
    assert resolve_head("default", "classification") is HEADS["linear"]
    with pytest.raises(InvalidInput, match="is for classification"):
        resolve_head("mlp", "segmentation")
    with pytest.raises(UnknownName, match="auto, decoder, default, dense_linear"):
        resolve_head("vnet", "segmentation")
    with pytest.raises(UnknownName, match="task"):
        resolve_head("default", "detection")


def test_training_leaves_the_callers_random_state_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    train_classification_head(*blobs(9), 3, seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_every_classification_head_of_the_registry_can_be_trained():
    assert set(KINDS) == {name for name, info in HEADS.items() if info.task == "classification"}


@pytest.mark.parametrize("kind", ["prototype", "knn"])
def test_heads_that_only_remember_survive_the_disk(kind, tmp_path):
    vectors, targets = blobs(40)
    head = train_classification_head(vectors, targets, 3, seed=4, kind=kind)
    head.save(tmp_path / "head.safetensors")
    loaded = load_classification_head(tmp_path / "head.safetensors")
    assert loaded.kind == kind
    np.testing.assert_array_equal(head.predict(vectors), loaded.predict(vectors))


def test_class_means_by_hand():
    """Two items along the axes of class 0 average to the diagonal; class 1 is the third axis; class 2 has no item."""
    vectors = np.eye(3, dtype=np.float32)[[0, 1, 2, 2]]
    head = train_classification_head(vectors, np.array([0, 0, 1, 1]), 3, seed=0, n_members=1, kind="prototype")
    seen = head.members[0].state_dict()["weight"].numpy() / SHARPNESS  # a bootstrap sample of each class
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), [1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(seen[1], [0, 0, 1], atol=1e-6)
    odds = head.predict(vectors)[0]
    expected = np.exp(SHARPNESS * (vectors @ seen.T)) * np.array([1, 1, np.exp(-30)])
    np.testing.assert_allclose(odds, expected / expected.sum(1, keepdims=True), atol=1e-5)
    assert odds[:, 2].max() < 1e-9


def test_class_means_are_linear_on_embeddings_of_unit_length():
    vectors, targets = blobs(60)
    head = train_classification_head(vectors, targets, 3, seed=0, n_members=1, kind="prototype")
    layer = head.linear()
    logits = vectors @ layer.weights.T + layer.bias
    expected = np.log(head.predict(vectors)[0])
    np.testing.assert_allclose(
        logits - logits.mean(1, keepdims=True), expected - expected.mean(1, keepdims=True), atol=1e-3
    )
    assert train_classification_head(vectors, targets, 3, seed=0, n_members=1, kind="knn").linear() is None


def test_votes_by_brute_force():
    """Each vote weighs as exp(cosine / 0.07) over the size of its class; all classes share a little."""
    vectors, targets = blobs(9, spread=2.0)
    head = train_classification_head(vectors, targets, 3, seed=0, n_members=1, kind="knn")
    bank, labels = (head.members[0].state_dict()[key].numpy() for key in ("bank", "labels"))
    asked, _ = blobs(5, seed=7, spread=2.0)
    for query, odds in zip(asked, head.predict(asked)[0], strict=True):
        weight = np.exp(bank @ query / VOTE_TEMPERATURE) / np.bincount(labels, minlength=3)[labels]
        votes = np.array([weight[labels == c].sum() for c in range(3)])
        expected = votes / votes.sum() + SMOOTHING / 3
        np.testing.assert_allclose(odds, expected / expected.sum(), atol=1e-4)


def test_without_calibration_the_temperature_is_one():
    vectors, targets = blobs(120, spread=3.0)
    head = train_classification_head(vectors, targets, 3, seed=0)
    assert head.temperature != 1.0
    plain = head.tempered(1.0)
    calm = np.log(head.predict(vectors)[0, :, 0] / head.predict(vectors)[0, :, 1])
    sure = np.log(plain.predict(vectors)[0, :, 0] / plain.predict(vectors)[0, :, 1])
    np.testing.assert_allclose(calm * head.temperature, sure, atol=2e-2)
    with pytest.raises(InvalidInput, match="above 0"):
        head.tempered(-1.0)
