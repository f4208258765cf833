"""How fast heads train and predict, and how good they are, by the number of exact labels.

`python benchmarks/heads.py --data ../shared/data` prints Markdown tables. Test images are those that the built-in
encoder never saw in training (any images of a set that it never saw); Dice is the mean over foreground classes at each
image's own size. Seconds are those of the processor, mean over the draws.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from _data import add_data_option
from PIL import Image

from alcore.calibration import calibrate_across_folds, temper
from alcore.encoders import load_encoder
from alcore.encoders.base import Encoder, squash
from alcore.encoders.training.data import is_held_out, list_samples
from alcore.formats.folder import read_dataset
from alcore.heads.base import HEAD_SIDE
from alcore.heads.classification import train_classification_head
from alcore.heads.folds import group_folds
from alcore.heads.measuring import compare_classifiers, compare_heads, measure_blind, measure_head
from alcore.heads.registry import AUTO, HEADS, best_of, candidates
from alcore.heads.training import train_head
from alcore.metrics import balanced_accuracy, ece, mean_dice_per_class

SEGMENTATION = {"us_nerve_usgra": 3, "skin_isic2018": 2, "polyp_endotect": 2, "nuclei_dsb2018": 2}
CLASSIFICATION = ("cls_us_breast_busi", "cls_cxr_nih", "cls_mednist")
MAX_POOL = 80
MAX_VECTORS = 200


def timed(function: Callable[[], object]) -> tuple[object, float]:
    """Result and processor seconds of a call."""
    began = time.process_time()
    return function(), time.process_time() - began


class SegmentationSet:
    """Images of one set, encoded once: test images first, then the pool that labels are drawn from."""

    def __init__(self, folder: Path, encoder: Encoder, n_test: int) -> None:
        self.n_classes, rng = SEGMENTATION[folder.name], np.random.default_rng(0)
        paths = [path for path in sorted((folder / "images").iterdir()) if not path.stem.startswith("neg_")]
        held_out = np.array([is_held_out(folder.name, path.stem) for path in paths])
        test = rng.permutation(np.flatnonzero(held_out))[:n_test]
        rows = np.concatenate([test, rng.permutation(np.flatnonzero(~held_out))[:MAX_POOL]])
        self.n_test = len(test)
        images = [np.asarray(Image.open(paths[row]).convert("RGB")) for row in rows]
        masks = [Image.open(folder / "masks" / f"{paths[row].stem}.png") for row in rows]
        self.masks = [np.asarray(mask).astype(np.int64) for mask in masks[: self.n_test]]
        size = (HEAD_SIDE, HEAD_SIDE)
        self.targets = np.stack([np.asarray(mask.resize(size, Image.Resampling.NEAREST)) for mask in masks])
        self.dense, self.small = encoder.encode(images).dense, squash(images, HEAD_SIDE)

    def draw(self, n: int, seed: int) -> np.ndarray:
        """Rows of n images to label."""
        return self.n_test + np.random.default_rng(seed).permutation(len(self.dense) - self.n_test)[:n]

    def parts(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Dense maps, images and targets."""
        return self.dense[rows], self.small[rows], self.targets[rows]

    def dice(self, probabilities: np.ndarray) -> float:
        """Mean over classes and test images, at each image's own size."""
        each = []
        for image, mask in zip(probabilities, self.masks, strict=True):
            resized = torch.nn.functional.interpolate(torch.from_numpy(image[None]), size=mask.shape, mode="bilinear")
            each.append(mean_dice_per_class(resized.argmax(1).numpy(), mask[None], self.n_classes))
        return float(np.nanmean(np.array(each), axis=0).mean())


def run_segmentation(data: SegmentationSet, name: str, n: int, seed: int, n_members: int) -> dict[str, float]:
    """One draw: quality, calibration before and after, seconds."""
    rows, test = data.draw(n, seed), np.arange(data.n_test)
    parts, groups = data.parts(rows), np.arange(n)
    fit = partial(train_head, dense=parts[0], images_rgb=parts[1], targets=parts[2], n_classes=data.n_classes)

    def trained() -> tuple[str, object]:
        names, chosen = candidates(name, "segmentation", n), name
        if len(names) > 1:
            blind = partial(compare_heads, names, lambda head, folds: fit(head, seed=seed, folds=folds), *parts)
            chosen = best_of(blind(data.n_classes, groups=groups, seed=seed))
        return chosen, fit(chosen, seed=seed, n_members=n_members)

    (chosen, head), train_s = timed(trained)
    committee, predict_s = timed(lambda: head.predict(data.dense[test], data.small[test]))
    found = {"dice": data.dice(committee.mean(0)), "train_s": train_s, "predict_s": predict_s * 200 / data.n_test}
    if HEADS[chosen].is_cheap:
        folds = group_folds(groups, n_folds=3, seed=seed)
        train = lambda head, left_out: fit(head, seed=seed, folds=left_out)  # noqa: E731
        _, held = measure_blind(chosen, train, *parts, data.n_classes, folds, seed=seed)
        odds, truth = (np.concatenate([getattr(m, field) for m in held]) for field in ("probabilities", "targets"))
        sizes = np.cumsum([0, *(len(m.targets) for m in held)])
        spans = [np.arange(low, high) for low, high in pairwise(sizes)]
        on_test = measure_head(head, *data.parts(test), data.n_classes)
        found["ece_uncalibrated"] = ece(on_test.probabilities, on_test.targets)
        calm = temper(on_test.probabilities, calibrate_across_folds(odds, truth, spans)[0])
        found["ece"] = ece(calm, on_test.targets)
    return found


def run_classification(parts: list, name: str, n_classes: int, n: int, seed: int) -> dict[str, float]:
    """One draw: quality and seconds."""
    (pool, targets), (test, truth) = parts
    chosen = np.random.default_rng(seed).permutation(len(targets))[:n]
    x, y = pool[chosen], targets[chosen]

    def guess(kind: str, kept: np.ndarray, held: np.ndarray) -> np.ndarray:
        return train_classification_head(x[kept], y[kept], n_classes, kind=kind, seed=seed).predict(x[held]).mean(0)

    def trained() -> object:
        kind, names = name, candidates(name, "classification", n)
        if len(names) > 1:
            kind = best_of(compare_classifiers(names, guess, y, groups=np.arange(n), seed=seed))
        return train_classification_head(x, y, n_classes, kind=kind, seed=seed)

    head, train_s = timed(trained)
    odds = head.predict(test).mean(0)
    return {"accuracy": balanced_accuracy(odds.argmax(1), truth), "ece": ece(odds, truth), "train_s": train_s}


def row(cells: list[object], draws: list[dict[str, float]], fields: list[str]) -> str:
    """A line of a table: what it is about, then mean and, for the first field, each draw."""
    first = " ".join(f"{draw[fields[0]]:.3f}" for draw in draws)
    means = [np.mean([draw[field] for draw in draws]) if field in draws[0] else None for field in fields]
    texts = [f"{means[0]:.3f} ({first})", *("" if m is None else f"{m:.3f}" for m in means[1:])]
    return "| " + " | ".join([*map(str, cells), *texts]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and quality of the heads.")
    add_data_option(parser)
    segmentation = ["decoder", "dense_linear", "dense_prototype", "unet", AUTO]
    parser.add_argument("--sets", nargs="*", default=list(SEGMENTATION), choices=[*SEGMENTATION, *CLASSIFICATION])
    parser.add_argument("--heads", nargs="+", default=segmentation)
    parser.add_argument("--counts", type=int, nargs="+", default=[5, 10, 20, 40])
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--test-images", type=int, default=40)
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    import monai.networks.nets  # noqa: F401  (not timed: once a process)

    encoder = load_encoder("builtin")
    print(f"{encoder.encoder_id}, head side {HEAD_SIDE}, {args.members} members, {args.threads} threads\n")
    fields = ["dice", "train_s", "predict_s", "ece_uncalibrated", "ece"]
    chosen = [name for name in args.sets if name in SEGMENTATION]
    if chosen:
        print("| set | head | labels | Dice (each draw) | train s | predict 200, s | ECE before | ECE after |")
        print("|---|---|---|---|---|---|---|---|")
    for name in chosen:
        data = SegmentationSet(args.data / name, encoder, args.test_images)
        for head in args.heads:
            for n in args.counts:
                draws = [run_segmentation(data, head, n, seed, args.members) for seed in range(args.draws)]
                print(row([name, head, n], draws, fields), flush=True)
    chosen = [name for name in args.sets if name in CLASSIFICATION]
    if chosen:
        print("\n| set | head | labels | balanced accuracy (each draw) | ECE | train s |\n|---|---|---|---|---|---|")
    for name in chosen:
        label_of = {s.stem: s.label for s in read_dataset(args.data / name).samples}
        samples = [[s for s in list_samples(args.data, held_out=flag) if s.dataset == name] for flag in (False, True)]
        names = sorted({label_of[s.stem] for s in samples[0]})
        parts = []
        for part in samples:
            part = [part[i] for i in np.random.default_rng(0).permutation(len(part))[:MAX_VECTORS]]
            images = [np.asarray(Image.open(s.path).convert("RGB")) for s in part]
            truth = np.array([names.index(label_of[s.stem]) for s in part])
            parts.append((encoder.encode(images).vectors, truth))
        for head in args.heads:
            for n in args.counts:
                draws = [run_classification(parts, head, len(names), n, seed) for seed in range(args.draws)]
                print(row([name, head, n], draws, ["accuracy", "ece", "train_s"]), flush=True)


if __name__ == "__main__":
    main()
