"""Segmentation in `fewclick simulate`: an annotator who prompts the model, and a head that is measured in Dice."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from alcore.costs import CostTable
from alcore.embeddings import EmbeddingStore
from alcore.encoders.base import squash
from alcore.loop import Answer
from alcore.masks import label_components
from alcore.metrics import mean_dice_per_class
from alcore.opinions import Opinion, joined
from app.simulate_data import SimulationImages
from prompts.predictor import Predictor
from prompts.simulate import PromptKind, simulate_object

if TYPE_CHECKING:
    from alcore.heads.base import DenseHead

MIN_OBJECT_PX = 16
"""Smaller specks of the reference are left unlabeled: nobody draws a box around them."""
CHUNK = 32
MEMBERS = 3
CACHE_VERSION = 1
CORRECTION: PromptKind = "box+click"
"""How what is not good enough is drawn anew."""
ACCEPTED_DICE = 0.9
"""An annotator keeps a starting mask that is this good; see `simulate_object`, which stops correcting there."""


class SegmentationOracle:
    """Prompts a model for every object of an image, as `prompts.simulate` does.

    The jitter of its boxes depends on the image only, not on the seed: an image is labeled once and then known.
    """

    def __init__(
        self, images: SimulationImages, pool: np.ndarray, *, prompts: PromptKind, segmenter: str | None, folder: Path
    ) -> None:
        self._images = images
        self._pool = pool
        self._prompts = prompts
        self._costs = CostTable()
        self._known: dict[int, Answer] = {}
        self._predictor = _predictor(segmenter)
        model = self._predictor.model_id if self._predictor is not None else "none"
        self._folder = folder / "pseudo_masks" / re.sub(r"[^\w.-]+", "_", f"{model}-{prompts}-v{CACHE_VERSION}")
        self._folder.mkdir(parents=True, exist_ok=True)

    wants_offers = False

    def answer(self, row: int, rng: np.random.Generator, *, offer: np.ndarray | None = None) -> Answer:
        """Label one image; what was labeled before comes from memory or disk."""
        if row not in self._known:
            self._known[row] = self._from_disk(row) or self._to_disk(row, self._labeled(row))
        return self._known[row]

    def truth(self, row: int) -> np.ndarray:
        """Reference label ids at the image's own size."""
        return self._images.labels(int(self._pool[row]))

    def _labeled(self, row: int) -> Answer:
        """Prompt every object."""
        index = int(self._pool[row])
        objects = reference_objects(self._images.labels(index), self._images.instances(index))
        labels = np.zeros(self._images.labels(index).shape, np.uint8)
        if not objects:
            return Answer(target=labels, seconds=self._costs.empty_image())
        if self._predictor is None:
            for class_id, mask in objects:
                labels[mask] = class_id
            return Answer(target=labels, seconds=self._costs.outlined_objects(len(objects)))
        state = self._predictor.embed(self._images.rgb(index))
        rng = np.random.default_rng([0, row])
        n_clicks, n_boxes, seconds = 0, 0, 0.0
        for class_id, mask in objects:
            made = simulate_object(self._predictor, state, mask, prompts=self._prompts, rng=rng)
            labels[made.mask] = class_id
            n_clicks, n_boxes = n_clicks + made.n_clicks, n_boxes + made.n_boxes
            seconds += self._costs.prompted_object(n_clicks=made.n_clicks, n_boxes=made.n_boxes)
        return Answer(target=labels, n_clicks=n_clicks, n_boxes=n_boxes, seconds=seconds)

    def _file(self, row: int) -> Path:
        """Where an image's answer is kept: named by the image, its reference and the model."""
        return self._folder / f"{self._images.answer_key(int(self._pool[row]))}.png"

    def _from_disk(self, row: int) -> Answer | None:
        """An answer of an earlier run."""
        file = self._file(row)
        if not file.is_file():
            return None
        with Image.open(file) as image:
            facts = json.loads(image.info["fewclick"])
            return Answer(target=np.asarray(image).copy(), **facts)

    def _to_disk(self, row: int, answer: Answer) -> Answer:
        """Keep an answer."""
        from PIL.PngImagePlugin import PngInfo

        facts = PngInfo()
        counts = {"n_clicks": answer.n_clicks, "n_boxes": answer.n_boxes, "seconds": answer.seconds}
        facts.add_text("fewclick", json.dumps(counts))
        part = self._file(row).with_suffix(".part")
        Image.fromarray(answer.target).save(part, format="PNG", pnginfo=facts)
        part.replace(self._file(row))
        return answer


class VerifyingOracle:
    """Looks at the head's own masks first: keeps them where every class is good enough, else labels the image anew."""

    wants_offers = True

    def __init__(self, labeler: SegmentationOracle, n_classes: int) -> None:
        self._labeler, self._n_classes = labeler, n_classes
        self._costs = CostTable()

    def answer(self, row: int, rng: np.random.Generator, *, offer: np.ndarray | None = None) -> Answer:
        """Accept or redo; the look costs its seconds either way."""
        if offer is None:
            return self._labeler.answer(row, rng)
        agreement = mean_dice_per_class(offer, self.truth(row).astype(offer.dtype), self._n_classes)
        if (agreement[~np.isnan(agreement)] >= ACCEPTED_DICE).all():
            return Answer(target=offer.astype(np.uint8), seconds=self._costs.verify_s)
        redone = self._labeler.answer(row, rng)
        return replace(redone, seconds=redone.seconds + self._costs.verify_s)

    def truth(self, row: int) -> np.ndarray:
        """Reference label ids at the image's own size."""
        return self._labeler.truth(row)


class SegmentationLearner:
    """Trains a head on squashed label maps; measures mean Dice per class at the images' own size."""

    metric = "dice"
    head = "decoder"
    fitted: Any = None

    def __init__(
        self,
        images: SimulationImages,
        store: EmbeddingStore,
        pool: np.ndarray,
        test: np.ndarray,
        *,
        head: str,
        needs_committee: bool,
    ) -> None:
        from alcore.heads.base import HEAD_SIDE
        from alcore.heads.registry import HEADS, candidates

        names = candidates(head, "segmentation", 0)
        self.head = names[0] if len(names) == 1 else head
        self._images = images
        self._pool_keys = [images.keys[i] for i in pool]
        self._test_keys = [images.keys[i] for i in test]
        self._pool = pool
        self._test = test
        self._groups = np.arange(len(pool)) if images.groups is None else images.groups[pool].astype(str)
        self._store = store
        self._side = HEAD_SIDE
        self._n_members = MEMBERS if needs_committee or all(HEADS[name].is_cheap for name in names) else 1
        self._n_classes = images.n_classes + 1
        self._pool_rgb = np.concatenate([squash([images.rgb(int(i))], HEAD_SIDE) for i in pool])
        self._test_rgb = np.concatenate([squash([images.rgb(int(i))], HEAD_SIDE) for i in test])

    def fit_score(
        self, rows: np.ndarray, targets: Sequence[np.ndarray], pool_rows: np.ndarray, *, seed: int
    ) -> Opinion:
        """Train on `rows`, then pool the pixel scores of `pool_rows`."""
        from alcore.heads.scoring import score_segmentation

        dense = self._store.dense([self._pool_keys[row] for row in rows])
        labels = np.stack([_squash_labels(target, self._side) for target in targets])
        self.fitted = self._train(dense, self._pool_rgb[rows], labels, self._groups[rows], seed=seed)
        parts: list[Opinion] = []
        for start in range(0, len(pool_rows), CHUNK):
            chunk = pool_rows[start : start + CHUNK]
            committee = self.fitted.predict(
                self._store.dense([self._pool_keys[row] for row in chunk]), self._pool_rgb[chunk]
            )
            parts.append(score_segmentation(committee))
        return joined(parts)

    def _train(
        self, dense: np.ndarray, images: np.ndarray, labels: np.ndarray, groups: np.ndarray, *, seed: int
    ) -> "DenseHead":
        """Train the head; `auto` is chosen anew by cross-validation on the labels at hand."""
        from alcore.heads.measuring import compare_heads
        from alcore.heads.registry import best_of, candidates
        from alcore.heads.training import train_head

        names = candidates(self.head, "segmentation", len(dense))
        name = names[0]
        if len(names) > 1:

            def blind(name: str, folds: Sequence[np.ndarray]) -> "DenseHead":
                return train_head(name, dense, images, labels, self._n_classes, seed=seed, folds=folds)

            name = best_of(
                compare_heads(names, blind, dense, images, labels, self._n_classes, groups=groups, seed=seed)
            )
        return train_head(name, dense, images, labels, self._n_classes, seed=seed, n_members=self._n_members)

    def evaluate(self) -> float:
        """Mean over classes of the Dice on the test images that show or claim the class."""
        found = np.full((len(self._test), self._n_classes - 1), np.nan)
        for start in range(0, len(self._test), CHUNK):
            rows = slice(start, start + CHUNK)
            dense = self._store.dense(self._test_keys[rows])
            mean = self.fitted.predict(dense, self._test_rgb[rows]).mean(axis=0)
            for i, probabilities in enumerate(mean):
                reference = self._images.labels(int(self._test[start + i]))
                labels = _labels_at(probabilities, reference.shape)
                found[start + i] = mean_dice_per_class(labels, reference.astype(np.int16), self._n_classes)
        per_class = [column[~np.isnan(column)] for column in found.T]
        return float(np.mean([column.mean() for column in per_class if column.size]))

    def suggest(self, fitted: Any, row: int) -> np.ndarray:
        """The starting mask of a pool row: label ids at the image's own size."""
        dense = self._store.dense([self._pool_keys[row]])
        probabilities = fitted.predict(dense, self._pool_rgb[[row]]).mean(axis=0)[0]
        return _labels_at(probabilities, self._images.labels(int(self._pool[row])).shape)


def reference_objects(labels: np.ndarray, instances: np.ndarray | None) -> list[tuple[int, np.ndarray]]:
    """The objects that an annotator would mark: (class id, mask), from instance ids where there are any."""
    found: list[tuple[int, np.ndarray]] = []
    if instances is not None:
        for number in np.unique(instances[instances > 0]):
            mask = instances == number
            ids = np.bincount(labels[mask], minlength=2)
            if mask.sum() >= MIN_OBJECT_PX and ids[1:].any():
                found.append((int(ids[1:].argmax()) + 1, mask))
        return found
    for class_id in np.unique(labels[(labels > 0) & (labels < 255)]):
        pieces = label_components(labels == class_id, min_px=MIN_OBJECT_PX)
        found += [(int(class_id), pieces == number) for number in range(1, int(pieces.max()) + 1)]
    return found


def _predictor(segmenter: str | None) -> Predictor | None:
    """Load the promptable model, where prompts need one."""
    if segmenter is None:
        return None
    from prompts.registry import load_predictor

    return load_predictor(segmenter)


def _squash_labels(labels: np.ndarray, side: int) -> np.ndarray:
    """Label ids at the head's size, nearest pixel."""
    return np.asarray(Image.fromarray(labels).resize((side, side), Image.Resampling.NEAREST))


def _labels_at(probabilities: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Label ids at the image's own size from class probabilities (k, side, side)."""
    size = (shape[1], shape[0])
    planes = [np.asarray(Image.fromarray(p).resize(size, Image.Resampling.BILINEAR)) for p in probabilities]
    return np.argmax(np.stack(planes), axis=0).astype(np.int16)
