"""Metrics: cases worked by hand, references written plainly, and properties."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import balanced_accuracy_score

from alcore.errors import InvalidInput
from alcore.metrics import (
    accuracy,
    aubc,
    balanced_accuracy,
    bootstrap_ci95,
    class_mean,
    class_scores,
    dice,
    ece,
    iou,
    mean_dice_per_class,
    resampled_means,
)

LABELS = hnp.arrays(np.int64, (3, 4, 5), elements=st.integers(0, 2))
MASKS = hnp.arrays(np.bool_, (5, 8))


def test_dice_and_iou_of_a_worked_case():
    a, b = np.zeros((4, 6), bool), np.zeros((4, 6), bool)
    a[0, :4] = True
    b[0, 2:6] = True
    assert dice(a, b) == 0.5
    assert iou(a, b) == 2 / 6


def test_two_empty_masks_agree_and_one_empty_does_not():
    empty, full = np.zeros((2, 3), bool), np.ones((2, 3), bool)
    assert dice(empty, empty) == iou(empty, empty) == 1.0
    assert dice(empty, full) == iou(full, empty) == 0.0


@settings(max_examples=60, deadline=None)
@given(MASKS, MASKS)
def test_dice_and_iou_are_symmetric_bounded_and_tied_to_each_other(a, b):
    d, j = dice(a, b), iou(a, b)
    assert d == dice(b, a)
    assert 0 <= j <= d <= 1
    assert d == pytest.approx(2 * j / (1 + j))


@settings(max_examples=60, deadline=None)
@given(MASKS, MASKS)
@example(np.zeros((5, 8), bool), np.zeros((5, 8), bool))
@example(np.zeros((5, 8), bool), np.ones((5, 8), bool))
def test_dice_and_iou_match_monai_where_two_empty_masks_count_as_agreement(a, b):
    from monai.metrics import compute_dice, compute_iou

    pred, reference = (torch.from_numpy(mask)[None, None].float() for mask in (a, b))
    assert dice(a, b) == pytest.approx(compute_dice(pred, reference, ignore_empty=False).item())
    assert iou(a, b) == pytest.approx(compute_iou(pred, reference, ignore_empty=False).item())


def test_masks_of_different_shape_are_refused():
    with pytest.raises((InvalidInput, TypeError)):
        dice(np.zeros((2, 3), bool), np.zeros((3, 2), bool))


def test_dice_per_class_counts_an_image_where_either_side_shows_the_class():
    gt = np.zeros((3, 2, 4), int)
    pred = np.zeros((3, 2, 4), int)
    gt[0, 0, :2], pred[0, 0, :2] = 1, 1  # perfect
    pred[1, 0, 0] = 1  # false alarm
    gt[2, 1, :] = 255  # not counted
    pred[2, 1, :] = 1
    values = mean_dice_per_class(pred, gt, 3)
    assert values[0] == 0.5
    assert np.isnan(values[1])
    assert mean_dice_per_class(pred[0], gt[0], 2).tolist() == [1.0]


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(np.int64, (3, 4, 5), elements=st.integers(0, 2)),
    hnp.arrays(np.int64, (3, 4, 5), elements=st.integers(0, 2)),
)
def test_dice_per_class_matches_a_plain_loop(pred, gt):
    values = mean_dice_per_class(pred, gt, 3)
    for class_id in (1, 2):
        shown = [i for i in range(3) if (pred[i] == class_id).any() or (gt[i] == class_id).any()]
        expected = np.mean([dice(pred[i] == class_id, gt[i] == class_id) for i in shown]) if shown else np.nan
        np.testing.assert_allclose(values[class_id - 1], expected)


@settings(max_examples=40, deadline=None)
@given(LABELS, hnp.arrays(np.int64, (3, 4, 5), elements=st.sampled_from([0, 1, 2, 255])))
def test_dice_per_class_matches_monai_over_the_images_that_show_the_class(pred, gt):
    from monai.metrics import compute_dice

    counted = gt != 255
    ours, theirs = (torch.from_numpy(np.stack([(x == k) & counted for k in (1, 2)], axis=1)) for x in (pred, gt))
    per_image = compute_dice(ours.float(), theirs.float(), ignore_empty=False).numpy()
    shown = (ours | theirs).flatten(2).any(dim=2).numpy()
    for column in (0, 1):
        expected = per_image[shown[:, column], column].mean() if shown[:, column].any() else np.nan
        np.testing.assert_allclose(mean_dice_per_class(pred, gt, 3)[column], expected, rtol=1e-6)


def test_unknown_label_ids_are_refused():
    with pytest.raises(InvalidInput, match="id 7"):
        mean_dice_per_class(np.full((2, 2), 7), np.zeros((2, 2), int), 3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_balanced_accuracy_matches_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, 30)
    predicted = rng.choice(np.unique(targets), 30)
    assert balanced_accuracy(predicted, targets) == pytest.approx(balanced_accuracy_score(targets, predicted))


@settings(max_examples=40, deadline=None)
@given(MASKS.filter(lambda mask: 0 < mask.mean() < 1), MASKS)
def test_both_accuracies_of_two_classes_match_monais_confusion_matrix(reference, predicted):
    from monai.metrics import compute_confusion_matrix_metric, get_confusion_matrix

    one_channel = [torch.from_numpy(mask)[None, None].float() for mask in (predicted, reference)]
    matrix = get_confusion_matrix(*one_channel)[0, 0]
    labels = predicted.ravel().astype(int), reference.ravel().astype(int)
    for ours, name in ((accuracy, "accuracy"), (balanced_accuracy, "balanced accuracy")):
        assert ours(*labels) == pytest.approx(compute_confusion_matrix_metric(name, matrix).item())


def test_accuracy_is_the_share_of_hits():
    assert accuracy(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])) == 0.75
    with pytest.raises(InvalidInput):
        accuracy(np.array([], int), np.array([], int))


def test_calibration_error_of_a_worked_case():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    targets = np.array([0, 1, 1, 1])
    assert ece(probabilities, targets, n_bins=10) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)


def test_calibration_error_is_zero_for_sure_and_right_answers():
    assert ece(np.eye(3), np.arange(3)) == 0.0


def test_area_under_a_straight_curve_is_its_middle():
    assert aubc([10, 20, 40], [0.0, 1 / 3, 1.0]) == pytest.approx(0.5)
    assert aubc([5.0], [0.7]) == pytest.approx(0.7)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0, 1)), min_size=2, max_size=8))
def test_area_lies_between_lowest_and_highest_and_ignores_units(points):
    x = np.cumsum([step for step, _ in points])
    y = [value for _, value in points]
    area = aubc(x, y)
    assert min(y) - 1e-9 <= area <= max(y) + 1e-9
    assert aubc(x * 60 + 5, y) == pytest.approx(area)


def test_a_falling_budget_is_refused():
    with pytest.raises(InvalidInput, match="never falls"):
        aubc([2, 1], [0.1, 0.2])


def test_the_bootstrap_interval_holds_the_mean_and_is_seeded():
    values = np.random.default_rng(0).normal(size=40)
    low, high = bootstrap_ci95(values, np.random.default_rng(1))
    assert low < values.mean() < high
    assert (high - low) == pytest.approx(2 * 1.96 * values.std() / np.sqrt(40), rel=0.15)
    assert bootstrap_ci95(values, np.random.default_rng(1)) == (low, high)
    assert bootstrap_ci95([0.4], np.random.default_rng(1)) == pytest.approx((0.4, 0.4))


def test_the_mean_over_classes_of_right_answers_is_balanced_accuracy():
    rng = np.random.default_rng(0)
    targets, predicted = rng.integers(3, size=50), rng.integers(3, size=50)
    right = (predicted == targets).astype(float)
    assert class_mean(right, targets) == pytest.approx(balanced_accuracy_score(targets, predicted))
    assert class_mean(np.array([1.0, 0.0]), np.array([4, 4])) == 0.5  # classes that are not there count nowhere


def test_bootstrap_samples_of_groups_are_those_of_a_plain_loop():
    values = np.array([[1.0, 0.0, 0.5, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0, 0.0]])
    groups, classes = np.array(["a", "a", "b", "c", "c"]), np.array([0, 1, 0, 0, 1])
    found = resampled_means(values, groups, classes, np.random.default_rng(7), 40)
    drawn = np.random.default_rng(7).integers(3, size=(40, 3))
    for sample, names in enumerate(drawn):
        rows = np.concatenate([np.flatnonzero(groups == "abc"[name]) for name in names])
        for row in range(2):
            means = [values[row, rows][classes[rows] == c].mean() for c in set(classes[rows].tolist())]
            assert found[sample, row] == pytest.approx(np.mean(means))


def test_an_interval_over_patients_is_wider_and_one_patient_has_none():
    values = np.repeat(np.random.default_rng(0).random(12), 4)
    patients = np.repeat(np.arange(12), 4)
    alone = np.diff(bootstrap_ci95(values, np.random.default_rng(1)))
    together = np.diff(bootstrap_ci95(values, np.random.default_rng(1), groups=patients))
    assert together > 1.6 * alone
    low, high = bootstrap_ci95(values, np.random.default_rng(1), groups=patients * 0)
    assert low == high == pytest.approx(values.mean())
    with pytest.raises(InvalidInput, match="groups and classes need 48"):
        bootstrap_ci95(values, np.random.default_rng(1), groups=patients[:3])


def test_a_rare_class_does_not_push_the_interval_out_of_range():
    right = np.array([1.0] * 9 + [1.0])
    assert bootstrap_ci95(right, np.random.default_rng(0), classes=np.array([0] * 9 + [1])) == (1.0, 1.0)


def test_class_scores_by_hand() -> None:
    found = class_scores(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 2]), 4)
    assert found[:, 0].tolist() == [1, 3, 1, 0]
    assert found[0, 1:] == pytest.approx([1 / 2, 1, 2 / 3])
    assert found[1, 1:] == pytest.approx([2 / 3, 2 / 3, 2 / 3])
    assert found[2, 2:] == pytest.approx([0, 0])
    assert np.isnan(found[2, 1])
    assert np.isnan(found[3, 1:]).all()


def test_mean_recall_is_balanced_accuracy() -> None:
    rng = np.random.default_rng(2)
    predicted, targets = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    assert class_scores(predicted, targets, 5)[:, 2].mean() == pytest.approx(balanced_accuracy(predicted, targets))


def test_class_scores_refuse_labels_without_a_class() -> None:
    with pytest.raises(InvalidInput, match="from 0 to 1; got 0 to 2"):
        class_scores(np.array([0, 2]), np.array([0, 1]), 2)
