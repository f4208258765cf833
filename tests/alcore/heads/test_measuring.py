"""Heads are measured on what they have not seen, as committees where they will be committees, and the best is taken."""

import numpy as np
import pytest

from alcore.errors import InvalidInput, UnknownName
from alcore.heads.folds import committee_folds
from alcore.heads.measuring import (
    CALIBRATION_PIXELS,
    N_BLIND,
    compare_classifiers,
    compare_heads,
    measure_blind,
    measure_head,
)
from alcore.heads.registry import FEW_LABELS, HEADS, best_of, candidates
from alcore.heads.training import train_head
from tests.alcore.heads.drawn import disks


class Brightness:
    """Foreground, surely, is what is brighter than 128."""

    temperature = 1.0

    def __init__(self, members=(0,)):
        self.members = members

    def predict(self, dense, images_rgb):
        foreground = (images_rgb.mean(axis=3) > 128).astype(np.float32)
        return np.stack([np.stack([1 - foreground, foreground], axis=1)] * len(self.members))

    def member(self, *rows):
        return Brightness(tuple(self.members[row] for row in rows))

    def tempered(self, temperature):
        return self

    def save(self, path):
        raise NotImplementedError


def squares():
    """Three images by hand: found half, found wholly, and nothing to find."""
    images, masks = np.zeros((3, 32, 32, 3), np.uint8), np.zeros((3, 32, 32), np.uint8)
    masks[0, :8, :8], masks[1, :4, :4] = 1, 1
    images[0, :4, :8], images[1, :4, :4] = 200, 200
    return np.zeros((3, 2, 8, 8), np.float16), images, masks


def test_values_are_dice_and_images_without_objects_say_nothing():
    found = measure_head(Brightness(), *squares(), 2)
    np.testing.assert_allclose(found.values, [2 * 32 / (32 + 64), 1.0, np.nan])
    assert found.probabilities.shape == (3 * CALIBRATION_PIXELS, 2)
    np.testing.assert_array_equal(np.bincount(found.owners), [CALIBRATION_PIXELS] * 3)
    right = found.probabilities.argmax(axis=1) == found.targets
    assert right[found.owners > 0].all()
    assert not right[found.owners == 0].all()


def test_the_dice_that_a_head_expects_is_nan_only_where_it_finds_nothing():
    dense, images, masks = disks(4)
    head = train_head("dense_linear", dense, images, masks, 2, seed=0)
    found = measure_head(head, dense, images, masks, 2)
    assert ((found.confidences > 0.5) & (found.confidences <= 1)).all()
    dark = measure_head(Brightness(), *squares(), 2)
    assert np.isnan(dark.confidences).tolist() == [False, False, True]
    assert dark.confidences[:2].tolist() == [1.0, 1.0]  # it is sure, though it finds but half of the first


def test_ignored_pixels_are_not_drawn():
    dense, images, masks = squares()
    masks[0, 4:8, :8] = 255
    masks[2] = 255
    found = measure_head(Brightness(), dense, images, masks, 2)
    assert found.values[0] == 1.0
    assert (found.probabilities.argmax(axis=1) == found.targets).all()
    assert set(found.owners.tolist()) == {0, 1}


@pytest.mark.parametrize(("n_members", "seen"), [(1, 6), (3, 4)])
def test_members_of_a_blind_committee_never_see_their_fold_and_see_63_percent_of_the_rest(n_members, seen):
    folds = [np.array([0, 4, 8]), np.array([1, 2, 3]), np.array([5, 6, 7])]
    left_out = committee_folds(folds, n_members=n_members, seed=0)
    assert len(left_out) == 3 * n_members
    for i, rows in enumerate(left_out):
        assert set(folds[i // n_members].tolist()) <= set(rows.tolist())
        assert 9 - len(rows) == seen
    if n_members > 1:
        assert {tuple(rows) for rows in left_out[:3]} != {tuple(left_out[0])}


@pytest.mark.parametrize(("name", "n_members"), [("dense_linear", N_BLIND), ("decoder", 1)])
def test_blind_measurement_asks_members_of_the_right_fold(name, n_members):
    dense, images, masks = disks(4)
    folds = [np.array([0, 1]), np.array([2, 3])]
    asked = []

    class Spy(Brightness):
        def member(self, *rows):
            asked.append(rows)
            return Brightness(rows)

    def train(head, left_out):
        assert head == name
        assert len(left_out) == 2 * n_members
        return Spy()

    made, parts = measure_blind(name, train, dense, images, masks, 2, folds, seed=0)
    assert isinstance(made, Spy)
    assert asked == [tuple(range(n_members)), tuple(range(n_members, 2 * n_members))]
    expected = measure_head(Brightness(), dense[folds[1]], images[folds[1]], masks[folds[1]], 2)
    np.testing.assert_array_equal(parts[1].values, expected.values)


def test_the_head_that_can_see_the_object_wins():
    """Features that show nothing leave prototypes blind; the linear head sees the image."""
    dense, images, masks = disks(6, hint=0)

    def train(name, folds):
        return train_head(name, dense, images, masks, 2, seed=0, folds=folds)

    names = candidates("auto", "segmentation", 6)
    scores = compare_heads(names, train, dense, images, masks, 2, groups=np.arange(6), seed=0)
    assert set(scores) == {"dense_linear", "dense_prototype"}
    assert best_of(scores) == "dense_linear"
    alone = compare_heads(names, train, dense, images, masks, 2, groups=np.zeros(6), seed=0)
    assert np.isnan(list(alone.values())).all()
    assert best_of(alone) == names[0]


def test_classifiers_are_compared_by_balanced_accuracy_out_of_fold():
    targets = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    seen = []

    def guess(name, kept, asked):
        assert not set(kept) & set(asked)
        seen.append(len(asked))
        return np.eye(2)[targets[asked]] if name == "good" else np.tile([1.0, 0.0], (len(asked), 1))

    scores = compare_classifiers(("lazy", "good"), guess, targets, groups=np.arange(9), seed=0)
    assert scores == {"lazy": 0.5, "good": 1.0}
    assert sum(seen) == 18
    lonely = compare_classifiers(("lazy",), guess, np.array([0, 1]), groups=np.array([0, 1]), seed=0)
    assert np.isnan(lonely["lazy"])


def test_auto_tries_cheap_heads_while_labels_are_few():
    assert candidates("auto", "segmentation", FEW_LABELS - 1) == ("dense_linear", "dense_prototype")
    for n in (0, FEW_LABELS - 1, FEW_LABELS):
        assert candidates("default", "segmentation", n) == ("decoder", "dense_linear")
    assert candidates("auto", "segmentation", FEW_LABELS) == ("decoder", "dense_linear")
    assert candidates("auto", "classification", 0) == ("prototype", "linear", "knn")
    assert candidates("default", "classification", 5) == ("prototype", "linear")
    assert candidates("default", "classification", 5000) == ("prototype", "linear")
    assert candidates("linear", "classification", 5) == ("linear",)
    assert candidates("unet", "segmentation", 5) == ("unet",)
    assert all(HEADS[name].is_cheap for name in candidates("auto", "classification", 1))
    with pytest.raises(UnknownName, match="auto, decoder"):
        candidates("forest", "segmentation", 5)
    with pytest.raises(InvalidInput, match="is for classification"):
        candidates("knn", "segmentation", 5)


def test_the_best_of_heads_is_the_first_of_equals_and_never_one_without_a_score():
    assert best_of({"a": 0.5, "b": 0.7, "c": 0.7}) == "b"
    assert best_of({"a": float("nan"), "b": 0.0}) == "b"
    assert best_of({"a": float("nan"), "b": float("nan")}) == "a"
