"""Fit what chooses among the masks of a first click: `python -m prompts.builtin.training.judge --data DATA --out FILE`.

The network's answers to a central click on training images, on parts cut around their objects so that objects of all
sizes occur, and on made-up images that no training has drawn, are described as at work and taken with their Dice. A few
small networks learn Dice from that; they are written with the weights that made the answers. Minutes on one core.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from safetensors.torch import save_file

from prompts.bench_data import read_bench_images
from prompts.builtin import frames
from prompts.builtin.judging import Judge, describe_click, halved
from prompts.builtin.predictor import WEIGHTS, BuiltinPredictor
from prompts.builtin.split import is_held_out, is_validation
from prompts.builtin.training.data import make_world
from prompts.builtin.training.folding import read_folded
from prompts.geometry import tight_box_of
from prompts.simulate import first_click
from prompts.types import Prompt

SETS = ("nuclei_dsb2018", "us_nerve_usgra", "polyp_endotect", "ct_liver_msd")
N_WORLDS = 600
FIRST_WORLD = 100_000
"""Far beyond those that the network was trained on."""
OBJECTS_PER_SET = 120
ZOOM = (0.3, 0.85)
"""Share of a cut part's side that its object takes."""
LEAST_PART_PX = 48
ENSEMBLE, HIDDEN = 8, 32
STEPS, BATCH, PEAK_LR, WEIGHT_DECAY, DROPPED = 2000, 64, 3e-3, 0.02, 0.1
REGRET_WEIGHT, REGRET_SCALE = 0.3, 0.08
"""Beside squared error: the Dice lost by a soft choice among an image's candidates."""

Examples = tuple[Float[np.ndarray, "n k f"], Float[np.ndarray, "n k"]]
"""Features of the candidates of n clicks, and their Dice."""
Picture = tuple[UInt8[np.ndarray, "_h _w 3"], Bool[np.ndarray, "_h _w"]]


def part_around(
    rgb: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], rng: np.random.Generator
) -> Picture | None:
    """Cut a part out around an object that then takes a random share of it; None where that is too small."""
    box, (height, width) = tight_box_of(mask), mask.shape
    side = max(box.x1 - box.x0, box.y1 - box.y0)
    wanted = side / rng.uniform(*ZOOM)
    if wanted < LEAST_PART_PX:
        return None
    x, y = (
        (low + high) / 2 + rng.uniform(-0.4, 0.4) * (wanted - side)
        for low, high in ((box.x0, box.x1), (box.y0, box.y1))
    )
    rows = slice(int(max(0, y - wanted / 2)), int(min(height, y + wanted / 2)))
    cols = slice(int(max(0, x - wanted / 2)), int(min(width, x + wanted / 2)))
    return np.ascontiguousarray(rgb[rows, cols]), np.ascontiguousarray(mask[rows, cols])


def pictures_of(data: Path, name: str, *, watched: bool) -> Iterator[Picture]:
    """Yield objects of a set: those of training images in the whole image and in a part, of validation images in it."""
    n = 0
    for image in read_bench_images(data / name):
        if is_held_out(name, image.stem) or is_validation(name, image.stem) != watched:
            continue
        rng = np.random.default_rng(crc32(image.stem.encode()))
        for mask in image.objects[:2]:
            yield image.rgb, mask
            part = None if watched else part_around(image.rgb, mask, rng)
            if part is not None:
                yield part
            n += 1
            if n == OBJECTS_PER_SET:
                return


def made_up(first: int, n: int) -> Iterator[Picture]:
    """Yield one object of each of n made-up images."""
    for index in range(first, first + n):
        record, rng = make_world(index), np.random.default_rng(index)
        labels = record.objects[0]
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        ids = np.flatnonzero(sizes >= 64)
        if len(ids):
            yield record.pixels[0], labels == rng.choice(ids)


def examples_of(predictor: BuiltinPredictor, pictures: Iterator[Picture]) -> Examples:
    """Describe the candidates of a first click on each object, looked at as a whole and, where it is small, closely."""
    features, dice = [], []
    for rgb, mask in pictures:
        state, click, box = predictor.embed(rgb), first_click(mask), tight_box_of(mask)
        scales = state.features.scales
        close = frames.view_of((box.x0, box.y0, box.x1, box.y1), *state.image_size, scales)
        for view in {frames.whole_view(scales), close}:
            logits, iou = predictor.decode(state, view, Prompt(points=(click,)))
            found, masks = describe_click(logits, iou, state.features.colours(view), view, click)
            wanted = halved(frames.cut_mask(mask, view))
            features.append(found)
            dice.append(2 * (masks * wanted).sum((1, 2)) / (masks.sum((1, 2)) + wanted.sum()))
    return np.stack(features).astype(np.float32), np.stack(dice).astype(np.float32)


def collect(data: Path, weights: Path, name: str, *, watched: bool) -> Examples:
    """Describe the answers for one set, or for a part of the made-up images, which are named by their first number."""
    torch.set_num_threads(1)
    pictures = made_up(int(name), N_WORLDS // 3) if name.isdigit() else pictures_of(data, name, watched=watched)
    return examples_of(BuiltinPredictor(weights), pictures)


def fit(parts: list[Examples], *, seed: int = 0) -> Judge:
    """Learn Dice from features; sets are drawn in proportion to the root of their size."""
    generator = torch.Generator().manual_seed(seed)
    features, dice = (torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*parts, strict=True))
    drawn = torch.cat([torch.full((len(d),), len(d) ** -0.5) for _, d in parts])
    n_features = features.shape[2]
    mean, deviation = features.flatten(0, 1).mean(0), features.flatten(0, 1).std(0) + 1e-3
    x = ((features - mean) / deviation).clamp(-5, 5)
    w1 = torch.randn(ENSEMBLE, n_features, HIDDEN, generator=generator) * n_features**-0.5
    w2 = torch.randn(ENSEMBLE, HIDDEN, generator=generator) * HIDDEN**-0.5
    learned = [w1, torch.zeros(ENSEMBLE, HIDDEN), w2, torch.zeros(ENSEMBLE)]
    w1, b1, w2, b2 = (parameter.requires_grad_() for parameter in learned)
    optimiser = torch.optim.AdamW(learned, lr=PEAK_LR, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_LR, STEPS)
    for _ in range(STEPS):
        rows = torch.multinomial(drawn, BATCH, replacement=True, generator=generator)
        kept = torch.rand(ENSEMBLE, n_features, 1, generator=generator) > DROPPED
        hidden = torch.relu(torch.einsum("nkf,efu->enku", x[rows], w1 * kept) + b1[:, None, None])
        said = torch.einsum("enku,eu->enk", hidden, w2) + b2[:, None, None]
        regret = (torch.softmax(said / REGRET_SCALE, -1) * (dice[rows].amax(-1, keepdim=True) - dice[rows])).sum(-1)
        loss = (said - dice[rows]).square().mean() + REGRET_WEIGHT * regret.mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    arrays = [a.detach().numpy() for a in (mean, deviation, w1, b1, w2, b2)]
    return Judge(*arrays)


def report(judge: Judge, watched: dict[str, Examples]) -> None:
    """Print the Dice of the network's own answer, of the chosen candidate and of the best one."""
    for name, (features, dice) in watched.items():
        chosen = [d[judge.predict(f).argmax()] for f, d in zip(features, dice, strict=True)]
        print(f"{name}: {dice[:, 0].mean():.3f} own, {np.mean(chosen):.3f} chosen, {dice.max(1).mean():.3f} best")


def main() -> None:
    """Collect, fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, required=True, help="weights with what was learned")
    parser.add_argument("--without", nargs="*", default=[], help="sets to leave out entirely")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    worlds = [str(FIRST_WORLD + i * N_WORLDS // 3) for i in range(3)]
    sets = [name for name in SETS if name not in args.without]
    with ProcessPoolExecutor(args.processes) as pool:
        taught = list(pool.map(partial(collect, args.data, args.weights, watched=False), [*worlds, *sets]))
        watched = dict(zip(SETS, pool.map(partial(collect, args.data, args.weights, watched=True), SETS), strict=True))
    judge = fit(taught)
    report(judge, watched)
    judged = {name: torch.from_numpy(value) for name, value in judge.tensors().items()}
    save_file(read_folded(args.weights) | judged, args.out)
    args.out.chmod(0o644)


if __name__ == "__main__":
    main()
