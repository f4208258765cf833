"""How good a head of pixels is on labeled images, and which head is best by cross-validation over groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from alcore.conformal import expected_dice
from alcore.heads.base import IGNORE_LABEL, DenseHead
from alcore.heads.folds import committee_folds, group_folds
from alcore.heads.registry import HEADS
from alcore.metrics import balanced_accuracy, mean_dice_per_class

CALIBRATION_PIXELS = 400
"""Drawn from each image: neighbours say the same."""
N_FOLDS = 3
N_BLIND = 3
"""Members of a cheap head that is measured; as many as the committee that is kept."""

Guess = Callable[[str, np.ndarray, np.ndarray], np.ndarray]
"""Trains the classification head of a name on some rows and gives class probabilities (m, c) of other rows."""
Train = Callable[[str, Sequence[np.ndarray]], DenseHead]
"""Trains the head of a name; member i leaves out entry i of what is passed."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a head made of n labeled images."""

    values: Float[np.ndarray, " n"]
    """Dice at the head's side, mean over the classes that the image shows or is said to show; NaN where none."""
    probabilities: Float[np.ndarray, "m c"]
    """Mean of the committee at drawn pixels."""
    targets: Int[np.ndarray, " m"]
    """The classes of these pixels."""
    owners: Int[np.ndarray, " m"]
    """The images that they are of, by row."""
    confidences: Float[np.ndarray, " n"]
    """The Dice that the head itself expects, mean over the classes that it finds; NaN where it finds none."""


def measure_head(
    head: DenseHead,
    dense: Float[np.ndarray, "n c hd wd"],
    images_rgb: UInt8[np.ndarray, "n side side 3"],
    targets: UInt8[np.ndarray, "n side side"],
    n_classes: int,
) -> Measured:
    """Measure a head on images that it has not seen, one at a time so that memory stays small.

    Args:
        head: the head.
        dense: the encoder's dense maps.
        images_rgb: the same images as in training.
        targets: label ids; pixels of id 255 are left out.
        n_classes: number of ids, background included.
    """
    values, confidences, rng = np.full(len(dense), np.nan), np.full(len(dense), np.nan), np.random.default_rng(0)
    odds_of: list[np.ndarray] = [np.empty((0, n_classes), np.float32)]
    labels_of: list[np.ndarray] = [np.empty(0, np.int64)]
    for row in range(len(dense)):
        odds = head.predict(dense[[row]], images_rgb[[row]]).mean(axis=0)[0]
        target = targets[row].astype(np.int64)
        dice = mean_dice_per_class(odds.argmax(axis=0)[None], target[None], n_classes)
        if not np.isnan(dice).all():
            values[row] = np.nanmean(dice)
        expected = expected_dice(odds)
        if not np.isnan(expected).all():
            confidences[row] = np.nanmean(expected)
        counted = np.flatnonzero(target.ravel() != IGNORE_LABEL)
        drawn = counted[rng.integers(len(counted), size=CALIBRATION_PIXELS)] if len(counted) else counted
        odds_of.append(odds.reshape(n_classes, -1)[:, drawn].T)
        labels_of.append(target.ravel()[drawn])
    sizes = [len(labels) for labels in labels_of[1:]]
    return Measured(
        values=values,
        probabilities=np.concatenate(odds_of),
        targets=np.concatenate(labels_of),
        owners=np.repeat(np.arange(len(sizes)), sizes),
        confidences=confidences,
    )


def measure_blind(
    name: str,
    train: Train,
    dense: Float[np.ndarray, "n c hd wd"],
    images_rgb: UInt8[np.ndarray, "n side side 3"],
    targets: UInt8[np.ndarray, "n side side"],
    n_classes: int,
    folds: Sequence[Int[np.ndarray, "_"]],
    *,
    seed: int,
) -> tuple[DenseHead, list[Measured]]:
    """Measure the images of each fold by heads that have not seen it.

    Args:
        name: a head of pixels in `HEADS`; cheap ones are measured as committees of `N_BLIND`, others by a lone member.
        train: trains it with folds.
        dense: the encoder's dense maps.
        images_rgb: the same images squashed.
        targets: label ids.
        n_classes: number of ids, background included.
        folds: rows of each fold; together all rows.
        seed: draws what the members of a committee see.

    Returns:
        The head, whose members left folds out in their order, and what was measured, fold by fold.
    """
    n_members = N_BLIND if HEADS[name].is_cheap else 1
    head = train(name, committee_folds(folds, n_members=n_members, seed=seed))
    return head, [
        measure_head(
            head.member(*range(i * n_members, (i + 1) * n_members)),
            dense[fold],
            images_rgb[fold],
            targets[fold],
            n_classes,
        )
        for i, fold in enumerate(folds)
    ]


def compare_heads(
    names: Sequence[str],
    train: Train,
    dense: Float[np.ndarray, "n c hd wd"],
    images_rgb: UInt8[np.ndarray, "n side side 3"],
    targets: UInt8[np.ndarray, "n side side"],
    n_classes: int,
    *,
    groups: Shaped[np.ndarray, " n"],
    seed: int,
) -> dict[str, float]:
    """Give each head's out-of-fold Dice, for `best_of` to take one.

    Args:
        names: heads to try.
        train: trains one with folds.
        dense: the encoder's dense maps.
        images_rgb: the same images squashed.
        targets: label ids.
        n_classes: number of ids, background included.
        groups: patient or volume of each image; each its own where there are none.
        seed: shuffles the folds and draws what the members of a committee see.

    Returns:
        Mean over images by name; NaN where there are fewer than two groups to hold out, or no image shows an object.
    """
    if len(np.unique(groups)) < 2:
        return dict.fromkeys(names, float("nan"))
    strata = np.array([target.any() for target in targets])
    folds = group_folds(groups, strata=strata, n_folds=N_FOLDS, seed=seed)
    scores = {}
    for name in names:
        _, parts = measure_blind(name, train, dense, images_rgb, targets, n_classes, folds, seed=seed)
        values = np.concatenate([part.values for part in parts])
        known = values[~np.isnan(values)]
        scores[name] = float(known.mean()) if len(known) else float("nan")
    return scores


def compare_classifiers(
    names: Sequence[str],
    guess: Guess,
    targets: Int[np.ndarray, " n"],
    *,
    groups: Shaped[np.ndarray, " n"],
    seed: int,
) -> dict[str, float]:
    """Give each classification head's out-of-fold balanced accuracy, for `best_of` to take one.

    Args:
        names: heads to try.
        guess: trains one on some rows and asks it about others.
        targets: class index of each item.
        groups: patient or volume of each item; each its own where there are none.
        seed: shuffles the folds.

    Returns:
        The score by name; NaN where nothing can be held out without a class being left alone.
    """
    if len(np.unique(groups)) < 2:
        return dict.fromkeys(names, float("nan"))
    folds = group_folds(groups, strata=targets, n_folds=N_FOLDS, seed=seed)
    rest = [np.setdiff1d(np.arange(len(targets)), fold) for fold in folds]
    usable = [(kept, fold) for kept, fold in zip(rest, folds, strict=True) if len(np.unique(targets[kept])) >= 2]
    if not usable:
        return dict.fromkeys(names, float("nan"))
    held = np.concatenate([fold for _, fold in usable])
    scores = {}
    for name in names:
        odds = np.concatenate([guess(name, kept, fold) for kept, fold in usable])
        scores[name] = balanced_accuracy(odds.argmax(axis=1), targets[held])
    return scores
