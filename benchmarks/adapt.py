"""How much a project's accepted masks help the promptable model on the project's other images.

`python benchmarks/adapt.py DATASET... --data ../shared/data` prints a Markdown table: Dice with a tight box, after one
and after three clicks, and clicks until Dice 0.9 (11 where ten do not reach it), before and after `prompts.adaptation`
learned from `--images` images. Objects are those of `fewclick bench clicks`; nobody's group is on both sides.
"""

import argparse
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from _data import add_data_option

from prompts.adaptation import Adaptable, Sample, adapt, save_adaptation
from prompts.bench_data import BenchImage, read_bench_images
from prompts.measure import ClickScores, measure_clicks
from prompts.registry import load_predictor

GROUPS = {"mri_brats_2d": r"(pat\d+)", "ct_liver_msd": r"msd_(\d+)", "fundus_chase": r"(\d+)"}
"""Patient, volume or child in a stem; in other sets each image stands for itself."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One draw of images."""

    n_images: int
    n_objects: int
    n_test: int
    before: ClickScores
    after: ClickScores
    seconds: float


def split(images: list[BenchImage], pattern: str | None, n: int, n_test: int, seed: int) -> tuple[list[int], list[int]]:
    """Rows to learn from and rows to measure on: groups in random order, at least one of them left for measuring."""
    names = [image.stem if pattern is None else str(re.findall(pattern, image.stem)[0]) for image in images]
    order = np.random.default_rng(seed).permutation(sorted(set(names))).tolist()
    learned: list[int] = []
    while len(learned) < n and len(order) > 1:
        group = order.pop()
        learned += [row for row, name in enumerate(names) if name == group]
    return learned[:n], [row for name in order for row in range(len(names)) if names[row] == name][:n_test]


def run(images: list[BenchImage], rows: tuple[list[int], list[int]], segmenter: str, seed: int) -> Run:
    """Measure, adapt, measure again."""
    samples = [Sample(image=images[row].rgb, masks=images[row].objects) for row in rows[0]]
    test = [(images[row].rgb, images[row].objects) for row in rows[1]]
    model = load_predictor(segmenter)
    if not isinstance(model, Adaptable):
        raise SystemExit(f"{segmenter} cannot be adapted")
    before = measure_clicks(model, test)
    began = time.perf_counter()
    weights = adapt(model, samples, seed=seed)
    seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "adapted.safetensors"
        save_adaptation(file, weights, base_id=model.base_id)
        after = measure_clicks(load_predictor(segmenter, adaptation=file), test)
    n_objects = sum(len(sample.masks) for sample in samples)
    return Run(
        n_images=len(samples), n_objects=n_objects, n_test=len(test), before=before, after=after, seconds=seconds
    )


def line(name: str, runs: list[Run]) -> str:
    """A row of the table, averaged over draws; clicks with their range."""

    def pair(field: str) -> str:
        values = [[getattr(scores, field) for scores in (r.before, r.after)] for r in runs]
        before, after = np.mean(values, axis=0)
        return f"{before:.3f} → {after:.3f}" if field.startswith("dice") else f"{before:.1f} → {after:.1f}"

    better = sum(r.after.clicks_to_90 < r.before.clicks_to_90 for r in runs)
    counts = [f"{np.mean([getattr(r, field) for r in runs]):.0f}" for field in ("n_images", "n_objects", "n_test")]
    cells = [name, *counts, *map(pair, ("dice_box", "dice_1", "dice_3", "clicks_to_90")), f"{better} of {len(runs)}"]
    return f"| {' | '.join(cells)} | {np.mean([r.seconds for r in runs]):.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="*", default=["skin_isic2018", "mri_brats_2d", "cxr_lungs_covid"])
    add_data_option(parser)
    parser.add_argument("--segmenter", default="builtin")
    parser.add_argument("--images", type=int, default=30, help="images to learn from")
    parser.add_argument("--test", type=int, default=40, help="other images to measure on")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| set | images | objects | test images | box | 1 click | 3 clicks | clicks to 0.9 | fewer in | adapt s |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in options.datasets:
        images = list(read_bench_images(options.data / name))
        rows = [split(images, GROUPS.get(name), options.images, options.test, seed) for seed in range(options.seeds)]
        runs = [run(images, row, options.segmenter, seed) for seed, row in enumerate(rows)]
        print(line(name, runs), flush=True)


if __name__ == "__main__":
    main()
