"""How well the quality of a pseudo-mask tells its true Dice: each signal, the fixed formula, the calibrated quality.

`python benchmarks/quality.py [DATASET...] [--limit 30] [--signals FILE]`

One object an image, the largest; images that the built-in model was not trained on. Prompts: a tight box; one click;
three clicks by RITM's rule, each answer's logits fed back. The head that masks are compared with is trained on exact
masks of 24 other images of the set. `calibrated` is fitted on the set's other images in five folds, as in a project;
`other sets` is fitted on all sets but the one that is measured. Spearman over the objects of a set, mean over sets.
"""

import argparse
import json
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from _data import add_data_option
from PIL import Image

from alcore.encoders import load_encoder
from alcore.encoders.base import squash
from alcore.heads.base import HEAD_SIDE
from alcore.heads.segmentation import SegmentationHead, train_segmentation_head
from prompts.bench_data import BenchImage, read_bench_images
from prompts.builtin.split import is_held_out
from prompts.calibration import (
    SIGNALS,
    Signals,
    fit_calibrator,
    fit_of,
    fixed_quality,
    out_of_fold_quality,
    signals_of,
)
from prompts.jitter import jitter_dice, jittered_masks
from prompts.overlap import dice
from prompts.predictor import Predictor
from prompts.quality import head_agreement
from prompts.registry import load_predictor
from prompts.simulate import next_click, tight_box
from prompts.types import MaskPrediction, Prompt

SETS = ("us_nerve_usgra", "skin_isic2018", "polyp_endotect", "cxr_lungs_covid", "ct_liver_msd", "nuclei_dsb2018")
NEVER_TRAINED_ON = {"skin_isic2018", "cxr_lungs_covid"}
KINDS = ("box", "1 click", "3 clicks")
N_TAUGHT = 24
N_FOLDS = 5


def read(folder: Path, limit: int) -> tuple[list[BenchImage], list[BenchImage]]:
    """Images to measure on, and others to teach the head."""
    measured: list[BenchImage] = []
    others: list[BenchImage] = []
    for image in read_bench_images(folder):
        is_fresh = folder.name in NEVER_TRAINED_ON or is_held_out(folder.name, image.stem)
        if is_fresh and len(measured) < limit:
            measured.append(image)
        elif len(others) < N_TAUGHT:
            others.append(image)
        if len(measured) == limit and len(others) == N_TAUGHT:
            break
    return measured, others


def labels_of(folder: Path, stem: str) -> np.ndarray:
    return np.asarray(Image.open(folder / "masks" / f"{stem}.png"))


def taught(folder: Path, images: list[BenchImage], steps: int) -> SegmentationHead:
    """A head of one member, trained on exact masks."""
    size = (HEAD_SIDE, HEAD_SIDE)
    labels = [Image.fromarray(labels_of(folder, image.stem)) for image in images]
    targets = np.stack([np.asarray(one.resize(size, Image.Resampling.NEAREST)) for one in labels])
    rgb = [image.rgb for image in images]
    dense = load_encoder("builtin").encode(rgb).dense
    return train_segmentation_head(
        dense, squash(rgb, HEAD_SIDE), targets, int(targets.max()) + 1, seed=0, n_members=1, steps=steps
    )


def asked(predictor: Predictor, state: object, gt_mask: np.ndarray) -> dict[str, tuple[Prompt, MaskPrediction]]:
    """The prompts and answers of each kind."""
    prompt = Prompt(box=tight_box(gt_mask))
    found = {"box": (prompt, predictor.predict(state, prompt))}
    prompt, answer = Prompt(), None
    for n in (1, 2, 3):
        mask = np.zeros_like(gt_mask) if answer is None else answer.mask
        click = next_click(gt_mask, mask, prompt.points)
        if click is not None:
            logits = None if answer is None else answer.low_res_logits[answer.chosen]
            prompt = Prompt(points=(*prompt.points, click), low_res_logits=logits)
            answer = predictor.predict(state, prompt)
        if n in (1, 3):
            found[f"{n} click{'s' * (n > 1)}"] = (prompt, answer)
    return found


def measure(folder: Path, predictor: Predictor, limit: int, steps: int) -> list[dict]:
    """Signals and true Dice of each object and kind of prompt."""
    measured, others = read(folder, limit)
    head = taught(folder, others, steps)
    encoder, rows = load_encoder("builtin"), []
    for image in measured:
        gt_mask = max(image.objects, key=lambda mask: int(mask.sum()))
        class_id = int(np.bincount(labels_of(folder, image.stem)[gt_mask]).argmax())
        small = squash([image.rgb], HEAD_SIDE)
        probability = head.predict(encoder.encode([image.rgb]).dense, small)[0, 0, class_id]
        state, rng = predictor.embed(image.rgb), np.random.default_rng([1, zlib.crc32(image.stem.encode())])
        for kind, (prompt, answer) in asked(predictor, state, gt_mask).items():
            jittered = jittered_masks(predictor, state, prompt, answer.mask, rng=rng)
            shrunk = Image.fromarray(answer.mask).resize((HEAD_SIDE, HEAD_SIDE), Image.Resampling.NEAREST)
            found = signals_of(
                answer,
                prompt,
                image.rgb,
                jitter_dice=jitter_dice(answer.mask, jittered),
                head_dice=head_agreement(np.asarray(shrunk), probability),
            )
            rows.append({"stem": image.stem, "kind": kind, "dice": dice(answer.mask, gt_mask), **asdict(found)})
    return rows


def qualities(rows: list[dict], elsewhere: list[dict]) -> dict[str, np.ndarray]:
    """Every quality of the masks of one set."""
    found, known = ([Signals(**{name: row[name] for name in SIGNALS}) for row in part] for part in (rows, elsewhere))
    truth, known_truth = (np.array([row["dice"] for row in part]) for part in (rows, elsewhere))
    stems = np.unique([row["stem"] for row in rows], return_inverse=True)[1]
    folds = [np.flatnonzero(stems % N_FOLDS == k) for k in range(N_FOLDS)]
    return {
        **{name: np.array([row[name] for row in rows]) for name in SIGNALS},
        "fixed": np.array([fixed_quality(one) for one in found]),
        "other sets": fit_calibrator(known, known_truth).quality(found),
        "calibrated": out_of_fold_quality(found, truth, folds),
    }


def table(results: dict[str, list[dict]]) -> list[str]:
    """Spearman of each quality by kind of prompt, mean over sets; then by set, over all kinds; then the mean error."""
    by_set = {
        name: qualities(rows, [row for other in results if other != name for row in results[other]])
        for name, rows in results.items()
    }
    lines = [
        f"| quality | {' | '.join((*KINDS, 'all', *results))} | error |",
        f"|---|{'---|' * (len(KINDS) + 2 + len(results))}",
    ]
    for quality in next(iter(by_set.values())):
        cells, over_all, errors = [], [], []
        for kind in KINDS:
            each = []
            for name, rows in results.items():
                keep = np.array([row["kind"] == kind for row in rows])
                truth = np.array([row["dice"] for row in rows])[keep]
                each.append(fit_of(by_set[name][quality][keep], truth).spearman or 0.0)
            cells.append(np.mean(each))
        for name, rows in results.items():
            fit = fit_of(by_set[name][quality], np.array([row["dice"] for row in rows]))
            over_all.append(fit.spearman or 0.0)
            errors.append(fit.mean_error)
        figures = [*cells, np.mean(over_all), *over_all, np.mean(errors)]
        lines.append(f"| {quality} | {' | '.join(f'{figure:.2f}' for figure in figures)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=SETS)
    parser.add_argument("--segmenter", default="builtin")
    parser.add_argument("--limit", type=int, default=30, help="images a set")
    parser.add_argument("--steps", type=int, default=80, help="of the head's training")
    parser.add_argument("--signals", type=Path, help="JSON of all signals; what stands in it is not measured again")
    add_data_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    predictor = load_predictor(options.segmenter)
    kept = options.signals is not None and options.signals.exists()
    results: dict[str, list[dict]] = json.loads(options.signals.read_text()) if kept else {}
    for name in options.datasets:
        if name not in results:
            results[name] = measure(options.data / name, predictor, options.limit, options.steps)
            if options.signals is not None:
                options.signals.write_text(json.dumps(results))
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
