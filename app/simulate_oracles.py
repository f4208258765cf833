"""Annotators of segmentation in `fewclick simulate`: who prompts the model, and who looks at the head's masks first."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from alcore.costs import CostTable
from alcore.loop import Answer
from alcore.masks import label_components
from alcore.metrics import IGNORE_LABEL, mean_dice_per_class
from alcore.windows import Box, place_window, window_mask, window_share
from app.simulate_data import SimulationImages
from prompts.predictor import Predictor
from prompts.simulate import TARGET_DICE, PromptKind, simulate_object

MIN_OBJECT_PX = 16
"""Smaller specks of the reference are left unlabeled: nobody draws a box around them."""
CACHE_VERSION = 2
CORRECTION: PromptKind = "box+click"
"""How what is not good enough is drawn anew."""


class SegmentationOracle:
    """Prompts a model for every object of an image, as `prompts.simulate` does, until its Dice is `target_dice`.

    The jitter of its boxes depends on the image only, not on the seed: an image is labeled once and then known. So does
    the window in which an image with more than `window_objects` objects is labeled; 0 labels all images whole. In a
    window each object that it touches is prompted, whole, and what lies outside is 255 in the answer.
    """

    def __init__(
        self,
        images: SimulationImages,
        pool: np.ndarray,
        *,
        prompts: PromptKind,
        segmenter: str | None,
        folder: Path,
        window_objects: int = 0,
        target_dice: float = TARGET_DICE,
    ) -> None:
        self._images = images
        self._target_dice = target_dice
        self._window_objects = window_objects
        self._pool = pool
        self._prompts = prompts
        self._costs = CostTable()
        self._known: dict[int, Answer] = {}
        self._predictor = _predictor(segmenter)
        model = self._predictor.model_id if self._predictor is not None else "none"
        part = f"-w{window_objects}" if window_objects else ""
        part += f"-d{target_dice:g}" if target_dice != TARGET_DICE else ""
        self._folder = folder / "pseudo_masks" / re.sub(r"[^\w.-]+", "_", f"{model}-{prompts}{part}-v{CACHE_VERSION}")
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

    def window(self, row: int) -> Box | None:
        """The window in which an image is labeled; None for the whole of it."""
        labels, objects = self._reference(row)
        if not self._window_objects or len(objects) <= self._window_objects:
            return None
        share = window_share(len(objects), self._window_objects)
        return place_window(labels.shape, share, rng=np.random.default_rng([0, row, 1]))

    def _reference(self, row: int) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]]:
        """Label ids of an image and its objects."""
        index = int(self._pool[row])
        labels = self._images.labels(index)
        return labels, reference_objects(labels, self._images.instances(index))

    def _labeled(self, row: int) -> Answer:
        """Prompt every object, or those that the image's window touches."""
        window = self.window(row)
        reference, objects = self._reference(row)
        if window is None:
            return self._prompted(row, objects)
        inside = window_mask(window, reference.shape)
        answer = self._prompted(row, [(class_id, mask) for class_id, mask in objects if (mask & inside).any()])
        answer.target[~inside] = IGNORE_LABEL
        return replace(answer, seconds=answer.seconds + self._costs.verify_s)  # the look that chooses the window

    def _prompted(self, row: int, objects: list[tuple[int, np.ndarray]]) -> Answer:
        """Prompt some objects of an image."""
        index = int(self._pool[row])
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
            made = simulate_object(
                self._predictor, state, mask, prompts=self._prompts, target_dice=self._target_dice, rng=rng
            )
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
    """Looks at the head's own masks first: keeps them where every class reaches `target_dice`, or labels anew."""

    wants_offers = True

    def __init__(self, labeler: SegmentationOracle, n_classes: int, *, target_dice: float = TARGET_DICE) -> None:
        self._labeler, self._n_classes, self._target_dice = labeler, n_classes, target_dice
        self._costs = CostTable()

    def answer(self, row: int, rng: np.random.Generator, *, offer: np.ndarray | None = None) -> Answer:
        """Accept or redo; the look costs its seconds either way. In a window, only what it shows is looked at."""
        if offer is None:
            return self._labeler.answer(row, rng)
        reference, target, seconds = self.truth(row), offer.astype(np.uint8), self._costs.verify_s
        window = self._labeler.window(row)
        if window is not None:
            outside = ~window_mask(window, reference.shape)
            reference, target = (np.where(outside, np.uint8(IGNORE_LABEL), labels) for labels in (reference, target))
            seconds += self._costs.verify_s
        agreement = mean_dice_per_class(offer, reference.astype(offer.dtype), self._n_classes)
        if (agreement[~np.isnan(agreement)] >= self._target_dice).all():
            return Answer(target=target, seconds=seconds)
        redone = self._labeler.answer(row, rng)
        return replace(redone, seconds=redone.seconds + self._costs.verify_s)

    def truth(self, row: int) -> np.ndarray:
        """Reference label ids at the image's own size."""
        return self._labeler.truth(row)


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
