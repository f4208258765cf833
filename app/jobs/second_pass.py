"""A second look at weak labels, with the heads that were trained to measure the first: each has not seen its fold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from alcore.heads.base import DenseHead
from alcore.types import Progress
from alcore.weak.relabel import doubtful_pixels, relabel
from alcore.weak.semi import Verdict, keep_if_better, unlabeled_targets
from alcore.weak.targets import WeakObject
from app.jobs.learners import ItemScores, joined_scores, part_of
from app.jobs.pool import Pool

MAX_UNLABELED = 200
"""Unlabeled images that a head learns from at most, drawn at random."""


@dataclass(frozen=True, kw_only=True)
class Taught:
    """What a segmentation head is taught: n images with dense maps, small images, targets and pixel weights."""

    dense: np.ndarray
    images: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    def joined(self, more: "Taught") -> "Taught":
        """Both, these images first, so that their rows stay what they were."""
        parts = {name: np.concatenate([getattr(self, name), getattr(more, name)]) for name in _ARRAYS}
        return Taught(**parts)


_ARRAYS = ("dense", "images", "targets", "weights")
Train = Callable[[Taught, Sequence[np.ndarray] | None, Progress], DenseHead]
Measure = Callable[[DenseHead, np.ndarray], ItemScores]


def relabeled(
    lesson: Taught, objects: Sequence[Sequence[WeakObject]], blind: DenseHead, folds: Sequence[np.ndarray]
) -> tuple[np.ndarray, int]:
    """Targets whose doubtful masks say what a head that did not see them is sure of; and in how many images.

    What weighs nothing, such as all outside a window, stays left out.
    """
    targets, n_changed = lesson.targets.copy(), 0
    for i, fold in enumerate(folds):
        head = blind.member(i)
        for row in fold:
            doubtful = doubtful_pixels(objects[row], targets.shape[1]) & (lesson.weights[row] > 0)
            if doubtful.any():
                odds = head.predict(lesson.dense[[row]], lesson.images[[row]])[:, 0]
                targets[row], n_changed = relabel(targets[row], doubtful, odds), n_changed + 1
    return targets, n_changed


def with_unlabeled(
    pool: Pool,
    lesson: Taught,
    blind: DenseHead,
    folds: Sequence[np.ndarray],
    before: ItemScores,
    *,
    train: Train,
    measure: Measure,
    seed: int,
    progress: Progress,
) -> tuple[Taught, ItemScores, dict[str, JsonValue]]:
    """Add unlabeled images with what heads are sure of, where that made heads better on labels that they did not see.

    For each fold the head that left it out labels the unlabeled images, and a new one learns from both, again without
    the fold.

    Returns:
        The lesson and scores, as they came where it does not pay; and for the report whether it does.
    """
    rows = [row for row in pool.items if row["id"] not in pool.answers and row["state"] != "skipped"]
    drawn = np.random.default_rng([seed, len(rows)]).permutation(len(rows))[:MAX_UNLABELED]
    rows = [rows[i] for i in sorted(drawn.tolist())]
    if not rows:
        return lesson, before, _told(Verdict(keeps=False, gain=0.0, n=0))
    dense, images = pool.store.dense(pool.keys(rows)), pool.small(rows)

    def taught_by(head: DenseHead) -> Taught:
        targets, weights = unlabeled_targets(head.predict(dense, images))
        return lesson.joined(Taught(dense=dense, images=images, targets=targets, weights=weights))

    parts = []
    for i, fold in enumerate(folds):
        head = train(taught_by(blind.member(i)), [fold], part_of(progress, i, len(folds)))
        parts.append(measure(head, fold))
    after = joined_scores(len(before.values), folds, parts)
    assert after is not None  # there are folds
    verdict = keep_if_better(before.values, after.values)
    if not verdict.keeps:
        return lesson, before, _told(verdict)
    return taught_by(blind), after, _told(verdict)


def _told(verdict: Verdict) -> dict[str, JsonValue]:
    """A verdict as the job's result shows it."""
    told: Mapping[str, JsonValue] = {"kept": verdict.keeps, "gain": round(verdict.gain, 4), "n_compared": verdict.n}
    return {"unlabeled": dict(told)}
