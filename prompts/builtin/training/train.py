"""Train the built-in promptable model: `python -m prompts.builtin.training.train --data DATA --out DIR --stage base`,
then `--stage sets --start DIR/checkpoint.pt --out ELSEWHERE`; `--without SET ...` leaves sets out entirely.

Window number i is a function of the seed and i, prompts of the seed and the step, so a run that is stopped and resumed
sees what an unbroken one would. The rate is constant from the end of warm-up to the last `--decay-steps`, so that a run
can be resumed with another end.
"""

import argparse
import copy
import time
from collections import deque
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from prompts.builtin.frames import LOGITS_PX, MASK_PX, WINDOW_PX
from prompts.builtin.model import Features, PromptableNet, prompt_maps
from prompts.builtin.training.checkpoints import export_weights, load_checkpoint, save_checkpoint
from prompts.builtin.training.data import MASKED_SETS, VOLUME_SET, Record, load_or_build
from prompts.builtin.training.folding import read_folded, unfold
from prompts.builtin.training.losses import LIKENESS_WEIGHT, likeness_loss, total_loss
from prompts.builtin.training.mistakes import mistaken
from prompts.builtin.training.prompting import Prompts, corrective_clicks, first_prompts, play
from prompts.builtin.training.recipe import STAGES, shares_of
from prompts.builtin.training.windows import OBJECTS_PER_WINDOW, Window, WindowDataset

EMA_DECAY = 0.998
GRADIENT_CLIP = 3.0
CHECKPOINT_SECONDS = 150.0
UNFOLDING_BATCHES = 12
"""Of windows that weights without batch norms are shown before they are trained on."""


def collate(windows: list[Window]) -> tuple[Tensor, Tensor, Tensor]:
    """Stack windows into images (b, 4, h, w), targets (b*k, cells, cells) as covered shares, and boxes (b*k, 4)."""
    images = torch.stack([w.image for w in windows]).to(memory_format=torch.channels_last)
    targets = torch.cat([w.targets for w in windows]).float()
    targets = F.avg_pool2d(targets[:, None], WINDOW_PX // MASK_PX)[:, 0]
    return images, targets, torch.cat([w.boxes for w in windows])


def batches_of(dataset: WindowDataset, n: int, device: torch.device) -> list[tuple[Tensor, Tensor, Tensor]]:
    """The first n batches of eight windows."""
    found = []
    for k in range(n):
        images, targets, boxes = collate([dataset[k * 8 + i] for i in range(8)])
        found.append((images.to(device), targets.to(device), boxes.to(device)))
    return found


def coarse(masks: Tensor) -> Tensor:
    """Masks or logits at the size in which prompts are drawn and fed back."""
    return F.avg_pool2d(masks[:, None], MASK_PX // LOGITS_PX)[:, 0]


def rows_of(features: Features, rows: Tensor) -> Features:
    """Take the features of each prompt's image."""
    f4, f8, f16, f32, unit, pixels = (f[rows] for f in features)
    return f4, f8, f16, f32, unit, pixels


def decode(net: PromptableNet, features: Features, prompts: Prompts, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Decode some of the prompts, each with the features of its own image."""
    maps = prompt_maps(prompts.points[rows], prompts.boxes[rows], prompts.logits[rows])
    own = rows_of(features, rows // OBJECTS_PER_WINDOW)
    return net.decode(own, maps)


def play_frozen(
    net: PromptableNet, features: Features, targets: Tensor, boxes: Tensor, generator: torch.Generator
) -> Prompts:
    """Play prompts to a random stage, without gradients and with running statistics; some answers are spoilt."""
    f4, f8, f16, f32, unit, pixels = (f.detach() for f in features)
    frozen = f4, f8, f16, f32, unit, pixels

    def answered(prompts: Prompts, rows: Tensor) -> Tensor:
        logits = answer(net, frozen, prompts, rows)
        return mistaken(logits, rows, targets, generator, objects_per_window=OBJECTS_PER_WINDOW)

    net.decoder.eval()
    with torch.no_grad():
        prompts = play(answered, targets, boxes, generator)
    net.decoder.train(net.training)
    return prompts


def answer(net: PromptableNet, features: Features, prompts: Prompts, rows: Tensor) -> Tensor:
    """Give the network's single answer to some of the prompts, as it is fed back."""
    logits, _ = decode(net, features, prompts, rows)
    return coarse(logits[:, 0].float())


def train_step(
    net: PromptableNet,
    batch: tuple[Tensor, Tensor, Tensor],
    generator: torch.Generator,
    teacher: PromptableNet | None = None,
) -> tuple[Tensor, Tensor]:
    """Run one batch and leave its gradients in the network; returns loss and mean Dice."""
    images, targets, boxes = batch
    with torch.autocast(images.device.type, torch.bfloat16):
        features = net.encode(images)
        prompts = play_frozen(net, features, coarse(targets), boxes, generator)
        logits, iou = decode(net, features, prompts, torch.arange(len(targets)))
        first = first_answers(teacher, images, prompts) if teacher is not None else None
    loss, dice = total_loss(logits.float(), iou.float(), targets, prompts.is_ambiguous, first)
    loss = loss + LIKENESS_WEIGHT * likeness_of(features, targets)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), dice.mean()


def first_answers(teacher: PromptableNet, images: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor] | None:
    """Give the rows that are one click alone, and what the teacher takes for their objects, as probabilities."""
    rows = torch.nonzero(prompts.is_ambiguous)[:, 0]
    if len(rows) == 0:
        return None
    with torch.no_grad():
        logits, _ = decode(teacher, teacher.encode(images), prompts, rows)
    return rows, logits[:, 0].float().sigmoid()


def likeness_of(features: Features, targets: Tensor) -> Tensor:
    """Judge what the decoder compares places by: the features of strides 4 and 8."""
    of_images = targets.unflatten(0, (-1, OBJECTS_PER_WINDOW))  # type: ignore[no-untyped-call]
    total = torch.zeros(())
    for unit in (F.normalize(features[0], dim=1), features[4]):
        total = total + likeness_loss(unit, F.adaptive_avg_pool2d(of_images, unit.shape[-1]))
    return total


def learning_rate(step: int, steps: int, *, warm_up_steps: int, decay_steps: int, peak: float) -> float:
    """Warm up, stay, and fall to a hundredth over the last `decay_steps`."""
    remaining = max(0.01, (steps - step) / max(1, decay_steps))
    return peak * min(1.0, (step + 1) / warm_up_steps, remaining)


def update_average(average: nn.Module, net: nn.Module, step: int) -> None:
    """Move the averaged weights and statistics towards the current ones."""
    decay = min(EMA_DECAY, (1 + step) / (10 + step))
    with torch.no_grad():
        for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1 - decay)
            else:
                kept.copy_(new)


def validate(net: PromptableNet, dataset: WindowDataset, n_batches: int) -> str:
    """Measure Dice over fixed windows, by kind of first prompt and after corrections, mean over the data sets."""
    device = next(net.parameters()).device
    generator = torch.Generator(device).manual_seed(0)
    found: dict[str, list[Tensor]] = {}
    batches = batches_of(dataset, n_batches, device)
    net.eval()
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16), device:
        for images, masks, boxes in batches:
            features, targets = net.encode(images), coarse(masks)
            rows = torch.arange(len(targets))
            prompts = first_prompts(targets, boxes, generator)
            kind = torch.where(prompts.boxes.sum(1) > 0, 0, torch.where(prompts.n_points == 1, 1, 2))
            for step in range(3):
                prompts.logits = answer(net, features, prompts, rows)
                got, wanted = prompts.logits > 0, targets > 0.5
                dice = 2 * (got & wanted).sum((1, 2)) / (got.sum((1, 2)) + wanted.sum((1, 2))).clamp(min=1)
                for k, name in enumerate(("box", "click", "clicks")):
                    found.setdefault(f"{name}+{step}", []).append(dice[kind == k])
                corrective_clicks(prompts, rows, targets, generator)
    net.train()
    shown = {name: torch.cat(values).mean() for name, values in sorted(found.items()) if name[-1] in "02"}
    return " ".join(f"{name} {value:.3f}" for name, value in shown.items())


def validate_sets(net: PromptableNet, records: list[Record], n_batches: int) -> None:
    """Print the validation Dice of each set with masks."""
    for name in (*MASKED_SETS, VOLUME_SET):
        watched = [r for r in records if r.dataset == name and r.validation]
        print(f"  {name}: {validate(net, WindowDataset(watched, {name: 1.0}, seed=12345), n_batches)}", flush=True)


def start_from(path: Path, net: PromptableNet, dataset: WindowDataset) -> None:
    """Take averaged weights of a checkpoint, or folded weights, whose batch norms are learned anew from windows."""
    device = next(net.parameters()).device
    if path.suffix != ".safetensors":
        net.load_state_dict(torch.load(path, weights_only=True, map_location=device)["average"])
        return

    def run() -> None:
        generator = torch.Generator(device).manual_seed(0)
        batches = batches_of(dataset, UNFOLDING_BATCHES, device)
        with device:
            for images, targets, boxes in batches:
                play_frozen(net, net.encode(images), coarse(targets), boxes, generator)

    unfold(net, read_folded(path), run)


def main() -> None:
    """Train until `--steps`, printing progress and writing checkpoints and weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="where prepared records lie; default: OUT")
    parser.add_argument("--stage", choices=tuple(STAGES), required=True)
    parser.add_argument("--without", nargs="*", default=[], help="sets to leave out entirely")
    parser.add_argument("--start", type=Path, help="checkpoint or folded weights that a new run starts from")
    parser.add_argument("--keep-first-answers", action="store_true", help="hold what START answers to one click")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--warm-up-steps", type=int, default=200)
    parser.add_argument("--decay-steps", type=int, default=800)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--lr", type=float, default=1.2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw windows; some dozen feed a GPU")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--validate-every", type=int, default=250)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    shares = shares_of(args.stage, tuple(args.without))
    watched = [name for name in (*MASKED_SETS, VOLUME_SET) if name not in shares]
    records = load_or_build(args.data, args.cache or args.out, (*shares, *watched))
    device = torch.device(args.device)
    net = PromptableNet().to(device).to(memory_format=torch.channels_last)
    dataset = WindowDataset([r for r in records if not r.validation], shares, seed=args.seed)
    if args.start:
        start_from(args.start, net, dataset)
    average = copy.deepcopy(net)
    teacher = copy.deepcopy(net).eval() if args.keep_first_answers else None
    groups = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": 0.02},
        {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=args.lr)
    args.out.mkdir(parents=True, exist_ok=True)
    first = load_checkpoint(args.out / "checkpoint.pt", net, average, optimiser)
    order = range(first * args.batch_size, args.steps * args.batch_size)
    loader = DataLoader(
        dataset,
        args.batch_size,
        sampler=order,
        num_workers=args.workers,
        prefetch_factor=6,
        collate_fn=collate,
        pin_memory=device.type == "cuda",
    )
    recent: deque[tuple[Tensor, Tensor]] = deque(maxlen=50)
    began = saved = time.monotonic()
    for step, batch in enumerate(loader, start=first):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(
                step, args.steps, warm_up_steps=args.warm_up_steps, decay_steps=args.decay_steps, peak=args.lr
            )
        generator = torch.Generator(device).manual_seed(args.seed * 1_000_003 + step)
        images, targets, boxes = (part.to(device, non_blocking=True) for part in batch)
        with device:  # prompts are drawn where the network is
            loss, dice = train_step(net, (images, targets, boxes), generator, teacher)
        torch.nn.utils.clip_grad_norm_(net.parameters(), GRADIENT_CLIP)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        update_average(average, net, step)
        recent.append((loss, dice))
        now, done = time.monotonic(), step + 1
        if done % 25 == 0:
            mean_loss, mean_dice = (float(torch.stack(x).mean()) for x in zip(*recent, strict=True))
            pace = (now - began) / (done - first)
            print(f"step {done} loss {mean_loss:.4f} dice {mean_dice:.3f} {pace:.2f} s/step", flush=True)
        if done % args.validate_every == 0:
            print(f"validation at {done}:")
            validate_sets(average, records, n_batches=3)
        if now - saved > CHECKPOINT_SECONDS or done == args.steps:
            save_checkpoint(args.out / "checkpoint.pt", net, average, optimiser, done)
            export_weights(average, args.out / "weights.safetensors")
            saved = now


if __name__ == "__main__":
    main()
