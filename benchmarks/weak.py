"""What heads learn from pseudo-masks, against exact masks, for the same seconds of an annotator.

`python benchmarks/weak.py [DATASET...] [--seconds 450] [--seeds 3] [--side 64]`

Images to label are those that the promptable model was never trained on; masks come of a box (5 % jitter) or of one
click, taken as they are, and cost what `alcore.costs` says. Each seed draws another order of images; every arm labels
along it until the seconds are spent. Heads: one member on the built-in encoder, a small side, the same steps for all.
Test Dice over images with the object, at 128 pixels a side. `weighed`: by the fixed formula; `calibrated`: by what is
learned from the true Dice of four fifths of the images to label; `true Dice`: by what both try to guess.
"""

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from _data import add_data_option
from PIL import Image

from alcore.costs import CostTable
from alcore.encoders import load_encoder
from alcore.encoders.base import squash
from alcore.heads.segmentation import train_segmentation_head
from alcore.weak.relabel import doubtful_pixels, relabel
from alcore.weak.semi import unlabeled_targets
from alcore.weak.targets import Recipe, WeakObject, box_target, draw_target, pixel_certainty
from prompts.bench_data import BenchImage, read_bench_images
from prompts.builtin.split import is_held_out
from prompts.calibration import Signals, out_of_fold_quality, signals_of
from prompts.jitter import disagreement, jitter_dice, jittered_masks
from prompts.overlap import dice
from prompts.predictor import Predictor
from prompts.quality import mask_quality
from prompts.registry import load_predictor
from prompts.simulate import first_click, tight_box
from prompts.types import Prompt

NEVER_TRAINED_ON = {"skin_isic2018", "cxr_lungs_covid", "mri_brats_2d"}
N_TEST = 50
TEST_SIDE = 128
PLAIN = Recipe(weigh=False, band=False)
RECIPES = {
    "plain": PLAIN,
    "weighed": replace(PLAIN, weigh=True),
    "true Dice": replace(PLAIN, weigh=True),
    "weighed around": replace(PLAIN, weigh=True, around=True),
    "calibrated around": replace(PLAIN, weigh=True, around=True),
    "true Dice around": replace(PLAIN, weigh=True, around=True),
    "band": replace(PLAIN, band=True),
    "weighed, band": Recipe(),
    "certainty, band": Recipe(certainty=True),
    "relabeled": PLAIN,
    "unlabeled too": PLAIN,
}
CORES = {"ellipse in the box": 1.0, "core of the box": 0.6}
"""Boxes that no model saw."""
ARMS = {
    "exact": ("plain", "unlabeled too"),
    "box": (*RECIPES, *CORES),
    "1 click": tuple(RECIPES),
}
KINDS = ("box", "1 click")


@dataclass(frozen=True, kw_only=True)
class Labeled:
    """An image as one kind of annotator left it."""

    seconds: float
    objects: list[WeakObject]
    true_dice: list[float]
    signals: list[Signals]
    boxes: np.ndarray
    """(n, 4) rows and columns of the boxes at the head's side."""


def at_side(values: np.ndarray, side: int) -> np.ndarray:
    """Mean of a map over the pixels of a small square."""
    picture = Image.fromarray(values.astype(np.float32))
    return np.asarray(picture.resize((side, side), Image.Resampling.BOX))


def label(image: BenchImage, kind: str, predictor: Predictor | None, side: int) -> Labeled:
    """Label all objects of an image; exact without a predictor."""
    costs, objects, true_dice = CostTable(), [], []
    if predictor is None:
        exact = [WeakObject(mask=at_side(mask, side) >= 0.5, class_id=1, is_exact=True) for mask in image.objects]
        seconds = costs.outlined_objects(len(exact))
        return Labeled(seconds=seconds, objects=exact, true_dice=[1.0] * len(exact), signals=[], boxes=np.zeros((0, 4)))
    state, rng = predictor.embed(image.rgb), np.random.default_rng([2, zlib.crc32(image.stem.encode())])
    boxes, signals, (height, width) = [], [], image.rgb.shape[:2]
    for gt_mask in image.objects:
        if kind == "box":
            box = tight_box(gt_mask, jitter=0.05, rng=rng)
            boxes.append(np.array([box.y0 / height, box.y1 / height, box.x0 / width, box.x1 / width]) * side)
            prompt = Prompt(box=box)
        else:
            prompt = Prompt(points=(first_click(gt_mask),))
        answer = predictor.predict(state, prompt)
        jittered = jittered_masks(predictor, state, prompt, answer.mask, rng=rng)
        one = WeakObject(
            mask=at_side(answer.mask, side) >= 0.5,
            class_id=1,
            quality=mask_quality(answer, prompt),
            certainty=at_side(pixel_certainty(answer.low_res_logits[answer.chosen]), side),
            disagreement=at_side(disagreement(jittered), side),
        )
        objects.append(one)
        signals.append(signals_of(answer, prompt, image.rgb, jitter_dice=jitter_dice(answer.mask, jittered)))
        true_dice.append(dice(answer.mask, gt_mask))
    n = len(objects)
    seconds = n * costs.prompted_object(n_clicks=int(kind != "box"), n_boxes=int(kind == "box"))
    return Labeled(
        seconds=seconds, objects=objects, true_dice=true_dice, signals=signals, boxes=np.reshape(boxes, (-1, 4))
    )


@dataclass(kw_only=True)
class Bench:
    """One set: features of the images to label and to test on, answers of each annotator."""

    dense: np.ndarray
    small: np.ndarray
    answers: dict[str, list[Labeled]]
    test: tuple[np.ndarray, np.ndarray, np.ndarray]
    side: int
    steps: int
    calibrated: dict[str, list[list[float]]]
    """Quality of each object of each image, by kind."""

    def value(self, kind: str, name: str, rows: Sequence[int], seed: int) -> float:
        """Train one arm and measure it."""
        drawn = [self.drawn(kind, row, name) for row in rows]
        targets, weights = (np.stack(part) for part in zip(*drawn, strict=True))
        if name == "relabeled":
            targets = self.relabeled(kind, rows, targets, weights, seed)
        if name == "unlabeled too":
            rest = np.setdiff1d(np.arange(len(self.small)), rows)
            halves = self.halves(rows, targets, weights, seed)
            odds = np.concatenate([head.predict(self.dense[rest], self.small[rest]) for head in halves])
            more = unlabeled_targets(odds)
            rows = [*rows, *rest.tolist()]
            targets, weights = (np.concatenate(part) for part in zip((targets, weights), more, strict=True))
        head = self.fitted(rows, targets, weights, seed)
        dense, small, truth = self.test
        odds = torch.from_numpy(head.predict(dense, small)[0, :, 1:])
        found = torch.nn.functional.interpolate(odds, size=(TEST_SIDE, TEST_SIDE), mode="bilinear")[:, 0].numpy() > 0.5
        return float(np.mean([dice(a, b) for a, b in zip(found, truth, strict=True)]))

    def drawn(self, kind: str, row: int, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Target and weights of one image by one recipe."""
        answer = self.answers[kind][row]
        if name in CORES:
            target = box_target(answer.boxes, [1] * len(answer.boxes), self.side, core=CORES[name])
            return target, np.ones(target.shape, np.float32)
        objects = answer.objects
        if name.startswith("true Dice"):
            objects = [replace(one, quality=q) for one, q in zip(objects, answer.true_dice, strict=True)]
        if name == "calibrated around":
            objects = [replace(one, quality=q) for one, q in zip(objects, self.calibrated[kind][row], strict=True)]
        return draw_target(objects, self.side, recipe=RECIPES[name])

    def halves(self, rows: Sequence[int], targets: np.ndarray, weights: np.ndarray, seed: int) -> list:
        """Two heads: the first saw the odd half of the images, the second the even one."""
        parts = [np.arange(1, len(rows), 2), np.arange(0, len(rows), 2)]
        return [self.fitted([rows[i] for i in part], targets[part], weights[part], seed) for part in parts]

    def relabeled(
        self, kind: str, rows: Sequence[int], targets: np.ndarray, weights: np.ndarray, seed: int
    ) -> np.ndarray:
        """Targets whose doubtful masks were replaced by heads that saw the other half."""
        fresh = targets.copy()
        for k, head in enumerate(self.halves(rows, targets, weights, seed)):
            asked = np.arange(k, len(rows), 2)
            odds = head.predict(self.dense[[rows[i] for i in asked]], self.small[[rows[i] for i in asked]])
            for position, i in enumerate(asked):
                doubtful = doubtful_pixels(self.answers[kind][rows[i]].objects, self.side)
                fresh[i] = relabel(targets[i], doubtful, odds[:, position])
        return fresh

    def fitted(self, rows: Sequence[int], targets: np.ndarray, weights: np.ndarray, seed: int):
        """A head of one member."""
        chosen = np.asarray(rows)
        return train_segmentation_head(
            self.dense[chosen],
            self.small[chosen],
            targets,
            2,
            weights=weights,
            seed=seed,
            n_members=1,
            steps=self.steps,
        )


def open_set(folder: Path, n_pool: int, side: int, steps: int) -> Bench:
    """Read, label and encode; all objects of an image are of one class."""
    pool: list[BenchImage] = []
    test: list[BenchImage] = []
    for image in read_bench_images(folder):
        is_fresh = folder.name in NEVER_TRAINED_ON or is_held_out(folder.name, image.stem)
        if is_fresh and len(pool) < n_pool:
            pool.append(image)
        elif len(test) < N_TEST:
            test.append(image)
    encoder, predictor = load_encoder("builtin"), load_predictor("builtin")
    answers = {kind: [label(image, kind, predictor, side) for image in pool] for kind in KINDS}
    answers["exact"] = [label(image, "exact", None, side) for image in pool]
    truth = [np.logical_or.reduce(image.objects) for image in test]
    rgb = [[image.rgb for image in part] for part in (pool, test)]
    dense = [encoder.encode(part).dense for part in rgb]
    small = [squash(part, side) for part in rgb]
    masks = np.stack([at_side(mask, TEST_SIDE) >= 0.5 for mask in truth])
    return Bench(
        dense=dense[0],
        small=small[0],
        answers=answers,
        test=(dense[1], small[1], masks),
        side=side,
        steps=steps,
        calibrated={kind: calibrated(answers[kind]) for kind in KINDS},
    )


def calibrated(answers: Sequence[Labeled]) -> list[list[float]]:
    """Quality of each object by a calibrator that did not see its fifth of the images."""
    owner = np.concatenate([np.full(len(answer.signals), i) for i, answer in enumerate(answers)])
    found = [one for answer in answers for one in answer.signals]
    truth = np.array([value for answer in answers for value in answer.true_dice])
    quality = out_of_fold_quality(found, truth, [np.flatnonzero(owner % 5 == k) for k in range(5)])
    return [quality[owner == i].tolist() for i in range(len(answers))]


def affordable(answers: Sequence[Labeled], order: np.ndarray, seconds: float) -> list[int]:
    """Images along the order until the seconds are spent, at least two."""
    spent = np.cumsum([answers[row].seconds for row in order])
    return order[: max(2, int((spent <= seconds).sum()))].tolist()


def measure(name: str, bench: Bench, seconds: float, seeds: int, recipes: Sequence[str]) -> None:
    """Print a row for each arm of a set."""
    plain: dict[str, np.ndarray] = {}
    for kind in ("exact", *KINDS):
        for recipe in [arm for arm in ARMS[kind] if arm in recipes]:
            values, counts, spent = [], [], []
            for seed in range(seeds):
                order = np.random.default_rng(seed).permutation(len(bench.small))
                rows = affordable(bench.answers[kind], order, seconds)
                values.append(bench.value(kind, recipe, rows, seed))
                counts.append(len(rows))
                spent.append(sum(bench.answers[kind][row].seconds for row in rows))
            found = np.array(values)
            if recipe == "plain":
                plain[kind] = found
            gain = found - plain.get(kind, found * np.nan)
            print(
                f"| {name} | {kind} | {recipe} | {np.mean(counts):.0f} | {np.mean(spent):.0f} | {found.mean():.3f} | "
                f"{gain.mean():+.3f} | {int((gain > 0).sum())} of {seeds} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=["skin_isic2018", "polyp_endotect"])
    parser.add_argument("--seconds", type=float, default=450.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipes", nargs="+", choices=ARMS["box"], default=ARMS["box"])
    parser.add_argument("--pool", type=int, default=80, help="images to label from, at most")
    parser.add_argument("--side", type=int, default=64, help="of the head, in pixels")
    parser.add_argument("--steps", type=int, default=100)
    add_data_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| set | labels | recipe | images | s | test Dice | against plain | better in |\n{'|---' * 8}|", flush=True)
    for name in options.datasets:
        bench = open_set(options.data / name, options.pool, options.side, options.steps)
        for kind in KINDS:
            found = [q for answer in bench.answers[kind] for q in answer.true_dice]
            said = [one.quality for answer in bench.answers[kind] for one in answer.objects]
            print(f"{name}, {kind}: Dice of the masks {np.mean(found):.2f}, their quality {np.mean(said):.2f}")
        measure(name, bench, options.seconds, options.seeds, options.recipes)


if __name__ == "__main__":
    main()
