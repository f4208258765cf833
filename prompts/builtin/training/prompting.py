"""A simulated annotator for training: boxes, clicks and scribbles drawn for a whole batch at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from prompts.builtin.clicks import STROKE_STEP_PX
from prompts.builtin.frames import LOGITS_PX, WINDOW_PX

MAX_POINTS = 48
SCRIBBLE_POINTS = 10
SCRIBBLE_SHARE = 0.15
"""Share of clicks that go on as strokes."""
CELL_PX = WINDOW_PX / LOGITS_PX
STEP_SHARES = (0.34, 0.24, 0.18, 0.11, 0.07, 0.04, 0.02)
"""Share of prompts that get 0, 1, 2, ... corrective clicks before the step that is learned from."""


@dataclass
class Prompts:
    """The prompts of n objects, in window pixels."""

    points: Float[Tensor, "n p 3"]
    n_points: Int[Tensor, " n"]
    boxes: Float[Tensor, "n 4"]
    logits: Float[Tensor, "n 128 128"]

    @property
    def is_ambiguous(self) -> Bool[Tensor, " n"]:
        """True for a single click with no box and no logits."""
        return (self.n_points == 1) & (self.boxes.sum(1) == 0) & (self.logits == 0).all(2).all(1)

    def add(self, rows: Int[Tensor, " r"], xy: Float[Tensor, "r 2"], labels: Float[Tensor, " r"]) -> None:
        """Append one click to each of the given rows."""
        slot = self.n_points[rows]
        self.points[rows, slot, :2] = xy
        self.points[rows, slot, 2] = labels
        self.n_points[rows] += 1


Answer = Callable[[Prompts, Tensor], Tensor]
"""Gives the network's single answer to some rows of prompts: logits (r, 128, 128)."""


def depth(region: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """Score how deep inside a region each cell lies: a cheap stand-in for the distance transform."""
    small = F.avg_pool2d(region[:, None], 2)
    total = 0.05 * small
    for k in (3, 7, 15, 31):
        inside = F.avg_pool2d(F.avg_pool2d(small, (k, 1), 1, (k // 2, 0)), (1, k), 1, (0, k // 2))
        total = total + inside**4
    return F.interpolate(total, scale_factor=2, mode="nearest")[:, 0] * region


def click_in(
    region: Float[Tensor, "n h w"],
    score: Float[Tensor, "n h w"],
    central: Bool[Tensor, " n"],
    generator: torch.Generator,
) -> Float[Tensor, "n 2"]:
    """Click once in each region: at its deepest cell where `central`, anywhere otherwise; x, y in window pixels."""
    n, _, w = region.shape
    weights = region.flatten(1) + 1e-9
    anywhere = torch.multinomial(weights, 1, generator=generator)[:, 0]
    cell = torch.where(central, score.flatten(1).argmax(1), anywhere)
    xy = torch.stack([cell % w, cell // w], dim=1).float()
    return (xy + 0.25 + 0.5 * torch.rand(n, 2, generator=generator)) * CELL_PX


def scribble_on(
    prompts: Prompts,
    rows: Int[Tensor, " r"],
    region: Float[Tensor, "r h w"],
    start: Float[Tensor, "r 2"],
    labels: Float[Tensor, " r"],
    generator: torch.Generator,
) -> None:
    """Go on from a click with a stroke that wanders and stays in its region where it can."""
    xy, angle = start, torch.rand(len(rows), generator=generator) * 2 * math.pi
    index = torch.arange(len(rows))
    for _ in range(SCRIBBLE_POINTS - 1):
        angle = angle + torch.randn(len(rows), generator=generator) * 0.35
        moved = torch.zeros(len(rows), dtype=torch.bool)
        for turn in (0.0, 0.8, -0.8, 1.8, -1.8, math.pi):
            step = torch.stack([torch.cos(angle + turn), torch.sin(angle + turn)], dim=1) * STROKE_STEP_PX
            cell = ((xy + step) / CELL_PX).long().clamp(0, LOGITS_PX - 1)
            free = (region[index, cell[:, 1], cell[:, 0]] > 0) & ~moved
            xy = torch.where(free[:, None], xy + step, xy)
            angle = torch.where(free, angle + turn, angle)
            moved |= free
        prompts.add(rows, xy, labels)


def tight_boxes(masks: Bool[Tensor, "k h w"]) -> Float[Tensor, "k 4"]:
    """Return x0, y0, x1, y1 (exclusive) of each mask, in cells of the masks, none of which is empty."""
    boxes = []
    for mask in masks:
        cols, rows = torch.nonzero(mask.any(0)).flatten(), torch.nonzero(mask.any(1)).flatten()
        boxes.append([cols[0].item(), rows[0].item(), cols[-1].item() + 1, rows[-1].item() + 1])
    return torch.tensor(boxes, dtype=torch.float32)


def first_prompts(
    targets: Float[Tensor, "n 128 128"],
    tight: Float[Tensor, "n 4"],
    generator: torch.Generator,
    scribble_share: float = SCRIBBLE_SHARE,
) -> Prompts:
    """Draw each object's first prompt: a box, a click, both, several clicks, or a scribble."""
    n = len(targets)
    kind = torch.rand(n, generator=generator)
    has_box = kind < 0.36
    extra = torch.rand(n, generator=generator)
    n_clicks = torch.where(has_box, (kind > 0.30).long(), 1 + (extra < 0.3).long() + (extra < 0.1).long())
    side = torch.stack([tight[:, 2] - tight[:, 0], tight[:, 3] - tight[:, 1]] * 2, dim=1)
    is_loose = torch.rand(n, 1, generator=generator) < 0.5
    jitter = (torch.rand(n, 4, generator=generator) * 2 - 1) * 0.12 * side * is_loose
    boxes = torch.where(has_box[:, None], (tight + jitter).clamp(0, WINDOW_PX), torch.zeros(n, 4))
    points = torch.full((n, MAX_POINTS, 3), -1.0)
    prompts = Prompts(points, torch.zeros(n, dtype=torch.long), boxes, torch.zeros_like(targets))
    inside = (targets >= torch.minimum(torch.full((n,), 0.5), targets.amax((1, 2)))[:, None, None]).float()
    score = depth(inside)
    for i in range(3):
        rows = torch.nonzero(n_clicks > i)[:, 0]
        if len(rows):
            central = torch.rand(len(rows), generator=generator) < (0.55 if i == 0 else 0.1)
            xy = click_in(inside[rows], score[rows], central, generator)
            prompts.add(rows, xy, torch.ones(len(rows)))
            drawn = (n_clicks[rows] == i + 1) & (torch.rand(len(rows), generator=generator) < scribble_share)
            if bool(drawn.any()):
                some = rows[drawn]
                scribble_on(prompts, some, inside[some], xy[drawn], torch.ones(len(some)), generator)
    return prompts


def corrective_clicks(
    prompts: Prompts,
    rows: Int[Tensor, " r"],
    targets: Float[Tensor, "n 128 128"],
    generator: torch.Generator,
    scribble_share: float = SCRIBBLE_SHARE,
) -> None:
    """Click where the last logits are most wrong: in the deeper of missed and surplus regions, as RITM does."""
    wanted, got = targets[rows] > 0.5, prompts.logits[rows] > 0
    missed, surplus = (wanted & ~got).float(), (got & ~wanted).float()
    depth_missed, depth_surplus = depth(missed), depth(surplus)
    deepest_missed, deepest_surplus = depth_missed.amax((1, 2)), depth_surplus.amax((1, 2))
    positive = deepest_missed >= deepest_surplus
    region = torch.where(positive[:, None, None], missed, surplus)
    score = torch.where(positive[:, None, None], depth_missed, depth_surplus)
    wrong = region.sum((1, 2)) > 0
    if bool(wrong.any()):
        central = torch.rand(int(wrong.sum()), generator=generator) < 0.7
        xy = click_in(region[wrong], score[wrong], central, generator)
        labels = positive[wrong].float()
        prompts.add(rows[wrong], xy, labels)
        room = prompts.n_points[rows[wrong]] + SCRIBBLE_POINTS <= MAX_POINTS - len(STEP_SHARES)
        drawn = room & (torch.rand(len(labels), generator=generator) < scribble_share)
        if bool(drawn.any()):
            scribble_on(prompts, rows[wrong][drawn], region[wrong][drawn], xy[drawn], labels[drawn], generator)


def play(
    answer: Answer,
    targets: Float[Tensor, "n 128 128"],
    boxes: Float[Tensor, "n 4"],
    generator: torch.Generator,
    *,
    scribble_share: float = SCRIBBLE_SHARE,
) -> Prompts:
    """Bring each object's prompts to a random stage of correction.

    Args:
        answer: the network's single answer to some of the prompts, as logits (r, 128, 128) for rows (r,).
        targets: the objects, in the cells of the prompt maps.
        boxes: their tight boxes in window pixels.
        generator: draws prompts and stages.
        scribble_share: of clicks that go on as strokes; 0 for models that know no strokes.
    """
    prompts = first_prompts(targets, boxes, generator, scribble_share)
    n_steps = torch.multinomial(torch.tensor(STEP_SHARES), len(targets), replacement=True, generator=generator)
    for step in range(int(n_steps.max())):
        rows = torch.nonzero(n_steps > step)[:, 0]
        prompts.logits[rows] = answer(prompts, rows)
        corrective_clicks(prompts, rows, targets, generator, scribble_share)
    return prompts
