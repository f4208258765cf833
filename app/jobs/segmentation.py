"""Segmentation in jobs: heads on dense maps, Dice per image, starting masks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from alcore.calibration import calibrate_across_folds
from alcore.conformal import expected_dice
from alcore.heads.base import IGNORE_LABEL, DenseHead
from alcore.heads.measuring import Measured, measure_blind, measure_head
from alcore.heads.registry import HEADS, candidates
from alcore.opinions import Opinion, joined
from alcore.types import Progress
from alcore.weak.targets import Recipe
from app.jobs.ahead import read_ahead
from app.jobs.learners import Fitted, ItemScores, Offer, best_trial, joined_scores, part_of
from app.jobs.masks import drawn_targets, labeled_at, objects_at, objects_of, recipe_of, uncertainty_map
from app.jobs.pool import Pool
from app.jobs.second_pass import Taught, Train, relabeled, with_unlabeled
from app.store.database import Row

CHUNK = 32
AS_ACCEPTED = Recipe(weigh=False, band=False)
"""Heads are measured on what people accepted, whatever they are taught."""
MIN_CALIBRATION_IMAGES = 30
"""Fewer images cannot tell a temperature from noise, see benchmarks/README.md."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A head that was measured on labels that it had not seen."""

    head: DenseHead
    """Its members left folds out, in their order."""
    scores: ItemScores
    """Of all items."""
    temperature: float
    """What a committee of its kind that saw all labels gets."""


class SegmentationLearner:
    """Heads of pixels; the value of an image is its Dice, averaged over the classes that it shows."""

    metric = "dice"

    def __init__(self, pool: Pool, items: Sequence[Row]) -> None:
        self.items = items
        self.pool, self._models = pool, pool.ctx.models
        self.n_classes = pool.n_classes + 1
        if self.items:
            side = self._models.head_side
            self.dense = pool.store.dense(pool.keys(self.items))
            self.images = pool.small(self.items)
            only = pool.ctx.settings.calibrate_quality
            self._objects = [objects_at(pool.answers[row["id"]], row, side, only_calibrated=only) for row in self.items]
            labeled = np.stack([labeled_at(pool.answers[row["id"]], row, side) for row in self.items])
            self.targets, _ = drawn_targets(self._objects, labeled, AS_ACCEPTED)
            targets, weights = drawn_targets(self._objects, labeled, recipe_of(pool.ctx.settings))
            self._lesson = Taught(dense=self.dense, images=self.images, targets=targets, weights=weights)

    def can_train(self) -> bool:
        """See `Learner`."""
        return len(self.items) >= 2

    def strata(self) -> list[str]:
        """See `Learner`."""
        shown = (self.targets > 0) & (self.targets != IGNORE_LABEL)
        return ["full" if image.any() else "empty" for image in shown]

    def fit(self, folds: Sequence[np.ndarray], *, seed: int, progress: Progress) -> tuple[Fitted, ItemScores | None]:
        """See `Learner`: members that leave a fold out measure; those of a network are the committee that is kept.

        Cheap heads are measured as committees, which fits them a temperature from `MIN_CALIBRATION_IMAGES` on, and
        train another committee on all labels to be kept; networks are measured by lone members, and what is fitted on
        these suits no committee. Where the project leaves the head open, each candidate is measured, and the best kept.

        Source: the members of a cross-validation as an ensemble are nnU-Net's (Isensee et al. 2021,
        doi:10.1038/s41592-020-01008-z).
        """
        names = candidates(str(self.pool.project["head"]), "segmentation", len(self.items))
        if not folds:
            head = self._train(names[0], self._lesson, None, progress, seed=seed)
            return FittedSegmentation(head, self, {"head": names[0]}), None
        has_last = self._looks_twice or any(HEADS[name].is_cheap for name in names)
        n_stages = len(names) + 2 * self._looks_twice + has_last
        trials = {
            name: self._measured_blind(name, folds, seed, part_of(progress, stage, n_stages))
            for stage, name in enumerate(names)
        }
        name, tried = best_trial(self, {name: trial.scores for name, trial in trials.items()})
        best, lesson = trials[name], self._lesson
        scores, temperature = best.scores, best.temperature
        facts: dict[str, JsonValue] = {"head": name, "temperature": round(temperature, 4)}
        facts |= {"head_scores": tried} if len(tried) > 1 else {}
        if self._looks_twice:
            train = partial(self._train, name, seed=seed)
            part = partial(part_of, progress)
            lesson, scores, told = self._second_look(name, train, folds, best, seed, part, n_stages)
            facts |= told
        if lesson is self._lesson and not HEADS[name].is_cheap:
            progress(n_stages, n_stages)  # the last one is not needed
            return FittedSegmentation(best.head, self, facts), scores
        head = self._train(name, lesson, None, part_of(progress, n_stages - 1, n_stages), seed=seed)
        return FittedSegmentation(head.tempered(temperature), self, facts), scores

    @property
    def _looks_twice(self) -> bool:
        """Whether the settings ask for another look at what is taught."""
        return self.pool.ctx.settings.relabel_pseudo_masks or self.pool.ctx.settings.learn_unlabeled

    def _second_look(
        self,
        name: str,
        train: Train,
        folds: Sequence[np.ndarray],
        trial: Trial,
        seed: int,
        part: Callable[[int, int], Progress],
        n_stages: int,
    ) -> tuple[Taught, ItemScores, dict[str, JsonValue]]:
        """Relabel doubtful masks and learn from unlabeled images, as the settings say; what came of it is told."""
        settings, lesson, told = self.pool.ctx.settings, self._lesson, dict[str, JsonValue]()
        scores, blind = trial.scores, trial.head
        if HEADS[name].is_cheap:  # its members differ within a fold, too
            blind = train(lesson, folds, part(n_stages - 3, n_stages))
        if settings.relabel_pseudo_masks:
            targets, n_relabeled = relabeled(lesson, self._objects, blind, folds)
            lesson = replace(lesson, targets=targets) if n_relabeled else lesson
            told["relabeled"] = n_relabeled
        if settings.learn_unlabeled:
            lesson, scores, verdict = with_unlabeled(
                self.pool, lesson, blind, folds, scores,
                train=train, measure=self.measure, seed=seed, progress=part(n_stages - 2, n_stages),
            )  # fmt: skip
            told |= verdict
        return lesson, scores, told

    def _measured_blind(self, name: str, folds: Sequence[np.ndarray], seed: int, progress: Progress) -> Trial:
        """Measure all items, each by members that have not seen it."""
        made, parts = measure_blind(
            name,
            lambda head, left_out: self._train(head, self._lesson, left_out, progress, seed=seed),
            self.dense,
            self.images,
            self.targets,
            self.n_classes,
            folds,
            seed=seed,
        )
        scores = joined_scores(len(self.items), folds, [_item_scores(part) for part in parts])
        assert scores is not None  # there are folds
        if not HEADS[name].is_cheap or len(self.items) < MIN_CALIBRATION_IMAGES:
            return Trial(head=made, scores=scores, temperature=1.0)
        ends = np.cumsum([len(part.targets) for part in parts])
        rows = [np.arange(end - len(part.targets), end) for end, part in zip(ends, parts, strict=True)]
        temperature, tempered = calibrate_across_folds(scores.uncalibrated, scores.targets, rows)
        return Trial(head=made, scores=replace(scores, probabilities=tempered), temperature=temperature)

    def _train(
        self, head: str, lesson: Taught, folds: Sequence[np.ndarray] | None, progress: Progress, *, seed: int
    ) -> DenseHead:
        """Train on all of a lesson, or each member without its fold."""
        return self._models.train_segmentation(
            lesson.dense,
            lesson.images,
            lesson.targets,
            self.n_classes,
            head=head,
            weights=lesson.weights,
            folds=folds,
            seed=seed,
            progress=progress,
        )

    def fit_parts(self, parts: Sequence[np.ndarray], *, seed: int, progress: Progress) -> list[Fitted]:
        """See `Learner`: one member a part, in a committee whose members each leave all else out."""
        everything = np.arange(len(self.items))
        name = candidates(str(self.pool.project["head"]), "segmentation", len(self.items))[0]
        left_out = [np.setdiff1d(everything, part) for part in parts]
        head = self._train(name, self._lesson, left_out, progress, seed=seed)
        return [FittedSegmentation(head.member(i), self, {}) for i in range(len(parts))]

    def adopt(self, fitted: Fitted) -> Fitted:
        """See `Learner`."""
        assert isinstance(fitted, FittedSegmentation)
        return FittedSegmentation(fitted.head, self, fitted.facts)

    def load(self, file: Path) -> Fitted:
        """See `Learner`."""
        return FittedSegmentation(self._models.load_segmentation(file), self, {})

    def measure(self, head: DenseHead, rows: np.ndarray) -> ItemScores:
        """Measure a head on labeled items."""
        return _item_scores(measure_head(head, self.dense[rows], self.images[rows], self.targets[rows], self.n_classes))

    def classes(self, rows: np.ndarray) -> np.ndarray:
        """See `Learner`: all images weigh alike."""
        return np.zeros(len(rows), dtype=np.int64)


def _item_scores(found: Measured) -> ItemScores:
    """What was measured, in the form that both tasks share."""
    return ItemScores(
        values=found.values,
        probabilities=found.probabilities,
        uncalibrated=found.probabilities,
        targets=found.targets,
        confidences=found.confidences,
    )


class FittedSegmentation:
    """A head of pixels and the pool it is asked about."""

    def __init__(self, head: DenseHead, learner: SegmentationLearner, facts: dict[str, JsonValue]) -> None:
        self.head, self._learner, self.facts = head, learner, facts

    def save(self, file: Path) -> None:
        """See `Fitted`."""
        self.head.save(file)

    def measure(self, rows: np.ndarray) -> ItemScores:
        """See `Fitted`."""
        return self._learner.measure(self.head, rows)

    def score(self, items: Sequence[Row], progress: Progress) -> Opinion:
        """See `Fitted`: pixel maps are pooled at once, and only the pooled scores are kept."""
        score = self._learner.pool.ctx.models.score_segmentation
        return joined([score(committee) for _, committee in self._ask(items, progress)])

    def decide(self, items: Sequence[Row], progress: Progress) -> np.ndarray:
        """See `Fitted`."""
        masks = [committee.mean(axis=0).argmax(axis=1) for _, committee in self._ask(items, progress)]
        return np.concatenate(masks)

    def suggest(self, items: Sequence[Row], progress: Progress) -> list[Offer]:
        """See `Fitted`: the most likely class of each pixel, one object a class, at the image's own size.

        The Dice to expect is said by the head at temperature 1, as the heads were whose words were compared with what
        they were worth.
        """
        offers = []
        for chunk, committee in self._ask(items, progress):
            for row, probabilities, expected in zip(
                chunk, committee.mean(axis=0), self._expected(chunk, committee), strict=True
            ):
                objects = objects_of(probabilities, (row["height"], row["width"]), expected=expected)
                unsure = uncertainty_map(probabilities)
                offers.append(Offer(item_id=row["id"], objects=objects, label=None, uncertainty=unsure))
        return offers

    def _expected(self, items: Sequence[Row], committee: np.ndarray) -> list[np.ndarray]:
        """The Dice (K - 1,) that the head expects of each item at temperature 1; `committee` is its word as it is."""
        if self.head.temperature != 1.0:
            pool = self._learner.pool
            committee = self.head.tempered(1.0).predict(pool.store.dense(pool.keys(items)), pool.small(items))
        return [expected_dice(probabilities) for probabilities in committee.mean(axis=0)]

    def _ask(self, items: Sequence[Row], progress: Progress) -> Iterator[tuple[Sequence[Row], np.ndarray]]:
        """Committee probabilities (s, n, K, S, S) of any items, in chunks."""
        pool, done = self._learner.pool, 0
        chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
        for chunk, (dense, images) in read_ahead(
            chunks, lambda rows: (pool.store.dense(pool.keys(rows)), pool.small(rows))
        ):
            yield chunk, self.head.predict(dense, images)
            done += len(chunk)
            progress(done, len(items))
