"""Segmentation in jobs: decoder heads on dense maps, Dice per image, starting masks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import JsonValue

from alcore.masks import components, decode_rle, encode_rle
from alcore.metrics import mean_dice_per_class
from alcore.opinions import Opinion, joined
from alcore.types import Progress
from alcore.weak.targets import Recipe, WeakObject, draw_target
from app.jobs.learners import Fitted, ItemScores, Offer, joined_scores, part_of
from app.jobs.pool import Pool
from app.jobs.second_pass import Taught, relabeled, with_unlabeled
from app.service.asked import stored_prompt
from app.service.models import SegmentationHead
from app.settings import Settings
from app.store.database import Row
from prompts.geometry import pixel_of, pixels_along

CHUNK = 32
AS_ACCEPTED = Recipe(weigh=False, band=False)
"""Heads are measured on what people accepted, whatever they are taught."""
CALIBRATION_PIXELS = 400
MIN_PART_SHARE = 0.0002
"""Parts of a starting mask below this share of the image are specks and left out."""


class SegmentationLearner:
    """Decoder heads; the value of an image is its Dice, averaged over the classes that it shows."""

    metric = "dice"

    def __init__(self, pool: Pool) -> None:
        self.items = pool.labeled()
        self.notes: dict[str, JsonValue] = {}
        self.pool, self._models = pool, pool.ctx.models
        self.n_classes = pool.n_classes + 1
        if self.items:
            side = self._models.head_side
            self.dense = pool.store.dense(pool.keys(self.items))
            self.images = pool.small(self.items)
            only = pool.ctx.settings.calibrate_quality
            self._objects = [objects_at(pool.answers[row["id"]], row, side, only_calibrated=only) for row in self.items]
            self.targets, _ = _drawn(self._objects, side, AS_ACCEPTED)
            targets, weights = _drawn(self._objects, side, recipe_of(pool.ctx.settings))
            self._lesson = Taught(dense=self.dense, images=self.images, targets=targets, weights=weights)

    def can_train(self) -> bool:
        """See `Learner`."""
        return len(self.items) >= 2

    def strata(self) -> list[str]:
        """See `Learner`."""
        return ["full" if target.any() else "empty" for target in self.targets]

    def fit(self, folds: Sequence[np.ndarray], *, seed: int, progress: Progress) -> tuple[Fitted, ItemScores | None]:
        """See `Learner`: one decoder a fold measures, and a committee that saw all labels is kept."""
        settings, lesson = self.pool.ctx.settings, self._lesson
        n_stages = 1 + bool(folds) + (bool(folds) and settings.learn_unlabeled)
        train = partial(self._train, seed=seed)
        scores: ItemScores | None = None
        if folds:
            blind = train(lesson, folds, part_of(progress, 0, n_stages))
            parts = [self.measure(blind.member(i), fold) for i, fold in enumerate(folds)]
            scores = joined_scores(len(self.items), folds, parts)
            if settings.relabel_pseudo_masks:
                targets, n_changed = relabeled(lesson, self._objects, blind, folds)
                lesson = replace(lesson, targets=targets)
                self.notes["relabeled"] = n_changed
            if settings.learn_unlabeled and scores is not None:
                lesson, scores, told = with_unlabeled(
                    self.pool,
                    lesson,
                    blind,
                    folds,
                    scores,
                    train=train,
                    measure=self.measure,
                    seed=seed,
                    progress=part_of(progress, 1, n_stages),
                )
                self.notes.update(told)
        head = train(lesson, None, part_of(progress, n_stages - 1, n_stages))
        return FittedSegmentation(head, self), scores

    def _train(
        self, lesson: Taught, folds: Sequence[np.ndarray] | None, progress: Progress, *, seed: int
    ) -> SegmentationHead:
        """Train on all of a lesson, or each member without its fold."""
        return self._models.train_segmentation(
            lesson.dense,
            lesson.images,
            lesson.targets,
            self.n_classes,
            weights=lesson.weights,
            folds=folds,
            seed=seed,
            progress=progress,
        )

    def load(self, file: Path) -> Fitted:
        """See `Learner`."""
        return FittedSegmentation(self._models.load_segmentation(file), self)

    def measure(self, head: SegmentationHead, rows: np.ndarray) -> ItemScores:
        """Measure a head on labeled items."""
        values, samples, truths, rng = np.full(len(rows), np.nan), [], [], np.random.default_rng(0)
        for i, row in enumerate(rows):
            odds = head.predict(self.dense[[row]], self.images[[row]]).mean(axis=0)[0]
            target = self.targets[row].astype(np.int64)
            dice = mean_dice_per_class(odds.argmax(axis=0)[None], target[None], self.n_classes)
            if not np.isnan(dice).all():
                values[i] = np.nanmean(dice)
            picked = rng.integers(target.size, size=CALIBRATION_PIXELS)
            samples.append(odds.reshape(len(odds), -1)[:, picked].T)
            truths.append(target.ravel()[picked])
        return ItemScores(values=values, probabilities=np.concatenate(samples), targets=np.concatenate(truths))

    def summands(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """See `Learner`: images without object and without false alarm are left out."""
        return values[~np.isnan(values)]


class FittedSegmentation:
    """A decoder head and the pool it is asked about."""

    def __init__(self, head: SegmentationHead, learner: SegmentationLearner) -> None:
        self._head, self._learner = head, learner

    def save(self, file: Path) -> None:
        """See `Fitted`."""
        self._head.save(file)

    def measure(self, rows: np.ndarray) -> ItemScores:
        """See `Fitted`."""
        return self._learner.measure(self._head, rows)

    def score(self, items: Sequence[Row], progress: Progress) -> Opinion:
        """See `Fitted`: pixel maps are pooled at once, and only the pooled scores are kept."""
        score = self._learner.pool.ctx.models.score_segmentation
        return joined([score(committee) for _, committee in self._ask(items, progress)])

    def suggest(self, items: Sequence[Row], progress: Progress) -> list[Offer]:
        """See `Fitted`: the most likely class of each pixel, one object a class, at the image's own size."""
        offers = []
        for chunk, committee in self._ask(items, progress):
            for row, probabilities in zip(chunk, committee.mean(axis=0), strict=True):
                objects = objects_of(probabilities, (row["height"], row["width"]))
                offers.append(Offer(item_id=row["id"], objects=objects, label=None))
        return offers

    def _ask(self, items: Sequence[Row], progress: Progress) -> Iterator[tuple[Sequence[Row], np.ndarray]]:
        """Committee probabilities (s, n, K, S, S) of any items, in chunks."""
        pool = self._learner.pool
        for start in range(0, len(items), CHUNK):
            chunk = items[start : start + CHUNK]
            yield chunk, self._head.predict(pool.store.dense(pool.keys(chunk)), pool.small(chunk))
            progress(start + len(chunk), len(items))


def objects_of(probabilities: np.ndarray, size: tuple[int, int]) -> list[dict[str, JsonValue]]:
    """Starting masks out of class probabilities (K, S, S) of an image of `size` (h, w), one object a class.

    Probabilities are enlarged, not labels, so that borders are smooth; specks are left out.
    """
    height, width = size
    best, labels = np.full(size, -1.0, np.float32), np.zeros(size, np.uint8)
    for class_id, plane in enumerate(probabilities):
        large = Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
        likely = np.asarray(large)
        ahead = likely > best
        labels[ahead], best[ahead] = class_id, likely[ahead]
    objects: list[dict[str, JsonValue]] = []
    for class_id in range(1, len(probabilities)):
        parts = components(labels == class_id, min_px=max(1, int(height * width * MIN_PART_SHARE)))
        if parts:
            mask = np.logical_or.reduce(parts)
            code = encode_rle(mask)
            objects.append(
                {
                    "class_id": class_id,
                    "mask": {"size": list(code["size"]), "counts": list(code["counts"])},
                    "mean_confidence": round(float(best[mask].mean()), 4),
                }
            )
    return objects


def recipe_of(settings: Settings) -> Recipe:
    """What pseudo-masks count in this workspace."""
    return Recipe(weigh=settings.weigh_pseudo_masks, around=True, band=settings.pseudo_mask_band)


def objects_at(answer: Row, row: Row, side: int, *, only_calibrated: bool = False) -> list[WeakObject]:
    """The objects of an accepted answer at the head's side (S, S).

    A mask that a person drew or corrected is exact, and so is one without a quality; others are pseudo-masks. With
    `only_calibrated` those whose quality comes of the fixed formula alone, which is mostly too low, have quality 1.
    """
    drawn = [(entry, decode_rle(entry["mask"])) for entry in answer["objects"]]
    return [
        WeakObject(
            mask=_shrunk(mask, side),
            class_id=entry["class_id"],
            quality=_quality(entry, only_calibrated),
            is_exact=bool(entry.get("edited")) or entry.get("quality") is None,
            strokes=_shrunk(mask, side) & _marked(entry, row, side),
        )
        for entry, mask in drawn
        if mask.any()
    ]


def _quality(entry: Mapping[str, Any], only_calibrated: bool) -> float:
    """What a mask is trusted by, 0 to 1."""
    if entry.get("quality") is None or (only_calibrated and not entry.get("is_calibrated")):
        return 1.0
    return float(np.clip(entry["quality"], 0.0, 1.0))


def _drawn(images: Sequence[Sequence[WeakObject]], side: int, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Label ids (n, S, S) and pixel weights of images."""
    drawn = [draw_target(objects, side, recipe=recipe) for objects in images]
    return np.stack([target for target, _ in drawn]), np.stack([weight for _, weight in drawn])


def _shrunk(mask: np.ndarray, side: int) -> np.ndarray:
    """A mask at the head's side; one that is too small for it is its middle."""
    share = Image.fromarray(mask.astype(np.uint8) * 255).resize((side, side), Image.Resampling.BOX)
    inside = np.asarray(share) >= 128
    if not inside.any():
        rows, cols = np.nonzero(mask)
        inside = np.zeros_like(inside)
        inside[int(rows.mean() / mask.shape[0] * side), int(cols.mean() / mask.shape[1] * side)] = True
    return inside


def _marked(entry: Mapping[str, Any], row: Row, side: int) -> np.ndarray:
    """The pixels at the head's side that an object's foreground clicks and strokes are on."""
    prompt, marked = stored_prompt(entry), np.zeros((side, side), bool)
    pixels = [np.array([pixel_of(point)]) for point in prompt.points if point.label]
    pixels += [pixels_along(scribble) for scribble in prompt.scribbles if scribble.label]
    for found in pixels:
        at = found * side // np.array([row["height"], row["width"]])
        inside = ((at >= 0) & (at < side)).all(axis=1)
        marked[tuple(at[inside].T)] = True
    return marked
