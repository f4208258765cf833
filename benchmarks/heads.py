"""How fast heads train and predict, and how good they are, by the number of exact labels.

`python benchmarks/heads.py --data ../shared/data` prints Markdown tables. Test images are those that the built-in
encoder never saw in training; Dice is the mean over foreground classes at each image's own size.
"""

import argparse
import csv
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _data import add_data_option
from PIL import Image

from alcore.encoders import load_encoder
from alcore.encoders.base import Encoder, squash
from alcore.encoders.training.data import is_held_out, list_samples
from alcore.heads.classification import train_classification_head
from alcore.heads.segmentation import HEAD_SIDE, train_segmentation_head
from alcore.metrics import balanced_accuracy, mean_dice_per_class

SEGMENTATION = {"us_nerve_usgra": 3, "nuclei_dsb2018": 2}
CLASSIFICATION = ("cls_us_breast_busi", "cls_cxr_nih")


def timed(function: Callable[[], object]) -> tuple[object, float, float]:
    """Result, wall seconds and CPU seconds of a call."""
    usage, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = function()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
    return result, time.perf_counter() - began, cpu


def masks_at_own_size(probabilities: np.ndarray, shapes: list[tuple[int, int]]) -> list[np.ndarray]:
    """Label ids at each image's own size, from probabilities (n, k, side, side)."""
    labels = []
    for image, shape in zip(probabilities, shapes, strict=True):
        resized = torch.nn.functional.interpolate(torch.from_numpy(image[None]), size=shape, mode="bilinear")
        labels.append(resized[0].argmax(0).numpy())
    return labels


def bench_segmentation(folder: Path, encoder: Encoder, counts: list[int], n_members: int, seed: int) -> list[str]:
    """Table rows of one set."""
    n_classes = SEGMENTATION[folder.name]
    paths = sorted((folder / "images").iterdir())
    masks = [np.asarray(Image.open(folder / "masks" / f"{path.stem}.png")).astype(np.int64) for path in paths]
    images = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    dense, small = encoder.encode(images).dense, squash(images, HEAD_SIDE)
    size = (HEAD_SIDE, HEAD_SIDE)
    targets = np.stack(
        [np.asarray(Image.fromarray(m.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)) for m in masks]
    )
    held_out = np.array([is_held_out(folder.name, path.stem) for path in paths])
    test, order = np.flatnonzero(held_out), np.random.default_rng(seed).permutation(np.flatnonzero(~held_out))
    rows = []
    for n in counts:
        chosen = order[:n]

        def fit(chosen: np.ndarray = chosen) -> object:
            return train_segmentation_head(
                dense[chosen], small[chosen], targets[chosen], n_classes, seed=seed, n_members=n_members
            )

        head, wall_s, cpu_s = timed(fit)
        committee, predict_wall_s, predict_cpu_s = timed(lambda head=head: head.predict(dense[test], small[test]))
        predicted = masks_at_own_size(committee.mean(0), [masks[row].shape for row in test])
        per_image = [
            mean_dice_per_class(p[None], masks[row][None], n_classes) for p, row in zip(predicted, test, strict=True)
        ]
        dice = np.nanmean(np.array(per_image), axis=0)
        scale = 200 / len(test)
        each = ", ".join(f"{value:.3f}" for value in dice)
        rows.append(
            f"| {folder.name} | {n} | {len(test)} | {wall_s:.0f} | {cpu_s:.0f} | {predict_wall_s * scale:.1f} | "
            f"{predict_cpu_s * scale:.1f} | {dice.mean():.3f} ({each}) |"
        )
    return rows


def bench_classification(data: Path, name: str, encoder: Encoder, counts: list[int], seeds: int) -> list[str]:
    """Table rows of one set: mean over seeds of which items are labeled."""
    with (data / name / "labels.csv").open(newline="") as file:
        label_of = {row["stem"]: row["label"] for row in csv.DictReader(file)}
    parts = [[s for s in list_samples(data, held_out=flag) if s.dataset == name] for flag in (False, True)]
    names = sorted({label_of[s.stem] for s in parts[0]})
    targets = [np.array([names.index(label_of[s.stem]) for s in part]) for part in parts]
    vectors = [encoder.encode([np.asarray(Image.open(s.path).convert("RGB")) for s in part]).vectors for part in parts]
    rows = []
    for n in counts:
        scores, cpu = [], 0.0
        for seed in range(seeds):
            chosen = np.random.default_rng(seed).permutation(len(targets[0]))[:n]

            def fit(chosen: np.ndarray = chosen, seed: int = seed) -> object:
                return train_classification_head(vectors[0][chosen], targets[0][chosen], len(names), seed=seed)

            head, _, cpu_s = timed(fit)
            cpu += cpu_s / seeds
            scores.append(balanced_accuracy(head.predict(vectors[1]).mean(0).argmax(1), targets[1]))
        rows.append(f"| {name} | {n} | {len(targets[1])} | {cpu:.1f} | {np.mean(scores):.3f} ± {np.std(scores):.3f} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and quality of the heads.")
    add_data_option(parser)
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 40, 150])
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    import monai.losses  # noqa: F401  (not timed: once a process)

    encoder = load_encoder("builtin")
    print(f"{encoder.encoder_id}, head side {HEAD_SIDE}, {args.members} members, {args.threads} threads\n")
    print("| set | labels | test images | train s | train CPU s | predict 200, s | CPU s | Dice, mean (each class) |")
    print("|---|---|---|---|---|---|---|---|")
    for name in SEGMENTATION:
        for row in bench_segmentation(args.data / name, encoder, args.counts, args.members, args.seed):
            print(row, flush=True)
    print("\n| set | labels | test images | train CPU s | balanced accuracy, 5 draws |\n|---|---|---|---|---|")
    for name in CLASSIFICATION:
        for row in bench_classification(args.data, name, encoder, args.counts, 5):
            print(row, flush=True)


if __name__ == "__main__":
    main()
