"""Train the built-in encoder: `python -m alcore.encoders.training.train --data ../shared/data --out DIR`.

Runs on a CPU. The same arguments give the same run on one machine, and a run that was stopped goes on from its last
checkpoint. `--out` receives `checkpoint.pt` (training state), `log.jsonl` and, at the end, `builtin.safetensors`
(averaged weights with the whitening fitted to the training images, float16).
"""

import argparse
import json
import logging
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from alcore.encoders.network import DENSE_CHANNELS, POOLED_DIM, EncoderNetwork, pooled
from alcore.encoders.training.data import draw_rows, list_samples, open_cache, sampling_weights
from alcore.encoders.training.export import export_weights
from alcore.encoders.training.losses import TARGET_CHANNELS, cell_targets, projector, reconstruction, vicreg
from alcore.encoders.training.views import View, blot_out, corresponding_grid, make_view

logger = logging.getLogger("alcore.encoders.training")

PEAK_RATE = 1e-3
LOG_EVERY = 20
LOCAL_PROJECTION = 128
LOCAL_SAMPLES = 2048
"""Pairs of corresponding cells that enter the local loss of a step."""


class Trainee(nn.Module):
    """The encoder with the parts that only training needs."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = EncoderNetwork()
        self.global_projector = projector(POOLED_DIM, 512)
        self.local_projector = projector(DENSE_CHANNELS, LOCAL_PROJECTION)
        self.decoder = nn.Sequential(
            nn.Conv2d(DENSE_CHANNELS, DENSE_CHANNELS, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(DENSE_CHANNELS, TARGET_CHANNELS, 1),
        )


def _local_pairs(
    first: torch.Tensor, second: torch.Tensor, views: tuple[View, View], generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw features of the same spot from both dense maps."""
    grid, inside = corresponding_grid(views[0], views[1], first.shape[-1])
    moved = functional.grid_sample(second, grid, mode="bilinear", padding_mode="border", align_corners=False)
    rows = inside.flatten().nonzero().flatten()
    rows = rows[torch.randperm(len(rows), generator=generator)[:LOCAL_SAMPLES]]
    channels = first.shape[1]
    return first.permute(0, 2, 3, 1).reshape(-1, channels)[rows], moved.permute(0, 2, 3, 1).reshape(-1, channels)[rows]


def losses_of_step(trainee: Trainee, images: torch.Tensor, *, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Two views of a batch through the network; the first has squares blotted out.

    Args:
        trainee: the network in training mode.
        images: (n, h, w, 3) uint8.
        generator: every random choice comes from it.

    Returns:
        The losses named total, global, local, hidden.
    """
    one, clean = make_view(images, generator=generator)
    two, _ = make_view(images, generator=generator)
    blotted, hidden = blot_out(one.images, generator=generator)
    both = torch.cat([blotted, two.images]).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        levels, dense = trainee.encoder(both)
        vectors = pooled(levels, dense)
        predicted = trainee.decoder(dense[: len(images)])
    vectors, dense = vectors.float(), dense.float()
    z = trainee.global_projector(vectors)
    agreement = vicreg(z[: len(images)], z[len(images) :])
    pair = _local_pairs(dense[: len(images)], dense[len(images) :], (one, two), generator)
    local_z = trainee.local_projector(torch.cat(pair))
    local = vicreg(local_z[: len(pair[0])], local_z[len(pair[0]) :])
    restored = reconstruction(predicted.float(), cell_targets(clean), hidden)
    total = agreement + 0.5 * local + restored
    return {"total": total, "global": agreement, "local": local, "hidden": restored}


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Warm up over 3 % of the steps, then a half cosine down to 2 % of the peak."""
    warm = max(1, round(0.03 * steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))))


def _average(average: dict[str, torch.Tensor], network: nn.Module, decay: float) -> None:
    """Exponential moving average of weights and running statistics, in place."""
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            average[key].lerp_(value, 1 - decay)


@dataclass
class _Run:
    """What a run must remember to go on: networks, optimiser, averaged weights, next step."""

    trainee: Trainee
    optimiser: torch.optim.Optimizer
    average: dict[str, torch.Tensor]
    step: int = 0

    def save(self, path: Path) -> None:
        """Write the state, whole or not at all."""
        state = {
            "trainee": self.trainee.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average,
            "step": self.step,
        }
        torch.save(state, path.with_suffix(".partial"))
        os.replace(path.with_suffix(".partial"), path)

    def load(self, path: Path) -> None:
        """Take over the state of a stopped run."""
        state = torch.load(path, weights_only=True)
        self.trainee.load_state_dict(state["trainee"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average, self.step = state["average"], int(state["step"])


def _new_run(seed: int) -> _Run:
    torch.manual_seed(seed)
    trainee = Trainee().to(memory_format=torch.channels_last)
    trainee.train()
    optimiser = torch.optim.AdamW(trainee.parameters(), lr=PEAK_RATE, weight_decay=0.02, betas=(0.9, 0.98))
    state = trainee.encoder.state_dict()
    average = {key: value.clone() for key, value in state.items() if value.is_floating_point()}
    return _Run(trainee=trainee, optimiser=optimiser, average=average)


def _advance(run: _Run, images: torch.Tensor, *, seed: int, steps: int) -> dict[str, float]:
    """One optimiser step; returns its losses."""
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate(run.step, steps, PEAK_RATE)
    losses = losses_of_step(run.trainee, images, generator=torch.Generator().manual_seed(seed * 1_000_003 + run.step))
    run.optimiser.zero_grad(set_to_none=True)
    losses["total"].backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.trainee.parameters(), 5.0)
    run.optimiser.step()
    _average(run.average, run.trainee.encoder, min(0.995, (run.step + 1) / (run.step + 10)))
    run.step += 1
    return {key: float(value.detach()) for key, value in losses.items()}


def train(
    data: Path,
    out: Path,
    *,
    steps: int,
    batch_size: int,
    seed: int,
    cache: Path,
    save_every: int,
    stop_after: int | None = None,
) -> Path:
    """Train, or go on with the run in `out`.

    Args:
        data: folder with the data sets.
        out: receives checkpoint, weights and log.
        steps: optimiser steps of the whole run.
        batch_size: images a step; each gives two views.
        seed: the same seed and data give the same weights on one machine.
        cache: folder for decoded images.
        save_every: steps between checkpoints.
        stop_after: stop at this step with a checkpoint; a later call goes on.

    Returns:
        Path of the exported weights.
    """
    out.mkdir(parents=True, exist_ok=True)
    samples = list_samples(data)
    pool, weights = open_cache(samples, cache), sampling_weights(samples)
    run, checkpoint = _new_run(seed), out / "checkpoint.pt"
    if checkpoint.exists():
        run.load(checkpoint)
    logger.info("%d training images, steps %d to %d of %d images", len(samples), run.step, steps, batch_size)
    began, recent = time.monotonic(), []
    last = min(steps, stop_after or steps)
    batches = draw_rows(weights, batch_size, seed=seed, start=run.step)
    while run.step < last:
        images = torch.from_numpy(np.ascontiguousarray(pool[next(batches)]))
        recent.append(_advance(run, images, seed=seed, steps=steps))
        if run.step % LOG_EVERY == 0 or run.step == last:
            means = {key: round(sum(line[key] for line in recent) / len(recent), 4) for key in recent[0]}
            entry = {"step": run.step, **means, "duration_s": round(time.monotonic() - began, 1)}
            with (out / "log.jsonl").open("a") as file:
                file.write(json.dumps(entry) + "\n")
            logger.info("%s", entry)
            recent = []
        if run.step % save_every == 0 or run.step == last:
            run.save(checkpoint)
    export_weights(run.average, pool, weights, out / "builtin.safetensors")
    return out / "builtin.safetensors"


def main() -> None:
    """Parse the arguments and train."""
    parser = argparse.ArgumentParser(description="Train the built-in encoder by self-supervision.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and weights")
    parser.add_argument("--cache", type=Path, default=None, help="folder for decoded images; --out by default")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-every", type=int, default=100)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    train(
        args.data,
        args.out,
        steps=args.steps,
        batch_size=args.batch_size,
        seed=args.seed,
        cache=args.cache or args.out,
        save_every=args.save_every,
    )


if __name__ == "__main__":
    main()
