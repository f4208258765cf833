"""Draw the objects on which a promptable model fails worst, as a picture for its model card.

`python benchmarks/failures.py DATASET... --out FILE.png` takes each set's held-out objects and shows the four with the
lowest Dice after three clicks: the image, the reference in green, the answer in magenta, clicks as dots (white:
foreground, black: background; those out of view are left out). Draw only sets whose licence allows it to be shown.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from _data import add_data_option
from PIL import Image, ImageDraw
from skimage.segmentation import find_boundaries

from prompts.bench_data import read_bench_images
from prompts.builtin.split import is_held_out
from prompts.geometry import tight_box_of
from prompts.overlap import dice
from prompts.registry import load_predictor
from prompts.simulate import Dialogue, next_click
from prompts.types import Point

N_CLICKS = 3
N_WORST = 4
TILE_PX = 256
GREEN, MAGENTA = (0, 255, 0), (255, 0, 255)


@dataclass(frozen=True)
class Case:
    """One object with the answer after three clicks."""

    rgb: np.ndarray
    gt_mask: np.ndarray
    answer: np.ndarray
    points: tuple[Point, ...]
    score: float


def draw(case: Case) -> Image.Image:
    """Show the surroundings of the object and of the answer, plain and with outlines, side by side."""
    box = tight_box_of(case.gt_mask | case.answer)
    side = 1.3 * max(box.x1 - box.x0, box.y1 - box.y0, 32)
    left, top = (box.x0 + box.x1 - side) / 2, (box.y0 + box.y1 - side) / 2
    frame = (left, top, left + side, top + side)

    def fit(array: np.ndarray, resample: Image.Resampling) -> np.ndarray:
        return np.asarray(Image.fromarray(array).transform((TILE_PX,) * 2, Image.Transform.EXTENT, frame, resample))

    plain = fit(case.rgb, Image.Resampling.BILINEAR)
    outlined = plain.copy()
    for mask, colour in ((case.gt_mask, GREEN), (case.answer, MAGENTA)):
        seen = fit(mask.astype(np.uint8), Image.Resampling.NEAREST)
        outlined[find_boundaries(seen, mode="inner")] = colour
    tile = Image.fromarray(np.concatenate([plain, outlined], axis=1))
    pen = ImageDraw.Draw(tile)
    for point in case.points:
        x, y = TILE_PX * (point.x - left) / side, TILE_PX * (point.y - top) / side
        if not (0 <= x < TILE_PX and 0 <= y < TILE_PX):
            continue
        x += TILE_PX
        fill = "white" if point.label == 1 else "black"
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=fill, outline="yellow")
    pen.text((6, 4), f"Dice {case.score:.2f}", fill="yellow", stroke_width=1, stroke_fill="black")
    return tile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=["nuclei_dsb2018", "us_nerve_usgra"])
    parser.add_argument("--segmenter", default="builtin")
    parser.add_argument("--limit", type=int, default=60, help="objects looked at in each set")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, required=True)
    add_data_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = load_predictor(options.segmenter)
    rows = []
    for name in options.datasets:
        cases: list[Case] = []
        for image in read_bench_images(options.data / name):
            if len(cases) >= options.limit or not is_held_out(name, image.stem):
                continue
            state = model.embed(image.rgb)
            for gt_mask in image.objects:
                dialogue = Dialogue(model, state)
                for _ in range(N_CLICKS):
                    click = next_click(gt_mask, dialogue.mask, dialogue.points)
                    if click is not None:
                        dialogue.ask(click)
                score = dice(dialogue.mask, gt_mask)
                cases.append(Case(image.rgb, gt_mask, dialogue.mask, dialogue.points, score))
        worst = sorted(cases, key=lambda case: case.score)[:N_WORST]
        rows.append(np.concatenate([np.asarray(draw(case)) for case in worst], axis=1))
        print(name, [round(case.score, 2) for case in worst])
    Image.fromarray(np.concatenate(rows)).save(options.out, optimize=True)


if __name__ == "__main__":
    main()
