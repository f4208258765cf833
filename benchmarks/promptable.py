"""How good a promptable model's masks are beside classical tools at the same prompts, on the same objects.

`python benchmarks/promptable.py DATASET... [--segmenter builtin | --weights FILE] [--limit 60] [--held-out] [--out F]`

By the protocol of `fewclick bench clicks` (tight box; clicks by RITM's rule, each tool corrected on its own masks). The
tools are scikit-image's random walker, OpenCV's GrabCut where cv2 can be imported, and the ellipse that fills the box,
which takes no clicks. Brackets hold 95 % bootstrap intervals over objects. `kept`: foreground clicks that lie in the
mask that answers them and background clicks that lie outside, over all answers.
"""

import argparse
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from _classical import EllipseInBox, GrabCut, RandomWalker
from _data import add_data_option

from prompts.bench import CLICKS, click_object
from prompts.bench_data import BenchImage, read_bench_images
from prompts.builtin.predictor import BuiltinPredictor
from prompts.builtin.split import is_held_out
from prompts.geometry import pixel_of
from prompts.overlap import dice
from prompts.predictor import Predictor
from prompts.registry import load_predictor
from prompts.simulate import tight_box
from prompts.types import ImageState, MaskPrediction, Prompt

STEPS = ("box", *map(str, CLICKS))


class Watched:
    """A predictor whose answers are checked against the clicks that they answer."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.model_id = predictor.model_id
        self.kept: list[bool] = []

    def embed(self, image: np.ndarray) -> ImageState:
        """See `Predictor`."""
        return self._predictor.embed(image)

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        """See `Predictor`."""
        answer = self._predictor.predict(state, prompt, multimask=multimask)
        self.kept += [bool(answer.mask[pixel_of(point)]) == (point.label == 1) for point in prompt.points]
        return answer


def measure(images: list[BenchImage], predictor: Predictor) -> dict[str, object]:
    """Click through all objects: scores of each one by step, clicks to IoU 0.85, and the share of clicks kept."""
    if isinstance(predictor, EllipseInBox):
        return measure_boxes(images, predictor)
    watched = Watched(predictor)
    scores: dict[str, list[float]] = {step: [] for step in (*STEPS, "noc85")}
    names: list[str] = []
    for image in images:
        state = watched.embed(image.rgb)
        for gt_mask in image.objects:
            found = click_object(watched, state, gt_mask, jitter=0.0, rng=np.random.default_rng(0))
            for step in STEPS:
                scores[step].append(found.dice[step])
            scores["noc85"].append(found.noc["noc85"])
            names.append(image.stem)
    return {"stems": names, "scores": scores, "kept": float(np.mean(watched.kept)), "n_clicks": len(watched.kept)}


def measure_boxes(images: list[BenchImage], predictor: Predictor) -> dict[str, object]:
    """Scores of a tool that takes no clicks."""
    found: dict[str, list] = {"stems": [], "box": []}
    for image in images:
        state = predictor.embed(image.rgb)
        for gt_mask in image.objects:
            answer = predictor.predict(state, Prompt(box=tight_box(gt_mask))).mask
            found["box"].append(dice(answer, gt_mask))
            found["stems"].append(image.stem)
    return {"stems": found["stems"], "scores": {"box": found["box"]}, "kept": None}


def interval(values: list[float]) -> str:
    """Mean and its 95 % bootstrap interval over objects."""
    array, rng = np.asarray(values), np.random.default_rng(0)
    means = rng.choice(array, (2000, len(array))).mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{array.mean():.3f} ({low:.2f}-{high:.2f})"


def read(folder: Path, limit: int, *, held_out: bool) -> list[BenchImage]:
    """Read images until they have `limit` objects; the last image's are cut to fit."""
    found, left = [], limit
    for image in read_bench_images(folder):
        if left > 0 and (not held_out or is_held_out(folder.name, image.stem)):
            found.append(BenchImage(stem=image.stem, rgb=image.rgb, objects=image.objects[:left]))
            left -= len(found[-1].objects)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=["skin_isic2018", "cxr_lungs_covid", "mri_brats_2d"])
    parser.add_argument("--segmenter", default="builtin")
    parser.add_argument("--weights", type=Path, help="weights of the built-in network, instead of a segmenter")
    parser.add_argument("--limit", type=int, default=60, help="objects a set")
    parser.add_argument("--held-out", action="store_true", help="only images that the shipped weights never saw")
    parser.add_argument("--alone", action="store_true", help="leave the classical tools out")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, help="JSON of all objects' scores; what stands in it is not measured again")
    add_data_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = BuiltinPredictor(options.weights) if options.weights else load_predictor(options.segmenter)
    tools: dict[str, Callable[[], Predictor]] = {model.model_id: lambda: model}
    if not options.alone:
        tools |= {"random walker": RandomWalker, "ellipse in the box": EllipseInBox}
        if find_spec("cv2"):
            tools["GrabCut"] = GrabCut
    done: dict[str, dict[str, dict]] = (
        json.loads(options.out.read_text()) if options.out and options.out.exists() else {}
    )
    print(f"| set | objects | tool | {' | '.join(STEPS)} | NoC85 | kept |\n|---|---|---|{'---|' * (len(STEPS) + 2)}")
    for name in options.datasets:
        images: list[BenchImage] = []
        for tool, make in tools.items():
            results = done.setdefault(name, {})
            if tool not in results:
                images = images or read(options.data / name, options.limit, held_out=options.held_out)
                results[tool] = measure(images, make())
            print(row(name, tool, results[tool]), flush=True)
            if options.out:
                options.out.write_text(json.dumps(done))
    for tool in tools:
        each = [done[name][tool]["scores"] for name in options.datasets]
        cells = [f"{np.mean([np.mean(scores[step]) for scores in each]):.3f}" for step in STEPS if step in each[0]]
        cells += [f"{np.mean([np.mean(scores['noc85']) for scores in each]):.1f}"] if "noc85" in each[0] else []
        print(line("mean of sets", "", tool, cells, None))


def row(name: str, tool: str, result: dict) -> str:
    """One line of the table."""
    scores = result["scores"]
    cells = [interval(scores[step]) for step in STEPS if step in scores]
    cells += [f"{np.mean(scores['noc85']):.1f}"] if "noc85" in scores else []
    return line(name, str(len(scores["box"])), tool, cells, result["kept"])


def line(name: str, n_objects: str, tool: str, cells: list[str], kept: float | None) -> str:
    """One line of the table; what a tool cannot do is left open."""
    cells = cells + ["-"] * (len(STEPS) + 1 - len(cells))
    return f"| {name} | {n_objects} | {tool} | {' | '.join(cells)} | {'-' if kept is None else f'{100 * kept:.1f} %'} |"


if __name__ == "__main__":
    main()
