"""The segmentation head learns from a few masks, says how sure it is, stops when told and survives the disk."""

import numpy as np
import pytest
import torch

from alcore.acquisition import ACQUISITIONS
from alcore.errors import Cancelled, InvalidInput, ModelFileError
from alcore.heads.augment import Batch, move
from alcore.heads.losses import pixel_loss, soft_dice_loss
from alcore.heads.scoring import score_segmentation
from alcore.heads.segmentation import load_segmentation_head, train_segmentation_head
from alcore.metrics import mean_dice_per_class

SIDE = 64


def disks(n, seed=0):
    """Bright off-centre disks on noise, with feature maps that only hint at them."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    masks = np.zeros((n, SIDE, SIDE), dtype=np.uint8)
    for mask in masks:
        y, x, r = rng.uniform(16, 48), rng.uniform(12, 52), rng.uniform(8, 14)
        mask[(rows - y) ** 2 + (columns - x) ** 2 < r * r] = 1
    grey = np.clip(80 + 70 * masks + rng.normal(0, 25, masks.shape), 0, 255).astype(np.uint8)
    dense = rng.normal(size=(n, 4, 8, 8)).astype(np.float16)
    dense[:, 0] += masks.reshape(n, 8, 8, 8, 8).mean((2, 4)).astype(np.float16)
    return dense, np.repeat(grey[..., None], 3, axis=3), masks


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def head():
    dense, images, masks = disks(8)
    return train_segmentation_head(dense, images, masks, 2, seed=0, n_members=2, steps=60)


def test_a_few_masks_teach_it_to_find_disks(head):
    dense, images, masks = disks(6, seed=1)
    committee = head.predict(dense, images)
    assert committee.shape == (2, 6, 2, SIDE, SIDE)
    np.testing.assert_allclose(committee.sum(2), 1.0, atol=1e-4)
    predicted = committee.mean(0).argmax(1)
    assert mean_dice_per_class(predicted, masks.astype(np.int64), 2)[0] > 0.8


def test_members_differ_and_the_scores_see_it(head):
    dense, images, _ = disks(3, seed=2)
    opinion = score_segmentation(head.predict(dense, images))
    scores = opinion.uncertainty
    assert set(scores) == {name for name, entry in ACQUISITIONS.items() if entry.is_dense}
    assert all(values.shape == (3,) for values in scores.values())
    assert (scores["bald"] > 0).all()
    np.testing.assert_allclose(scores["entropy"], scores["dbal"], rtol=1e-4)


def test_the_same_seed_gives_the_same_head_whatever_else_drew_numbers():
    dense, images, masks = disks(3)
    first = train_segmentation_head(dense, images, masks, 2, seed=5, n_members=1, steps=3)
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    second = train_segmentation_head(dense, images, masks, 2, seed=5, n_members=1, steps=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(first.predict(dense, images), second.predict(dense, images))


def test_ignored_and_weightless_pixels_teach_nothing():
    dense, images, masks = disks(3)
    masks[:, :32] = 255
    other = masks.copy()
    other[:, 32:40] = 1 - other[:, 32:40]
    weights = np.ones(masks.shape, dtype=np.float32)
    weights[:, 32:40] = 0
    first, second = (
        train_segmentation_head(dense, images, m, 2, weights=weights, seed=0, n_members=1, steps=2).predict(
            dense, images
        )
        for m in (masks, other)
    )
    np.testing.assert_array_equal(first, second)


def test_saving_and_loading_change_no_prediction(head, tmp_path):
    dense, images, _ = disks(2)
    head.save(tmp_path / "head.safetensors")
    loaded = load_segmentation_head(tmp_path / "head.safetensors")
    np.testing.assert_array_equal(head.predict(dense, images), loaded.predict(dense, images))
    assert [path.name for path in tmp_path.iterdir()] == ["head.safetensors"]


def test_broken_and_foreign_files_are_refused(head, tmp_path):
    from safetensors.torch import save_file

    from alcore.heads.classification import load_classification_head

    path = tmp_path / "head.safetensors"
    head.save(path)
    with pytest.raises(ModelFileError, match="needed: 'classification'"):
        load_classification_head(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelFileError, match="truncated"):
        load_segmentation_head(path)
    with pytest.raises(ModelFileError, match="does not exist"):
        load_segmentation_head(tmp_path / "none")
    save_file({"a": torch.zeros(2)}, tmp_path / "other")
    with pytest.raises(ModelFileError, match="no head"):
        load_segmentation_head(tmp_path / "other")


def test_progress_counts_all_members_and_may_stop_the_work():
    dense, images, masks = disks(2)
    seen = []
    train_segmentation_head(
        dense, images, masks, 2, seed=0, n_members=2, steps=2, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]

    def stop(done, total):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        train_segmentation_head(dense, images, masks, 2, seed=0, n_members=1, steps=50, progress=stop)


def test_inputs_that_do_not_fit_are_refused(head):
    dense, images, masks = disks(2)
    with pytest.raises(InvalidInput, match="hold id 7"):
        train_segmentation_head(dense, images, masks + 7, 2, seed=0)
    with pytest.raises(InvalidInput, match="every pixel is ignored"):
        train_segmentation_head(dense, images, np.full_like(masks, 255), 2, seed=0)
    with pytest.raises(InvalidInput, match="at least one labeled"):
        train_segmentation_head(dense[:0], images[:0], masks[:0], 2, seed=0)
    with pytest.raises(InvalidInput, match="feature channels"):
        head.predict(np.repeat(dense, 2, axis=1), images)
    with pytest.raises(InvalidInput, match="multiple of 32"):
        head.predict(dense, images[:, :40, :40])
    with pytest.raises(InvalidInput, match="finite"):
        head.predict(dense * np.float16(np.nan), images)


def test_labels_move_with_the_image():
    dense, _, masks = disks(1)
    labels = torch.from_numpy(masks).long()
    batch = Batch(
        features=torch.from_numpy(dense).float(),
        images=torch.from_numpy(masks).float()[:, None].expand(1, 3, SIDE, SIDE),
        targets=labels,
        weights=torch.ones(labels.shape),
    )
    mirrored = move(batch, torch.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
    assert torch.equal(mirrored.targets, labels.flip(-1))
    assert torch.allclose(mirrored.features, batch.features.flip(-1), atol=1e-4)
    shifted = move(batch, torch.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]]))
    assert shifted.weights[0, :, -15:].max() == 0  # a quarter of the view lies outside
    assert shifted.weights[0, :, :40].min() == 1


def test_the_loss_follows_its_formula():
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(2, 3, 4, 4, generator=generator), torch.randint(3, (2, 4, 4), generator=generator)
    weights = torch.rand(2, 4, 4, generator=generator)
    p = logits.softmax(1)
    picked = p.gather(1, targets[:, None])[:, 0]
    expected = -(weights * picked.log()).sum() / weights.sum()
    for c in (1, 2):
        truth = (targets == c).float()
        overlap = (p[:, c] * truth * weights * weights).sum()
        expected += (1 - (2 * overlap + 1) / ((p[:, c] + truth) * weights).sum().add(1)) / 2
    assert torch.allclose(pixel_loss(logits, targets, weights), expected, atol=1e-5)


def test_each_member_leaves_its_own_fold_out():
    dense, images, masks = disks(6)
    empty, flipped = np.zeros_like(masks), 1 - masks
    folds = [np.array([0, 1, 2]), np.array([3, 4, 5])]
    contrary = np.concatenate([masks[:3], flipped[3:]])
    head = train_segmentation_head(dense, images, contrary, 2, seed=0, folds=folds, steps=60)
    first, second = head.predict(dense, images).argmax(axis=2)
    assert (first == flipped).mean() > 0.9, "member 0 saw only the flipped masks of fold 1"
    assert (second == masks).mean() > 0.9, "member 1 saw only the plain masks of fold 0"
    np.testing.assert_array_equal(head.member(1).predict(dense, images)[0], head.predict(dense, images)[1])
    with pytest.raises(InvalidInput, match="accept at least one mask"):
        train_segmentation_head(
            dense,
            images,
            np.where(np.arange(6)[:, None, None] < 3, empty, 255).astype(np.uint8),
            2,
            seed=0,
            folds=folds[:1],
        )


def test_heads_of_earlier_releases_have_no_temperature_and_load(head, tmp_path):
    from alcore.heads.files import read_head, write_head
    from alcore.heads.training import load_head

    dense, images, _ = disks(2)
    head.save(tmp_path / "new")
    tensors, description = read_head(tmp_path / "new", "segmentation-decoder")
    earlier = {key: description[key] for key in ("kind", "n_classes", "n_members")}
    write_head(tmp_path / "old", tensors, earlier)
    loaded = load_head(tmp_path / "old")
    assert loaded.temperature == 1.0
    np.testing.assert_array_equal(loaded.predict(dense, images), head.predict(dense, images))
    calm = head.tempered(2.0).predict(dense, images)
    assert calm.max(axis=2).mean() < head.predict(dense, images).max(axis=2).mean()


def test_soft_dice_is_monais_masked_dice():
    from monai.losses import MaskedDiceLoss

    generator = torch.Generator().manual_seed(4)
    probabilities = torch.rand(3, 4, 8, 8, generator=generator).softmax(dim=1)
    labels = torch.randint(0, 4, (3, 8, 8), generator=generator)
    targets = torch.nn.functional.one_hot(labels, 4).permute(0, 3, 1, 2).float()
    monais = MaskedDiceLoss(include_background=False, batch=True, smooth_nr=1.0, smooth_dr=1.0)
    for weights in (torch.ones(3, 1, 8, 8), torch.randint(0, 2, (3, 1, 8, 8), generator=generator).float()):
        expected = monais(probabilities, targets, weights)
        assert torch.allclose(soft_dice_loss(probabilities, targets, weights), expected, atol=1e-6)
