"""The click benchmark: how good a promptable model's masks are after a box or some clicks, and how fast they come."""

import time
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from prompts.bench_data import BenchImage, image_paths, read_bench_images
from prompts.errors import DatasetError, InvalidPrompt
from prompts.overlap import dice, iou
from prompts.predictor import Predictor
from prompts.simulate import Dialogue, next_click, tight_box
from prompts.types import ImageState

CLICKS = (1, 3, 5, 10)
MAX_CLICKS = 20
"""Budget of NoC, as in RITM; an object that never gets there counts 20."""
NOC_IOU = {"noc85": 0.85, "noc90": 0.90}


@dataclass(frozen=True, kw_only=True)
class ObjectResult:
    """What one object took: Dice and IoU by step ("box" or number of clicks), clicks to each IoU, and seconds."""

    dice: dict[str, float]
    iou: dict[str, float]
    noc: dict[str, int]
    predict_s: tuple[float, ...]


def bench_clicks(
    dataset_dir: Path,
    predictor: Predictor,
    *,
    segmenter_name: str,
    limit: int | None = None,
    jitter: float = 0.0,
    stems: Collection[str] | None = None,
    held_out_only: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, object]:
    """Click through the objects of a data set with the simulated annotator of RITM.

    Args:
        dataset_dir: holds images/, masks/ and perhaps instances/; its name goes into the report.
        predictor: the model; its first embed and predict are made once more beforehand, so that loading is not timed.
        segmenter_name: what the report calls it.
        limit: at most so many objects; None takes all. Images come in an order drawn with seed 0.
        jitter: each side of the box moves by up to this share of its extent.
        stems: only these images.
        held_out_only: only images that the built-in weights were not trained on.
        progress: called with (objects done, `limit`), or without a limit with (images done, images).

    Returns:
        {"dataset", "segmenter", "n_objects", "dice": {"box", "1", "3", "5", "10"}, "iou": {the same}, "noc85", "noc90",
        "embed_ms_p50", "predict_ms_p50", "predict_ms_p95"}: means over objects, at the images' own resolution. "box" is
        one call with a box alone; the numbers are clicks without a box, each at the middle of the larger error region,
        all calls feeding the last logits back. Where a mask becomes perfect sooner, its score stands for the clicks
        that are left.

    Raises:
        DatasetError: the folder is no data set, or no object is left to click.
        InvalidPrompt: `limit` is below 1 or `jitter` not in [0, 0.5).
    """
    if limit is not None and limit < 1:
        raise InvalidPrompt(f"limit must be at least 1 object, or None for all; got {limit}")
    if held_out_only:
        stems = _held_out(dataset_dir, stems)
    n_images = len(image_paths(dataset_dir) if stems is None else set(stems))
    results: list[ObjectResult] = []
    embed_s: list[float] = []
    for image in read_bench_images(dataset_dir, stems=stems):
        if not embed_s:
            _warm_up(predictor, image)
        started = time.perf_counter()
        state = predictor.embed(image.rgb)
        embed_s.append(time.perf_counter() - started)
        rng = np.random.default_rng([1, zlib.crc32(image.stem.encode())])
        for gt_mask in image.objects:
            results.append(click_object(predictor, state, gt_mask, jitter=jitter, rng=rng))
            if progress is not None and limit is not None:
                progress(len(results), limit)
            if len(results) == limit:
                break
        if len(results) == limit:
            break
        if progress is not None and limit is None:
            progress(len(embed_s), n_images)
    if not results:
        raise DatasetError(f"'{dataset_dir.name}' has no object of at least 64 pixels in the images asked for")
    return _report(dataset_dir.name, segmenter_name, results, embed_s)


def click_object(
    predictor: Predictor,
    state: ImageState,
    gt_mask: Bool[np.ndarray, "h w"],
    *,
    jitter: float,
    rng: np.random.Generator,
) -> ObjectResult:
    """Give one object a box, and apart from that up to 20 clicks.

    Clicks stop early once every number to report is known: after 10 if the IoU of 0.90 was reached by then.
    """
    predict_s: list[float] = []
    boxed = Dialogue(predictor, state, box=tight_box(gt_mask, jitter=jitter, rng=rng))
    with _timed(predict_s):
        box_mask = boxed.ask()
    scores = [iou(gt_mask, mask) for mask in _click_through(predictor, state, gt_mask, predict_s)]
    at = {str(k): scores[min(k, len(scores)) - 1] for k in CLICKS}
    noc = {name: next((k for k, s in enumerate(scores, start=1) if s >= q), MAX_CLICKS) for name, q in NOC_IOU.items()}
    return ObjectResult(
        dice={"box": dice(gt_mask, box_mask)} | {k: 2 * s / (1 + s) for k, s in at.items()},
        iou={"box": iou(gt_mask, box_mask)} | at,
        noc=noc,
        predict_s=tuple(predict_s),
    )


def _click_through(
    predictor: Predictor, state: ImageState, gt_mask: Bool[np.ndarray, "h w"], predict_s: list[float]
) -> Iterator[Bool[np.ndarray, "h w"]]:
    """Yield the mask after each click."""
    dialogue = Dialogue(predictor, state)
    reached = False
    for k in range(1, MAX_CLICKS + 1):
        click = next_click(gt_mask, dialogue.mask, dialogue.points)
        if click is None or (reached and k > max(CLICKS)):
            return
        with _timed(predict_s):
            mask = dialogue.ask(click)
        reached = reached or iou(gt_mask, mask) >= max(NOC_IOU.values())
        yield mask


class _timed:
    """Adds the seconds of a block to a list."""

    def __init__(self, seconds: list[float]) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._seconds.append(time.perf_counter() - self._started)


def _warm_up(predictor: Predictor, image: BenchImage) -> None:
    """Make the first calls, which load and compile, outside the timing."""
    Dialogue(predictor, predictor.embed(image.rgb), box=tight_box(image.objects[0])).ask()


def _held_out(dataset_dir: Path, stems: Collection[str] | None) -> list[str]:
    """Return the stems that the built-in weights have never seen."""
    from prompts.builtin.split import is_held_out

    held_out = [
        s
        for s in sorted(image_paths(dataset_dir))
        if is_held_out(dataset_dir.name, s) and (stems is None or s in stems)
    ]
    if not held_out:
        raise DatasetError(
            f"'{dataset_dir.name}' has no held-out image among those asked for; leave the restriction out"
        )
    return held_out


def _report(dataset: str, segmenter: str, results: list[ObjectResult], embed_s: list[float]) -> dict[str, object]:
    """Put means and percentiles into the fields of the benchmark's JSON."""
    steps = ("box", *map(str, CLICKS))
    predict_ms = 1000 * np.concatenate([r.predict_s for r in results])
    return {
        "dataset": dataset,
        "segmenter": segmenter,
        "n_objects": len(results),
        "dice": {step: _mean(r.dice[step] for r in results) for step in steps},
        "iou": {step: _mean(r.iou[step] for r in results) for step in steps},
        **{name: _mean(r.noc[name] for r in results) for name in NOC_IOU},
        "embed_ms_p50": round(1000 * float(np.median(embed_s)), 3),
        "predict_ms_p50": round(float(np.percentile(predict_ms, 50)), 3),
        "predict_ms_p95": round(float(np.percentile(predict_ms, 95)), 3),
    }


def _mean(values: Iterator[float]) -> float:
    """Return the mean, with as many digits as mean something."""
    return round(float(np.mean(list(values))), 4)
