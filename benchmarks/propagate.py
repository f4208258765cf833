"""How well masks are carried from the middle slice of an object to the slices 1, 2, 3 and 5 away, both ways.

`python benchmarks/propagate.py [--segmenter builtin] [--limit 10]`

Mean Dice against the reference, over objects and both directions, where the reference still shows the object; a mask
that was given up before counts as 0. `copy`: the middle slice's mask, unchanged. `prompt`: each slice is asked with
the box (widened by 3 % of the root of its area) and the innermost point of the mask before. `propagate`: ours.
Volumes that the built-in model was not trained on; the start is the reference's own mask, as a person would leave it.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _data import add_data_option

from alcore.formats.nifti import read_nifti
from alcore.formats.window import apply_window
from prompts.builtin.split import is_held_out
from prompts.geometry import tight_box_of
from prompts.overlap import dice
from prompts.predictor import Predictor
from prompts.propagate import ROOM, propagate, widened
from prompts.registry import load_predictor
from prompts.simulate import first_click
from prompts.types import ImageState, Prompt

SETS = {"mri_hippocampus_3d": ((1,), (2,)), "mri_brats_3d": ((1, 2, 3, 4), (1, 4))}
"""Label ids that make up each object: anterior and posterior hippocampus; whole tumour and its core."""
DISTANCES = (1, 2, 3, 5)


def prompt_anew(predictor: Predictor, states: list[ImageState], mask: np.ndarray) -> Iterator[np.ndarray]:
    """Ask each slice with box and point of the mask before."""
    for state in states:
        if not mask.any():
            return
        box = widened(tight_box_of(mask), ROOM * float(np.sqrt(mask.sum())), mask.shape)
        prompt = Prompt(box=box, points=(first_click(mask),))
        mask = predictor.predict(state, prompt, multimask=False).mask
        yield mask


def measure(predictor: Predictor, file: Path, objects: tuple[tuple[int, ...], ...], scores: dict) -> list[float]:
    """Add the Dice of every way, distance and direction of one volume to `scores`; returns seconds a slice."""
    volume, reference = read_nifti(file), read_nifti(file.parent.parent / "masks" / file.name)
    labels = np.rint(reference.slope * reference.voxels + reference.intercept)
    states: dict[int, ImageState] = {}

    def state_of(index: int) -> ImageState:
        if index not in states:
            shown = apply_window(volume.voxels[index], volume.window)
            states[index] = predictor.embed(np.repeat(shown[..., None], 3, axis=2))
        return states[index]

    seconds = []
    for ids in objects:
        truth = np.isin(labels, ids)
        there = np.flatnonzero(truth.any(axis=(1, 2)))
        middle = int(there[np.abs(there - there.mean()).argmin()])
        for step in (-1, 1):
            way = [middle + step * d for d in range(1, max(DISTANCES) + 1)]
            way = [index for index in way if 0 <= index < len(truth)]
            start, following = state_of(middle), [state_of(index) for index in way]
            began = time.perf_counter()
            carried = [found.mask for found in propagate(predictor, start, following, truth[middle])]
            seconds.append((time.perf_counter() - began) / len(way))
            answers = {
                "copy": [truth[middle]] * len(way),
                "prompt": list(prompt_anew(predictor, following, truth[middle])),
                "propagate": carried,
            }
            for distance, index in enumerate(way, start=1):
                for name, masks in answers.items():
                    if truth[index].any():
                        found = masks[distance - 1] if distance <= len(masks) else np.zeros_like(truth[index])
                        scores[name, distance].append(dice(found, truth[index]))
    return seconds


def main() -> None:
    """Print one table for all sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--segmenter", default="builtin")
    parser.add_argument("--limit", type=int, default=10, help="volumes of each set")
    options = parser.parse_args()
    predictor = load_predictor(options.segmenter)
    print("| set | volumes | masks | way |", " | ".join(f"{d} away" for d in DISTANCES), "|")
    print("|---|---|---|---|" + "---|" * len(DISTANCES))
    seconds: list[float] = []
    for name, objects in SETS.items():
        files = sorted((options.data / name / "images").glob("*.nii.gz"))
        if name == "mri_hippocampus_3d":
            files = [file for file in files if is_held_out(name, file.name.removesuffix(".nii.gz"))]
        files = files[: options.limit]
        scores: dict[tuple[str, int], list[float]] = defaultdict(list)
        for file in files:
            seconds += measure(predictor, file, objects, scores)
        for way in ("copy", "prompt", "propagate"):
            means = " | ".join(f"{np.mean(scores[way, d]):.3f}" for d in DISTANCES)
            print(f"| {name} | {len(files)} | {len(scores[way, 1])} | {way} | {means} |")
    print(f"\n{predictor.model_id}: {1000 * np.median(seconds):.0f} ms a slice beside its encoding, median")


if __name__ == "__main__":
    main()
