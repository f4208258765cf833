"""What a bound on starting masks is worth: how many it would let pass without a look, and how good these were.

`python benchmarks/bounds.py [DATASET...] [--head dense_linear|decoder] [--labels 40] [--draws 5]`

As in a round: `--labels` exact random images are measured in three folds, each by a head that did not see it, the bound
(error rate 0.1) is learned from what these heads expected and what came out, and the head that is kept offers masks of
60 other random images. `kept` is the share of masks that are at least as good as their bound says, to be 90 %;
`accepted` the share of those images whose bound reaches 0.8 or 0.9, with their mean true Dice and the share of them
that is truly so good. Dice at the head's side, mean over the classes that an image shows. `ideal` accepts by true Dice.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _data import add_data_option
from PIL import Image

from alcore.conformal import lower_bound
from alcore.encoders import load_encoder
from alcore.encoders.base import squash
from alcore.heads.base import HEAD_SIDE
from alcore.heads.folds import group_folds
from alcore.heads.measuring import measure_blind, measure_head
from alcore.heads.registry import HEADS
from alcore.heads.training import train_head
from prompts.bench_data import image_paths, read_rgb

SETS = ("us_nerve_usgra", "polyp_endotect", "nuclei_dsb2018")
LEVELS = (0.8, 0.9)
N_OFFERED = 60


def read(folder: Path, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dense maps, small images and targets of so many random images."""
    paths = image_paths(folder)
    names = sorted(paths)
    stems = [names[i] for i in np.random.default_rng(0).permutation(len(names))[:n]]
    rgb = [read_rgb(paths[stem]) for stem in stems]
    size = (HEAD_SIDE, HEAD_SIDE)
    masks = [Image.open(folder / "masks" / f"{stem}.png").resize(size, Image.Resampling.NEAREST) for stem in stems]
    return load_encoder("builtin").encode(rgb).dense, squash(rgb, HEAD_SIDE), np.stack([np.asarray(m) for m in masks])


def draw(parts: tuple, n_classes: int, head: str, n_labels: int, seed: int) -> dict[str, np.ndarray | float]:
    """One round: what was learned, and what came of the masks that it was applied to."""
    order = np.random.default_rng(seed).permutation(len(parts[0]))
    taught, offered = order[:n_labels], order[n_labels : n_labels + N_OFFERED]
    lesson = [part[taught] for part in parts]
    fit = partial(train_head, dense=lesson[0], images_rgb=lesson[1], targets=lesson[2], n_classes=n_classes, seed=seed)
    strata = np.array([target.any() for target in lesson[2]])
    folds = group_folds(np.arange(n_labels), strata=strata, n_folds=3, seed=seed)
    made, blind = measure_blind(
        head, lambda name, left_out: fit(name, folds=left_out), *lesson, n_classes, folds, seed=seed
    )
    confidence, value = (np.concatenate([getattr(b, name) for b in blind]) for name in ("confidences", "values"))
    known = ~(np.isnan(confidence) | np.isnan(value))
    bound = lower_bound(confidence[known], value[known], error_rate=0.1)
    kept = fit(head) if HEADS[head].is_cheap else made
    found = measure_head(kept, *(part[offered] for part in parts), n_classes)
    there = ~np.isnan(found.confidences) & ~np.isnan(found.values)
    return {
        "margin": bound.margin,
        "n": bound.n,
        "bounds": bound.at(found.confidences[there]),
        "values": found.values[there],
    }


def line(name: str, head: str, draws: list[dict]) -> str:
    """A row of the table: means over draws, masks of all draws together."""
    bounds, values = (np.concatenate([one[key] for one in draws]) for key in ("bounds", "values"))
    cells = [
        name,
        f"`{head}`",
        f"{np.mean([one['n'] for one in draws]):.0f}",
        f"{values.mean():.3f}",
        f"{np.mean([one['margin'] for one in draws]):.2f}",
        f"{bounds.mean():.2f}",
        f"{100 * (values >= bounds - 1e-9).mean():.0f} %",
    ]
    for level in LEVELS:
        passed = bounds >= level
        good = f"{values[passed].mean():.3f}, {100 * (values[passed] >= level).mean():.0f} %" if passed.any() else "-"
        cells += [f"{100 * passed.mean():.0f} %", good, f"{100 * (values >= level).mean():.0f} %"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=SETS)
    parser.add_argument("--head", default="dense_linear", choices=["dense_linear", "decoder"])
    parser.add_argument("--labels", type=int, default=40)
    parser.add_argument("--draws", type=int, default=5)
    add_data_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    per_level = [f"accepted at {v} | true Dice, truly so good | ideal" for v in LEVELS]
    print(f"| set | head | learned from | Dice | margin | bound | kept | {' | '.join(per_level)} |\n{'|---' * 13}|")
    for name in options.datasets:
        parts = read(options.data / name, options.labels + 2 * N_OFFERED)
        n_classes = int(parts[2].max()) + 1
        draws = [draw(parts, n_classes, options.head, options.labels, seed) for seed in range(options.draws)]
        print(line(name, options.head, draws), flush=True)


if __name__ == "__main__":
    main()
