"""Measure the shipped weights on left-out images: `python -m prompts.builtin.training.evaluate --data DATA DATASET...`.

Objects are the entries of `instances/` or the connected components of each label id, of at least 64 pixels, at most 3
an image drawn with seed 0. Dice at the image's own resolution with a tight box, and after 1, 3, 5 and 10 clicks: the
first at the maximum of the object's distance transform, the next ones at that of the larger error region (RITM's
clicker), logits fed back.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int
from PIL import Image
from scipy import ndimage

from prompts.builtin.predictor import WEIGHTS, BuiltinPredictor
from prompts.builtin.split import is_held_out, is_validation
from prompts.builtin.training.data import label_components
from prompts.types import Box, ImageState, Point, Prompt

MIN_OBJECT_PX = 64
OBJECTS_PER_IMAGE = 3
CLICKS = (1, 3, 5, 10)


def objects_of(labels: Int[np.ndarray, "h w"], rng: np.random.Generator) -> list[Bool[np.ndarray, "h w"]]:
    """Draw the objects of one image."""
    sizes = np.bincount(labels.ravel())
    ids = np.flatnonzero(sizes >= MIN_OBJECT_PX)
    ids = ids[ids > 0]
    picked = rng.choice(ids, min(OBJECTS_PER_IMAGE, len(ids)), replace=False)
    return [labels == i for i in sorted(picked)]


def deepest(region: Bool[np.ndarray, "h w"], taken: Bool[np.ndarray, "h w"]) -> tuple[float, int, int]:
    """Return the largest distance to the region's border and its row and column, never at a place already clicked."""
    distance = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    distance[taken] = 0
    row, col = np.unravel_index(distance.argmax(), distance.shape)
    return float(distance[row, col]), int(row), int(col)


def dice(a: Bool[np.ndarray, "h w"], b: Bool[np.ndarray, "h w"]) -> float:
    """Return the overlap of two masks, at least one of which is not empty."""
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def with_box(predictor: BuiltinPredictor, state: ImageState, truth: Bool[np.ndarray, "h w"]) -> float:
    """Return the Dice that a tight box reaches."""
    ys, xs = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
    box = Box(float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1))
    return dice(predictor.predict(state, Prompt(box=box)).mask, truth)


def with_clicks(
    predictor: BuiltinPredictor, state: ImageState, truth: Bool[np.ndarray, "h w"]
) -> Iterator[tuple[int, float, float]]:
    """Click ten times; yield clicks so far, Dice, and milliseconds of the prediction."""
    points: list[Point] = []
    mask, taken, logits = np.zeros_like(truth), np.zeros_like(truth), None
    for n in range(1, max(CLICKS) + 1):
        missed, surplus = deepest(truth & ~mask, taken), deepest(mask & ~truth, taken)
        _, row, col = max(missed, surplus, key=lambda d: d[0])
        points.append(Point(col + 0.5, row + 0.5, int(missed[0] > surplus[0])))
        taken[row, col] = True
        began = time.perf_counter()
        found = predictor.predict(state, Prompt(points=tuple(points), low_res_logits=logits))
        ms = 1e3 * (time.perf_counter() - began)
        mask, logits = found.mask, found.low_res_logits[found.chosen]
        yield n, dice(mask, truth), ms


def evaluate(
    predictor: BuiltinPredictor, data: Path, dataset: str, *, validation: bool, limit: int
) -> dict[str, float]:
    """Measure one set on its left-out images, or on the training run's validation images."""
    chosen = is_validation if validation else is_held_out
    files = [f for f in sorted((data / dataset / "masks").iterdir()) if chosen(dataset, f.stem)][:limit]
    scores: dict[str, list[float]] = {}
    embed_ms, predict_ms = [], []
    rng = np.random.default_rng(0)
    for file in files:
        source = next((data / dataset / "images").glob(f"{file.stem}.*"))
        image = np.asarray(Image.open(source).convert("RGB"))
        instances = data / dataset / "instances" / file.name
        raw = np.asarray(Image.open(instances if instances.exists() else file)).astype(np.int32)
        began = time.perf_counter()
        state = predictor.embed(image)
        embed_ms.append(1e3 * (time.perf_counter() - began))
        for truth in objects_of(raw if instances.exists() else label_components(raw), rng):
            scores.setdefault("box", []).append(with_box(predictor, state, truth))
            for n, reached, ms in with_clicks(predictor, state, truth):
                predict_ms.append(ms)
                if n in CLICKS:
                    scores.setdefault(str(n), []).append(reached)
    out = {k: round(float(np.mean(v)), 4) for k, v in scores.items()}
    timing = {"embed_ms_p50": np.median(embed_ms), "predict_ms_p50": np.median(predict_ms)}
    return {"n_objects": len(scores["box"]), **out, **{k: round(float(v), 1) for k, v in timing.items()}}


def main() -> None:
    """Print one JSON line a set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument(
        "--validation", action="store_true", help="the images that watched training, not the left-out ones"
    )
    parser.add_argument("--limit", type=int, default=10_000)
    args = parser.parse_args()
    predictor = BuiltinPredictor(args.weights)
    for dataset in args.datasets:
        found = evaluate(predictor, args.data, dataset, validation=args.validation, limit=args.limit)
        print(json.dumps({"dataset": dataset, "model_id": predictor.model_id, **found}), flush=True)


if __name__ == "__main__":
    main()
