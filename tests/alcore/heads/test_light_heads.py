"""Heads of pixels that train in moments keep the contract of all heads of pixels, and follow their formulas."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from alcore.errors import Cancelled, InvalidInput, ModelFileError, UnknownName
from alcore.heads import HEADS
from alcore.heads.base import DenseHead
from alcore.heads.dense_linear import ABSENT_BIAS, DenseLinearHead, train_dense_linear
from alcore.heads.dense_prototype import DensePrototypeHead, train_dense_prototype
from alcore.heads.inputs import standardise_images
from alcore.heads.maps import N_COARSE, N_FINE, image_maps, project, read_at
from alcore.heads.training import TRAINERS, load_head, train_head
from alcore.metrics import mean_dice_per_class
from tests.alcore.heads.drawn import SIDE, disks

LIGHT = ("dense_linear", "dense_prototype")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_every_head_of_pixels_has_a_trainer():
    assert set(TRAINERS) == {name for name, info in HEADS.items() if info.task == "segmentation"}
    with pytest.raises(UnknownName, match="dense_linear"):
        train_head("forest", *disks(2), 2, seed=0)
    with pytest.raises(InvalidInput, match="is for classification"):
        train_head("knn", *disks(2), 2, seed=0)


@pytest.mark.parametrize(("name", "floor"), [("dense_linear", 0.8), ("dense_prototype", 0.55)])
def test_a_few_masks_teach_it_to_find_disks(name, floor):
    dense, images, masks = disks(6, seed=1)
    head = train_head(name, *disks(8), 2, seed=0)
    assert isinstance(head, DenseHead)
    committee = head.predict(dense, images)
    assert committee.shape == (3, 6, 2, SIDE, SIDE)
    np.testing.assert_allclose(committee.sum(2), 1.0, atol=1e-4)
    assert committee.std(axis=0).max() > 0.001, "members saw different images"
    predicted = committee.mean(0).argmax(1)
    assert mean_dice_per_class(predicted, masks.astype(np.int64), 2)[0] > floor


@pytest.mark.parametrize("name", LIGHT)
def test_it_learns_from_the_features_alone_where_the_image_shows_nothing(name):
    dense, images, masks = disks(6, seed=1, grey_gap=0)
    predicted = train_head(name, *disks(8, grey_gap=0), 2, seed=0).predict(dense, images).mean(0).argmax(1)
    assert mean_dice_per_class(predicted, masks.astype(np.int64), 2)[0] > 0.6


def test_the_linear_head_learns_from_the_image_alone_where_the_features_show_nothing():
    dense, images, masks = disks(6, seed=1, hint=0)
    predicted = train_dense_linear(*disks(8, hint=0), 2, seed=0).predict(dense, images).mean(0).argmax(1)
    assert mean_dice_per_class(predicted, masks.astype(np.int64), 2)[0] > 0.6


@pytest.mark.parametrize("name", [*LIGHT, "unet"])
def test_saving_and_loading_change_no_prediction(name, tmp_path, monkeypatch):
    monkeypatch.setattr("alcore.heads.segmentation.default_steps", lambda n: 2)
    dense, images, masks = disks(3)
    head = train_head(name, dense, images, masks, 2, seed=0, n_members=2).tempered(1.7)
    head.save(tmp_path / "head.safetensors")
    loaded = load_head(tmp_path / "head.safetensors")
    assert type(loaded) is type(head)
    assert loaded.temperature == 1.7
    np.testing.assert_array_equal(head.predict(dense, images), loaded.predict(dense, images))


def test_the_door_refuses_files_that_hold_no_head_of_pixels(tmp_path):
    from alcore.heads.classification import train_classification_head

    path = tmp_path / "head.safetensors"
    train_classification_head(np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1]), 2, seed=0).save(path)
    with pytest.raises(ModelFileError, match=r"'segmentation-decoder' or .*'segmentation-dense-linear'"):
        load_head(path)


def test_the_unet_does_not_look_at_the_features(monkeypatch):
    monkeypatch.setattr("alcore.heads.segmentation.default_steps", lambda n: 2)
    dense, images, masks = disks(2)
    head = train_head("unet", dense, images, masks, 2, seed=0, n_members=1)
    committee = head.predict(dense, images)
    assert committee.shape == (1, 2, 2, SIDE, SIDE)
    np.testing.assert_array_equal(committee, head.predict(-dense, images))
    assert not np.array_equal(committee, head.predict(dense, 255 - images))


@pytest.mark.parametrize("name", LIGHT)
def test_the_same_seed_gives_the_same_head(name):
    dense, images, masks = disks(4)
    first, second, third = (
        train_head(name, dense, images, masks, 2, seed=seed).predict(dense, images) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize("name", LIGHT)
def test_ignored_and_weightless_pixels_teach_nothing(name):
    dense, images, masks = disks(3)
    masks[:, :32] = 255
    other = masks.copy()
    other[:, 32:40] = 1 - other[:, 32:40]
    weights = np.ones(masks.shape, dtype=np.float32)
    weights[:, 32:40] = 0
    first, second = (
        train_head(name, dense, images, m, 2, weights=weights, seed=0).predict(dense, images) for m in (masks, other)
    )
    np.testing.assert_allclose(first, second, atol=1e-6)


@pytest.mark.parametrize("name", LIGHT)
def test_scaling_all_weights_changes_nothing(name):
    dense, images, masks = disks(3)
    weights = np.random.default_rng(0).uniform(0.5, 1, masks.shape).astype(np.float32)
    first, second = (
        train_head(name, dense, images, masks, 2, weights=w, seed=0).predict(dense, images)
        for w in (weights, weights * 4)
    )
    np.testing.assert_allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("name", LIGHT)
def test_each_member_leaves_its_own_fold_out(name):
    dense, images, masks = disks(6)
    contrary = np.concatenate([masks[:3], 1 - masks[3:]])
    folds = [np.array([0, 1, 2]), np.array([3, 4, 5])]
    head = train_head(name, dense, images, contrary, 2, seed=0, folds=folds)
    first, second = head.predict(dense, images).argmax(axis=2)
    assert (first == 1 - masks).mean() > 0.85, "member 0 saw only the flipped masks of fold 1"
    assert (second == masks).mean() > 0.85, "member 1 saw only the plain masks of fold 0"
    both = head.predict(dense, images)
    np.testing.assert_allclose(head.member(1).predict(dense, images)[0], both[1], atol=1e-5)
    np.testing.assert_allclose(head.member(1, 0).predict(dense, images), both[::-1], atol=1e-5)
    with pytest.raises(InvalidInput, match="accept at least one mask"):
        train_head(name, dense, images, np.where(masks < 2, 255, 0).astype(np.uint8), 2, seed=0, folds=folds)


@pytest.mark.parametrize("name", LIGHT)
def test_a_class_without_labels_is_never_found(name):
    dense, images, masks = disks(4)
    committee = train_head(name, dense, images, masks, 3, seed=0).predict(dense, images)
    assert committee.shape[2] == 3
    assert committee[:, :, 2].max() < 0.01


@pytest.mark.parametrize("name", LIGHT)
def test_a_temperature_divides_the_logits_and_leaves_the_answer(name):
    dense, images, masks = disks(4)
    head = train_head(name, dense, images, masks, 2, seed=0, n_members=1)
    plain, calm = head.predict(dense, images), head.tempered(2.0).predict(dense, images)
    odds = np.log(plain[:, :, 1]) - np.log(plain[:, :, 0])
    np.testing.assert_allclose(np.log(calm[:, :, 1]) - np.log(calm[:, :, 0]), odds / 2, atol=1e-3)
    with pytest.raises(InvalidInput, match="above 0"):
        head.tempered(0.0)


@pytest.mark.parametrize("name", LIGHT)
def test_progress_counts_members_and_may_stop_the_work(name):
    dense, images, masks = disks(2)
    seen = []
    train_head(name, dense, images, masks, 2, seed=0, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]

    def stop(done, total):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        train_head(name, dense, images, masks, 2, seed=0, progress=stop)


@pytest.mark.parametrize("name", LIGHT)
def test_inputs_that_do_not_fit_are_refused(name):
    dense, images, masks = disks(2)
    head = train_head(name, dense, images, masks, 2, seed=0, n_members=1)
    with pytest.raises(InvalidInput, match="hold id 7"):
        train_head(name, dense, images, masks + 7, 2, seed=0)
    with pytest.raises(InvalidInput, match="feature channels"):
        head.predict(np.repeat(dense, 2, axis=1), images)
    with pytest.raises(InvalidInput, match="multiple of 32"):
        head.predict(dense, images[:, :40, :40])


def test_a_projection_equals_a_linear_layer_on_the_features_of_every_pixel():
    """Brute force: read each pixel's features, multiply."""
    dense, images, _ = disks(2)
    maps = [torch.from_numpy(dense).float(), *image_maps(standardise_images(torch.from_numpy(images)))]
    assert [m.shape[1] for m in maps[1:]] == [N_FINE, N_COARSE]
    rng = np.random.default_rng(0)
    weights = torch.from_numpy(rng.normal(size=(3, 4 + N_FINE + N_COARSE)).astype(np.float32))
    bias = torch.tensor([0.5, -1.0, 2.0])
    features = read_at(maps, 1, torch.arange(SIDE * SIDE), SIDE)
    expected = (features @ weights.T + bias).T.reshape(3, SIDE, SIDE)
    assert torch.allclose(project(maps, weights, bias, SIDE)[1], expected, atol=1e-3)


def test_pixels_are_read_at_their_row_and_column():
    fine, coarse = image_maps(torch.zeros(1, 3, SIDE, SIDE))
    pixel = 5 * SIDE + 40
    read = read_at([fine, coarse], 0, torch.tensor([pixel]), SIDE)[0]
    row, column = -1 + 2 * 5 / (SIDE - 1), -1 + 2 * 40 / (SIDE - 1)
    expected = [0, 0, 0, row, column, abs(column), row**2, column**2]
    assert torch.allclose(read[:N_FINE], torch.tensor(expected), atol=1e-5)


def test_the_linear_head_minimises_its_loss():
    """The gradient of the penalised, weighed cross-entropy is zero where the fit ends."""
    from alcore.heads import dense_linear

    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(300, 5, generator=generator), torch.randint(3, (300,), generator=generator)
    areas = torch.rand(300, generator=generator)
    weights, bias = dense_linear._fit(x, y, areas, 3, ridge=0.01)
    prior = torch.bincount(y, weights=areas, minlength=3) / areas.sum()
    weight = areas * prior[y] ** (dense_linear.PRIOR_POWER - 1)
    weights, bias = weights.requires_grad_(), bias.requires_grad_()
    loss = (functional.cross_entropy(x @ weights.T + bias, y, reduction="none") * weight).sum() / weight.sum()
    (loss + 0.01 * weights.square().sum()).backward()
    assert weights.grad.abs().max() < 1e-3
    assert bias.grad.abs().max() < 1e-3


def test_a_lone_class_is_all_the_linear_head_knows():
    dense, images, masks = disks(2)
    head = train_dense_linear(dense, images, np.zeros_like(masks), 2, seed=0)
    assert isinstance(head, DenseLinearHead)
    assert (head.bias[:, 1] == ABSENT_BIAS).all()
    assert (head.predict(dense, images).argmax(2) == 0).all()


def test_prototypes_are_unit_means_of_pure_cells():
    """By hand: two kinds of cells, one class each, so every prototype is one of two directions."""
    dense = np.zeros((2, 2, 8, 8), np.float16)
    dense[:, 0, :, :4], dense[:, 1, :, 4:] = 1, 1
    masks = np.zeros((2, SIDE, SIDE), np.uint8)
    masks[:, :, 32:] = 1
    images = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    head = train_dense_prototype(dense, images, masks, 2, seed=0, n_members=1)
    assert isinstance(head, DensePrototypeHead)
    half = 2**-0.5
    np.testing.assert_allclose(head.prototypes[0, 0].numpy(), [[half, -half]] * 6, atol=1e-3)
    np.testing.assert_allclose(head.prototypes[0, 1].numpy(), [[-half, half]] * 6, atol=1e-3)
    committee = head.predict(dense, images)
    assert (committee[0].argmax(1) == masks).mean() > 0.98
    assert committee[0, 0, 1, 10, 60] > 0.9
