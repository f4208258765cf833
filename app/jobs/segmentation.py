"""Segmentation in jobs: heads on dense maps, Dice per image, starting masks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import JsonValue

from alcore.calibration import calibrate_across_folds
from alcore.heads.base import DenseHead
from alcore.heads.measuring import Measured, measure_blind, measure_head
from alcore.heads.registry import HEADS, candidates
from alcore.masks import components, decode_rle, encode_rle
from alcore.opinions import Opinion, joined
from alcore.types import Progress
from app.jobs.learners import Fitted, ItemScores, Offer, best_trial, joined_scores, part_of
from app.jobs.pool import Pool
from app.store.database import Row

CHUNK = 32
MIN_CALIBRATION_IMAGES = 30
"""Fewer images cannot tell a temperature from noise, see benchmarks/README.md."""
MIN_WEIGHT = 0.3
"""Weight of the pixels of a pseudo-mask that the model itself thought worthless; a mask drawn by hand has 1."""
MIN_PART_SHARE = 0.0002
"""Parts of a starting mask below this share of the image are specks and left out."""


class SegmentationLearner:
    """Heads of pixels; the value of an image is its Dice, averaged over the classes that it shows."""

    metric = "dice"

    def __init__(self, pool: Pool) -> None:
        self.items = pool.labeled()
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
        """See `Learner`: members that leave a fold out measure, and a committee that saw all labels is kept.

        Where the project leaves the head open, each candidate is measured so, and the best one kept. A temperature is
        fitted for cheap heads: they are measured as committees, and what is fitted on lone members suits no committee.
        It takes `MIN_CALIBRATION_IMAGES`.
        """
        names = candidates(str(self.pool.project["head"]), "segmentation", len(self.items))
        n_stages = 1 + len(names) * bool(folds)
        trials: dict[str, tuple[ItemScores, float]] = {}
        for stage, name in enumerate(names if folds else ()):
            part = part_of(progress, stage, n_stages)
            trials[name] = self._measured_blind(name, folds, seed, part)
        facts: dict[str, JsonValue] = {"head": names[0]}
        scores, temperature = None, 1.0
        if trials:
            facts["head"], tried = best_trial(self, {name: scores for name, (scores, _) in trials.items()})
            scores, temperature = trials[str(facts["head"])]
            facts |= {"temperature": round(temperature, 4)} | ({"head_scores": tried} if len(tried) > 1 else {})
        head = self._train(str(facts["head"]), None, seed, part_of(progress, n_stages - 1, n_stages))
        return FittedSegmentation(head.tempered(temperature), self, facts), scores

    def _measured_blind(
        self, name: str, folds: Sequence[np.ndarray], seed: int, progress: Progress
    ) -> tuple[ItemScores, float]:
        """Scores of all items, each by members that have not seen it, and the temperature that the kept head gets."""
        parts = measure_blind(
            name,
            lambda head, left_out: self._train(head, left_out, seed, progress),
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
            return scores, 1.0
        ends = np.cumsum([len(part.targets) for part in parts])
        rows = [np.arange(end - len(part.targets), end) for end, part in zip(ends, parts, strict=True)]
        temperature, tempered = calibrate_across_folds(scores.uncalibrated, scores.targets, rows)
        return replace(scores, probabilities=tempered), temperature

    def _train(self, head: str, folds: Sequence[np.ndarray] | None, seed: int, progress: Progress) -> DenseHead:
        """Train on all labels, or each member without its fold."""
        return self._models.train_segmentation(
            self.dense,
            self.images,
            self.targets,
            self.n_classes,
            head=head,
            weights=self._weights,
            folds=folds,
            seed=seed,
            progress=progress,
        )

    def load(self, file: Path) -> Fitted:
        """See `Learner`."""
        return FittedSegmentation(self._models.load_segmentation(file), self, {})

    def measure(self, head: DenseHead, rows: np.ndarray) -> ItemScores:
        """Measure a head on labeled items."""
        return _item_scores(measure_head(head, self.dense[rows], self.images[rows], self.targets[rows], self.n_classes))

    def summands(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """See `Learner`: images without object and without false alarm are left out."""
        return values[~np.isnan(values)]


def _item_scores(found: Measured) -> ItemScores:
    """What was measured, in the form that both tasks share."""
    return ItemScores(
        values=found.values,
        probabilities=found.probabilities,
        uncalibrated=found.probabilities,
        targets=found.targets,
    )


class FittedSegmentation:
    """A head of pixels and the pool it is asked about."""

    def __init__(self, head: DenseHead, learner: SegmentationLearner, facts: dict[str, JsonValue]) -> None:
        self._head, self._learner, self.facts = head, learner, facts

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
