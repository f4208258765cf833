"""How good a head is, from the labeled items alone: train on most groups, measure on the others, in turn."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from alcore.errors import InvalidInput
from alcore.heads.classification import Kind, train_classification_head
from alcore.heads.segmentation import IGNORE_LABEL, train_segmentation_head
from alcore.metrics import balanced_accuracy, bootstrap_ci95, mean_dice_per_class
from alcore.types import Progress

N_FOLDS = 3
_N_RESAMPLES = 1000

Estimate = tuple[float, tuple[float, float]]
"""A metric and its 95 % interval."""


def group_folds(
    n: int, groups: Shaped[np.ndarray, " n"] | None, *, n_folds: int = N_FOLDS, seed: int
) -> list[Int[np.ndarray, " f"]]:
    """Split items so that no group is on two sides.

    Args:
        n: number of items.
        groups: patient or volume of each; every item is its own group by default.
        n_folds: folds wanted; fewer come back when there are fewer groups.
        seed: shuffles groups of equal size.

    Returns:
        Rows of each fold, sorted; the largest groups are dealt out first, each to the smallest fold.

    Raises:
        InvalidInput: fewer than two groups: nothing can be held out.
    """
    names, member = np.unique(np.arange(n) if groups is None else np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise InvalidInput(f"a cross-fit needs labeled items of at least 2 groups; got {len(names)}")
    sizes = np.bincount(member)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of_group = np.empty(len(names), dtype=np.int64)
    load = np.zeros(min(n_folds, len(names)), dtype=np.int64)
    for group in order:
        fold_of_group[group] = load.argmin()
        load[load.argmin()] += sizes[group]
    return [np.flatnonzero(fold_of_group[member] == fold) for fold in range(len(load))]


def cross_fit_segmentation(
    dense: Float[np.ndarray, "n c hd wd"],
    images_rgb: UInt8[np.ndarray, "n side side 3"],
    targets: UInt8[np.ndarray, "n side side"],
    n_classes: int,
    *,
    groups: Shaped[np.ndarray, " n"] | None = None,
    weights: Float[np.ndarray, "n side side"] | None = None,
    seed: int,
    steps: int | None = None,
    progress: Progress | None = None,
) -> Estimate:
    """Estimate the mean foreground Dice per image of a head trained on these labels.

    Args:
        dense: as for `train_segmentation_head`, and so are the next three and `weights`.
        images_rgb: squashed images.
        targets: label ids; pixels of id 255 count nowhere.
        n_classes: number of ids, background included.
        groups: items of one group are never on both sides.
        weights: pixel weights for training; measuring counts every pixel that is not ignored.
        seed: of folds and training.
        steps: optimiser steps a fold.
        progress: called with (done, total) steps over all folds.

    Returns:
        The mean over images that show or were given any foreground, and its bootstrap interval. One member a fold is
        trained, on fewer labels than the head itself, so the estimate errs on the low side.

    Raises:
        InvalidInput: fewer than two groups, no foreground anywhere, or what training refuses.
        Cancelled: raised by `progress`.
    """
    if not ((targets > 0) & (targets != IGNORE_LABEL)).any():
        raise InvalidInput("no labeled image holds any foreground; Dice has nothing to measure")
    folds = group_folds(len(dense), groups, seed=seed)
    per_image = np.full(len(dense), np.nan)
    for i, fold in enumerate(folds):
        kept = np.setdiff1d(np.arange(len(dense)), fold)
        head = train_segmentation_head(
            dense[kept],
            images_rgb[kept],
            targets[kept],
            n_classes,
            weights=None if weights is None else weights[kept],
            seed=seed + i,
            n_members=1,
            steps=steps,
            progress=_part(progress, i, len(folds)),
        )
        predicted = head.predict(dense[fold], images_rgb[fold])[0].argmax(axis=1)
        for row, labels in zip(fold, predicted, strict=True):
            values = mean_dice_per_class(labels[None], targets[row][None].astype(np.int64), n_classes)
            if np.isfinite(values).any():
                per_image[row] = np.nanmean(values)
    values = per_image[np.isfinite(per_image)]
    return float(values.mean()), bootstrap_ci95(values, np.random.default_rng(seed))


def cross_fit_classification(
    vectors: Float[np.ndarray, "n d"],
    targets: Int[np.ndarray, " n"],
    n_classes: int,
    *,
    groups: Shaped[np.ndarray, " n"] | None = None,
    seed: int,
    kind: Kind = "linear",
    n_members: int = 3,
    progress: Progress | None = None,
) -> Estimate:
    """Estimate the balanced accuracy of a head trained on these labels.

    Args:
        vectors: embeddings of the labeled items.
        targets: class index of each.
        n_classes: number of classes.
        groups: items of one group are never on both sides.
        seed: of folds, training and bootstrap.
        kind: `linear` or `mlp`.
        n_members: members a fold.
        progress: called with (done, total) members over all folds.

    Returns:
        Mean recall over the classes present, and its bootstrap interval over items.

    Raises:
        InvalidInput: fewer than two groups, or what training refuses.
        Cancelled: raised by `progress`.
    """
    folds = group_folds(len(vectors), groups, seed=seed)
    predicted = np.empty(len(vectors), dtype=np.int64)
    for i, fold in enumerate(folds):
        kept = np.setdiff1d(np.arange(len(vectors)), fold)
        head = train_classification_head(
            vectors[kept],
            targets[kept],
            n_classes,
            seed=seed + i,
            n_members=n_members,
            kind=kind,
            progress=_part(progress, i, len(folds)),
        )
        predicted[fold] = head.predict(vectors[fold]).mean(axis=0).argmax(axis=1)
    truth = targets.astype(np.int64)
    return balanced_accuracy(predicted, truth), _resampled(predicted, truth, balanced_accuracy, seed)


def _part(progress: Progress | None, part: int, n_parts: int) -> Progress | None:
    """Progress of one part among equal ones."""
    if progress is None:
        return None
    report = progress
    return lambda done, total: report(part * total + done, n_parts * total)


def _resampled(
    predicted: np.ndarray, truth: np.ndarray, metric: Callable[[np.ndarray, np.ndarray], float], seed: int
) -> tuple[float, float]:
    """Percentile interval of a metric that is no mean over items."""
    rng = np.random.default_rng(seed)
    draws: Sequence[np.ndarray] = [rng.integers(len(truth), size=len(truth)) for _ in range(_N_RESAMPLES)]
    low, high = np.percentile([metric(predicted[rows], truth[rows]) for rows in draws], [2.5, 97.5])
    return float(low), float(high)
