"""Metrics of masks, labels, probabilities and learning curves. Higher is better, except for `ece` and `brier`."""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64, Shaped
from numpy.typing import ArrayLike

from alcore.errors import InvalidInput

IGNORE_LABEL = 255
"""Pixels of this id in a reference label map are counted nowhere."""


def dice(a: Bool[np.ndarray, "h w"], b: Bool[np.ndarray, "h w"]) -> float:
    """Return 2·|a ∩ b| / (|a| + |b|); two empty masks agree, so theirs is 1.0."""
    _check_same_shape(a, b)
    total = int(a.sum()) + int(b.sum())
    return 2.0 * int((a & b).sum()) / total if total else 1.0


def iou(a: Bool[np.ndarray, "h w"], b: Bool[np.ndarray, "h w"]) -> float:
    """Return |a ∩ b| / |a ∪ b|; two empty masks agree, so theirs is 1.0."""
    _check_same_shape(a, b)
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0


def mean_dice_per_class(
    pred_labels: Int[np.ndarray, "*n h w"], gt_labels: Int[np.ndarray, "*n h w"], n_classes: int
) -> Float[np.ndarray, " c"]:
    """Return the Dice of each foreground class, averaged over the images that show it.

    Args:
        pred_labels: label ids of n images (or of one), 0 = background.
        gt_labels: reference ids; pixels of id 255 are left out of the count.
        n_classes: number of ids, background included.

    Returns:
        One value for each of the ids 1 .. n_classes - 1. An image counts for a class where reference or prediction
        holds it: a false alarm costs, a rightly empty answer is neither rewarded nor punished. A class that occurs
        nowhere is NaN; take `np.nanmean` over classes.
    """
    _check_same_shape(pred_labels, gt_labels)
    if n_classes < 2:
        raise InvalidInput(f"n_classes counts the background too and must be >= 2; got {n_classes}")
    pred = pred_labels.reshape(-1, *pred_labels.shape[-2:])
    gt = gt_labels.reshape(pred.shape)
    for name, labels in (("pred_labels", pred), ("gt_labels", gt)):
        unknown = np.setdiff1d(np.unique(labels), [*range(n_classes), IGNORE_LABEL])
        if unknown.size:
            raise InvalidInput(f"{name} holds id {unknown[0]}; allowed are 0 .. {n_classes - 1} and {IGNORE_LABEL}")
    counted = gt != IGNORE_LABEL
    result = np.full(n_classes - 1, np.nan)
    for class_id in range(1, n_classes):
        in_pred, in_gt = (pred == class_id) & counted, gt == class_id
        overlap = (in_pred & in_gt).sum(axis=(1, 2))
        total = in_pred.sum(axis=(1, 2)) + in_gt.sum(axis=(1, 2))
        if (total > 0).any():
            result[class_id - 1] = (2.0 * overlap[total > 0] / total[total > 0]).mean()
    return result


def accuracy(predicted: Int[np.ndarray, " n"], targets: Int[np.ndarray, " n"]) -> float:
    """Return the share of equal entries."""
    _check_labels(predicted, targets)
    return float((predicted == targets).mean())


def balanced_accuracy(predicted: Int[np.ndarray, " n"], targets: Int[np.ndarray, " n"]) -> float:
    """Return the mean over the classes in `targets` of the share of each that was found."""
    _check_labels(predicted, targets)
    return float(np.mean([(predicted[targets == label] == label).mean() for label in np.unique(targets)]))


def class_scores(
    predicted: Int[np.ndarray, " n"], targets: Int[np.ndarray, " n"], n_classes: int
) -> Float64[np.ndarray, "k 4"]:
    """Return each class's count, precision, recall and F1; of pixels, F1 is the Dice of all of them together.

    A share of nothing is NaN: the precision of a class that was never said, the recall of one that never occurs.

    Raises:
        InvalidInput: the lengths differ or are 0, or a label is not from 0 to `n_classes` - 1.

    Source: van Rijsbergen 1979 for F1 = 2 TP / (2 TP + FP + FN). O(n + k²).
    """
    _check_labels(predicted, targets)
    both = np.concatenate([predicted, targets])
    if both.min() < 0 or both.max() >= n_classes:
        raise InvalidInput(f"labels must be from 0 to {n_classes - 1}; got {both.min()} to {both.max()}")
    table = np.bincount(targets * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)
    hits, truth, said = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    shares = [
        np.where(of > 0, k * hits / np.maximum(of, 1), np.nan) for k, of in ((1, said), (1, truth), (2, said + truth))
    ]
    return np.stack([truth, *shares], axis=1).astype(np.float64)


def ece(probabilities: Float[np.ndarray, "n c"], targets: Int[np.ndarray, " n"], *, n_bins: int = 15) -> float:
    """Return the expected calibration error: mean gap between confidence and accuracy, weighted by bin size.

    Bins are equal parts of (0, 1] and hold their upper edge.

    Source: Guo et al. 2017, equation 3 (arXiv:1706.04599). O(n·c). No departure.
    """
    _check_labels(probabilities.argmax(axis=1), targets)
    if n_bins < 1:
        raise InvalidInput(f"n_bins must be >= 1; got {n_bins}")
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == targets
    bins = confidence_bins(confidence, n_bins)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(targets))


def confidence_bins(confidence: Float64[np.ndarray, " n"], n_bins: int) -> Int64[np.ndarray, " n"]:
    """Return the bin of each confidence: equal parts of (0, 1] that hold their upper edge, numbered from 0."""
    return np.clip(np.ceil(confidence * n_bins).astype(np.int64) - 1, 0, n_bins - 1)


def brier(probabilities: Float[np.ndarray, "n c"], targets: Int[np.ndarray, " n"]) -> float:
    """Return the Brier score: mean squared distance to the true class as a unit vector, 0 (certain and right) to 2.

    Source: Brier 1950, equation 2, a sum over all classes; many libraries halve it for two classes. O(n·c).
    """
    _check_labels(probabilities.argmax(axis=1), targets)
    truth = np.eye(probabilities.shape[1])[targets]
    return float(np.square(probabilities - truth).sum(axis=1).mean())


def aubc(x: ArrayLike, y: ArrayLike) -> float:
    """Return the area under a budget curve, by trapezoids, divided by the width of the budget: a mean height.

    Args:
        x: budget spent at each point, never falling.
        y: metric at each point.

    Returns:
        A value between the smallest and largest `y`; the mean of `y` where the budget never moves.

    Source: Zhan et al. 2021 (IJCAI), with annotator seconds allowed for budget. O(n). Divided by the budget's width.
    """
    budget, height = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if budget.shape != height.shape or budget.ndim != 1 or budget.size == 0:
        raise InvalidInput(f"a curve needs as many budgets as values, at least one; got {budget.shape}, {height.shape}")
    if not (np.isfinite(budget).all() and np.isfinite(height).all()) or (np.diff(budget) < 0).any():
        raise InvalidInput("a curve needs finite numbers, and a budget that never falls")
    width = budget[-1] - budget[0]
    return float(np.trapezoid(height, budget) / width) if width > 0 else float(height.mean())


def class_mean(values: Float[np.ndarray, " n"], classes: Int[np.ndarray, " n"]) -> float:
    """Return the mean over classes of their mean value: balanced accuracy where a value is 1 for a right answer."""
    sums, counts = np.bincount(classes, weights=values), np.bincount(classes)
    return float((sums[counts > 0] / counts[counts > 0]).mean())


def bootstrap_ci95(
    values: ArrayLike,
    rng: np.random.Generator,
    *,
    groups: Shaped[np.ndarray, " n"] | None = None,
    classes: Int[np.ndarray, " n"] | None = None,
    n_resamples: int = 2000,
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean; a single value is its own interval.

    Args:
        values: at least one, all finite.
        rng: the only source of chance.
        groups: patients, which are drawn instead of values: images of one patient tell less than as many of others.
        classes: with them the interval is that of `class_mean`, over the classes that a sample happens to hold.
        n_resamples: bootstrap samples.

    Raises:
        InvalidInput: no value, one that is not finite, or lengths that differ.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0 or not np.isfinite(sample).all():
        raise InvalidInput("the bootstrap needs at least one value, all finite")
    units = np.arange(sample.size) if groups is None else np.unique(groups, return_inverse=True)[1]
    kinds = np.zeros(sample.size, dtype=np.int64) if classes is None else np.unique(classes, return_inverse=True)[1]
    if units.shape != sample.shape or kinds.shape != sample.shape:
        raise InvalidInput(f"groups and classes need {sample.size} entries; got {units.size} and {kinds.size}")
    n_units = int(units.max()) + 1
    drawn = rng.integers(n_units, size=(n_resamples, n_units))
    low, high = np.percentile(_resampled(sample[None], units, kinds, drawn)[:, 0], [2.5, 97.5])
    return float(low), float(high)


def resampled_means(
    values: Float[np.ndarray, "r n"],
    groups: Shaped[np.ndarray, " n"],
    classes: Int[np.ndarray, " n"],
    rng: np.random.Generator,
    n_resamples: int,
) -> Float[np.ndarray, "b r"]:
    """Return `class_mean` of each row of values over the same bootstrap samples of groups."""
    units, kinds = (np.unique(names, return_inverse=True)[1] for names in (groups, classes))
    drawn = rng.integers(int(units.max()) + 1, size=(n_resamples, int(units.max()) + 1))
    return _resampled(np.asarray(values, dtype=np.float64), units, kinds, drawn)


def _resampled(
    values: Float[np.ndarray, "r n"],
    units: Int[np.ndarray, " n"],
    kinds: Int[np.ndarray, " n"],
    drawn: Int[np.ndarray, "b g"],
) -> Float[np.ndarray, "b r"]:
    """Means over classes, of samples of units."""
    n_units, n_kinds = drawn.shape[1], int(kinds.max()) + 1
    cells = units * n_kinds + kinds
    counts = np.bincount(cells, minlength=n_units * n_kinds).reshape(n_units, n_kinds)
    sums = np.stack([np.bincount(cells, weights=row, minlength=n_units * n_kinds) for row in values])
    sums = sums.reshape(len(values), n_units, n_kinds)
    means = np.empty((len(drawn), len(values)))
    for sample, rows in enumerate(drawn):
        held = counts[rows].sum(axis=0)
        shown = held > 0
        means[sample] = (sums[:, rows].sum(axis=1)[:, shown] / held[shown]).mean(axis=1)
    return means


def _check_same_shape(a: Shaped[np.ndarray, "..."], b: Shaped[np.ndarray, "..."]) -> None:
    """Refuse arrays that cannot be compared pixel by pixel."""
    if a.shape != b.shape:
        raise InvalidInput(f"both must have the same shape; got {a.shape} and {b.shape}")


def _check_labels(predicted: Shaped[np.ndarray, "..."], targets: Shaped[np.ndarray, "..."]) -> None:
    """Refuse label vectors of different or no length."""
    if predicted.shape != targets.shape or targets.size == 0:
        raise InvalidInput(f"need as many predictions as targets, at least one; got {predicted.shape}, {targets.shape}")
