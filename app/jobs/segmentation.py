"""Segmentation in jobs: decoder heads on dense maps, Dice per image, starting masks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import JsonValue

from alcore.masks import components, decode_rle, encode_rle
from alcore.metrics import mean_dice_per_class
from alcore.opinions import Opinion, joined
from alcore.types import Progress
from app.jobs.learners import Fitted, ItemScores, Offer, joined_scores, part_of
from app.jobs.pool import Pool
from app.service.models import SegmentationHead
from app.store.database import Row

CHUNK = 32
CALIBRATION_PIXELS = 400
MIN_WEIGHT = 0.3
"""Weight of the pixels of a pseudo-mask that the model itself thought worthless; a mask drawn by hand has 1."""
MIN_PART_SHARE = 0.0002
"""Parts of a starting mask below this share of the image are specks and left out."""


class SegmentationLearner:
    """Decoder heads; the value of an image is its Dice, averaged over the classes that it shows."""

    metric = "dice"

    def __init__(self, pool: Pool, items: Sequence[Row]) -> None:
        self.items = items
        self.pool, self._models = pool, pool.ctx.models
        self.n_classes = pool.n_classes + 1
        if self.items:
            self.dense = pool.store.dense(pool.keys(self.items))
            self.images = pool.small(self.items)
            drawn = [target_of(pool.answers[row["id"]], row, self._models.head_side) for row in self.items]
            self.targets = np.stack([target for target, _ in drawn])
            self._weights = np.stack([weight for _, weight in drawn])

    def can_train(self) -> bool:
        """See `Learner`."""
        return len(self.items) >= 2

    def strata(self) -> list[str]:
        """See `Learner`."""
        return ["full" if target.any() else "empty" for target in self.targets]

    def fit(self, folds: Sequence[np.ndarray], *, seed: int, progress: Progress) -> tuple[Fitted, ItemScores | None]:
        """See `Learner`: one decoder a fold measures, and a committee that saw all labels is kept."""
        n_stages = 1 + bool(folds)
        parts = []
        if folds:
            blind = self._train(folds, seed, part_of(progress, 0, n_stages))
            parts = [self.measure(blind.member(i), fold) for i, fold in enumerate(folds)]
        head = self._train(None, seed, part_of(progress, n_stages - 1, n_stages))
        return FittedSegmentation(head, self), joined_scores(len(self.items), folds, parts)

    def _train(self, folds: Sequence[np.ndarray] | None, seed: int, progress: Progress) -> SegmentationHead:
        """Train on all labels, or each member without its fold."""
        return self._models.train_segmentation(
            self.dense,
            self.images,
            self.targets,
            self.n_classes,
            weights=self._weights,
            folds=folds,
            seed=seed,
            progress=progress,
        )

    def fit_parts(self, parts: Sequence[np.ndarray], *, seed: int, progress: Progress) -> list[Fitted]:
        """See `Learner`: one decoder a part, in a committee whose members each leave all else out."""
        everything = np.arange(len(self.items))
        head = self._train([np.setdiff1d(everything, part) for part in parts], seed, progress)
        return [FittedSegmentation(head.member(i), self) for i in range(len(parts))]

    def adopt(self, fitted: Fitted) -> Fitted:
        """See `Learner`."""
        assert isinstance(fitted, FittedSegmentation)
        return FittedSegmentation(fitted.head, self)

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

    def classes(self, rows: np.ndarray) -> np.ndarray:
        """See `Learner`: all images weigh alike."""
        return np.zeros(len(rows), dtype=np.int64)


class FittedSegmentation:
    """A decoder head and the pool it is asked about."""

    def __init__(self, head: SegmentationHead, learner: SegmentationLearner) -> None:
        self.head, self._learner = head, learner

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
            yield chunk, self.head.predict(pool.store.dense(pool.keys(chunk)), pool.small(chunk))
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


def target_of(answer: Row, row: Row, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Label ids (S, S) and pixel weights of an accepted answer; the smaller of two overlapping objects is on top.

    A mask that a person drew or corrected has weight 1, and so has the background; a pseudo-mask taken as it was has
    the weight of its quality.
    """
    target, weights = np.zeros((side, side), np.uint8), np.ones((side, side), np.float32)
    drawn = [(entry, decode_rle(entry["mask"])) for entry in answer["objects"]]
    for entry, mask in sorted(drawn, key=lambda pair: -int(pair[1].sum())):
        if not mask.any():
            continue
        share = Image.fromarray(mask.astype(np.uint8) * 255).resize((side, side), Image.Resampling.BOX)
        inside = np.asarray(share) >= 128
        if not inside.any():  # too small for this side: its middle stands for it
            rows, cols = np.nonzero(mask)
            inside = np.zeros_like(inside)
            inside[int(rows.mean() / row["height"] * side), int(cols.mean() / row["width"] * side)] = True
        target[inside] = entry["class_id"]
        quality = entry.get("quality")
        weights[inside] = 1.0 if entry.get("edited") or quality is None else max(MIN_WEIGHT, float(quality))
    return target, weights
