"""Whether the tightness prior of boxes helps a head where an annotation is a box and no model made a mask of it.

`python benchmarks/weak_boxes.py [DATASET...] [--images 30] [--seeds 3] [--side 64] [--steps 100]`

Boxes, images and test as in `weak.py` (5 % jitter, fresh images, Dice at 128 pixels). Targets: the click model's mask
of the box; the ellipse that fills it, its corners left out; or nothing inside the box at all. Each with and without
`alcore.weak.losses.box_loss`, which is added at weight `--prior` on the same images as they lie (turned ones would have
other tight boxes), so the other loss may turn and scale them as it always does. One network, all arms the same steps.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from _data import add_data_option
from weak import KINDS, PLAIN, TEST_SIDE, Bench, open_set

from alcore.heads.augment import Batch, move, random_affine, recolour
from alcore.heads.decoder import Decoder
from alcore.heads.inputs import counted_weights, standardise_images
from alcore.heads.losses import make_pixel_loss
from alcore.heads.segmentation import PEAK_RATE
from alcore.weak.losses import HeadBox, box_loss
from alcore.weak.targets import IGNORE_LABEL, box_target, draw_target
from prompts.overlap import dice

TARGETS = ("click model's mask", "ellipse", "nothing inside")
BATCH_SIZE = 8


def whole_boxes(boxes: np.ndarray, side: int) -> list[HeadBox]:
    """Boxes (n, 4) in whole pixels of the head, at least one wide and high."""
    found = []
    for r0, r1, c0, c1 in boxes:
        top, left = min(int(r0), side - 1), min(int(c0), side - 1)
        found.append((top, max(top + 1, min(side, round(r1))), left, max(left + 1, min(side, round(c1)))))
    return found


def target_of(bench: Bench, row: int, kind: str) -> np.ndarray:
    """What is taught of an image."""
    answer = bench.answers["box"][row]
    if kind == TARGETS[0]:
        return draw_target(answer.objects, bench.side, recipe=PLAIN)[0]
    target = box_target(answer.boxes, [1] * len(answer.boxes), bench.side, core=1.0)
    return target if kind == "ellipse" else np.where(target > 0, IGNORE_LABEL, target).astype(np.uint8)


def fitted(bench: Bench, rows: Sequence[int], kind: str, prior: float, seed: int) -> tuple[Decoder, torch.Tensor]:
    """A network of its own loop: `train_segmentation_head` with one more loss; and the features' mean and spread."""
    targets = np.stack([target_of(bench, row, kind) for row in rows])
    boxes = [whole_boxes(bench.answers["box"][row].boxes, bench.side) for row in rows]
    features = torch.from_numpy(bench.dense[rows]).float()
    scale = torch.stack([features.mean((0, 2, 3)), features.std((0, 2, 3)).clamp(min=1e-3)])[:, None, :, None, None]
    data = Batch(
        features=(features - scale[0]) / scale[1],
        images=standardise_images(torch.from_numpy(bench.small[rows])),
        targets=torch.from_numpy(np.where(targets == IGNORE_LABEL, 0, targets)).long(),
        weights=torch.from_numpy(counted_weights(targets, None)),
    )
    torch.manual_seed(seed)
    generator, pixel_loss = torch.Generator().manual_seed(seed), make_pixel_loss()
    network = Decoder(data.features.shape[1], 2).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=bench.steps, pct_start=0.1)
    for _ in range(bench.steps):
        drawn = torch.randperm(len(rows), generator=generator)[:BATCH_SIZE].tolist()
        batch = data.take(drawn)
        moved = move(batch, random_affine(len(drawn), generator=generator))
        images = recolour(moved.images, generator=generator)
        loss = pixel_loss(network(moved.features, images), moved.targets, moved.weights)
        if prior:
            odds = network(batch.features, recolour(batch.images, generator=generator)).softmax(dim=1)[:, 1]
            lost = [box_loss(one, boxes[i]) for one, i in zip(odds, drawn, strict=True)]
            loss = loss + prior * torch.stack(lost).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval(), scale


def value(bench: Bench, rows: Sequence[int], kind: str, prior: float, seed: int) -> float:
    """Train one arm and measure it."""
    network, scale = fitted(bench, rows, kind, prior, seed)
    dense, small, truth = bench.test
    with torch.inference_mode():
        images = standardise_images(torch.from_numpy(small))
        odds = network((torch.from_numpy(dense).float() - scale[0]) / scale[1], images).softmax(dim=1)[:, 1:]
        found = torch.nn.functional.interpolate(odds, size=(TEST_SIDE, TEST_SIDE), mode="bilinear")[:, 0].numpy() > 0.5
    return float(np.mean([dice(a, b) for a, b in zip(found, truth, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=["skin_isic2018", "polyp_endotect"])
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--prior", type=float, default=0.1, help="weight of the box loss")
    add_data_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| set | taught | alone | with the prior | gain | better in |\n|---|---|---|---|---|---|", flush=True)
    for name in options.datasets:
        bench = open_set(options.data / name, options.images * 4 // 3, options.side, options.steps, KINDS[:1])
        orders = [np.random.default_rng(seed).permutation(len(bench.small)) for seed in range(options.seeds)]
        draws = [order[: options.images] for order in orders]
        for kind in TARGETS:
            alone, tight = (
                np.array([value(bench, rows.tolist(), kind, prior, seed) for seed, rows in enumerate(draws)])
                for prior in (0.0, options.prior)
            )
            print(
                f"| {name} | {kind} | {alone.mean():.3f} | {tight.mean():.3f} | {(tight - alone).mean():+.3f} "
                f"| {int((tight > alone).sum())} of {options.seeds} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
