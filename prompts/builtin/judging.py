"""Which of many candidate masks to give: judged by what the image says of each, not only by what the network does.

One click tells where an object is and hardly how large it is. The network's outputs, cut at several heights, hold masks
of many sizes; a small regression, trained on images of many kinds, predicts the Dice of each from contrast, edges and
shape, which mean the same in images that the network has never seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from prompts.builtin.frames import WINDOW_PX, View
from prompts.types import Point

SHIFTS = (0.0, -2.25, -1.5, -0.75, 0.75, 1.5, 2.25)
"""What is added to the logits; the first is the network's own answer."""
SIDE = 64
"""Cells a side of the grid on which masks are judged."""
JUDGE_PREFIX = "judge."
"""Of its arrays' names in a weights file."""
ELSEWHERE_LOGIT = -0.5
"""What parts that do not hold the click are lowered to."""

WITHIN_A_MASK = np.zeros((3, 3, 3), np.bool_)
"""What touches what in a stack of masks: the four neighbours in the same mask."""
WITHIN_A_MASK[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
Masks = Bool[np.ndarray, "k h w"]


@dataclass(frozen=True)
class Judge:
    """A small regression from features to Dice: the mean of several networks of one hidden layer."""

    mean: Float[np.ndarray, " f"]
    deviation: Float[np.ndarray, " f"]
    w1: Float[np.ndarray, "e f u"]
    b1: Float[np.ndarray, "e u"]
    w2: Float[np.ndarray, "e u"]
    b2: Float[np.ndarray, " e"]

    @staticmethod
    def of(state: Mapping[str, np.ndarray]) -> "Judge":
        """Take the arrays of a weights file.

        Raises:
            KeyError: one is missing; the text is its name.
        """
        return Judge(**{name: state[JUDGE_PREFIX + name].astype(np.float32) for name in Judge.__dataclass_fields__})

    def tensors(self) -> dict[str, np.ndarray]:
        """Give the arrays under their names in a weights file."""
        return {JUDGE_PREFIX + name: np.ascontiguousarray(getattr(self, name)) for name in self.__dataclass_fields__}

    def predict(self, features: Float[np.ndarray, "k f"]) -> Float[np.ndarray, " k"]:
        """Predict the Dice of each candidate."""
        x = np.clip((features - self.mean) / self.deviation, -5, 5)
        hidden = np.maximum(np.einsum("kf,efu->eku", x, self.w1) + self.b1[:, None], 0)
        scores: np.ndarray = (np.einsum("eku,eu->ek", hidden, self.w2) + self.b2[:, None]).mean(0)
        return scores


def halved(maps: Float[np.ndarray, "*c 128 128"]) -> Float[np.ndarray, "*c 64 64"]:
    """Mean of 2 x 2 cells."""
    rows = maps[..., ::2, :] + maps[..., 1::2, :]  # four times faster than a mean over axes
    halves: np.ndarray = (rows[..., ::2] + rows[..., 1::2]) * np.float32(0.25)
    return halves


def cell_of(view: View, click: Point) -> tuple[int, int]:
    """Row and column of a click on the grid of a view that shows it."""
    row, col = ((at * view.scale - start) * SIDE / WINDOW_PX for at, start in ((click.y, view.y0), (click.x, view.x0)))
    return min(max(int(row), 0), SIDE - 1), min(max(int(col), 0), SIDE - 1)


def describe_click(
    logits: Float[np.ndarray, "m 128 128"],
    iou: Float[np.ndarray, " m"],
    pixels: Float[np.ndarray, "3 128 128"],
    view: View,
    click: Point,
) -> tuple[Float[np.ndarray, "k f"], Masks]:
    """Describe the candidates in the network's answer to one click in a view."""
    return describe(halved(logits), iou, halved(pixels), *cell_of(view, click))


def choose(
    judge: Judge,
    logits: Float[np.ndarray, "m 128 128"],
    iou: Float[np.ndarray, " m"],
    pixels: Float[np.ndarray, "3 128 128"],
    view: View,
    click: Point,
) -> tuple[Float[np.ndarray, "3 128 128"], Float[np.ndarray, "3"]]:
    """Choose three masks for a click: the best by the judge, then the best that are unlike the ones before.

    Returns:
        Their logits, of the part that holds the click, and the IoU that the judge expects of them.
    """
    features, masks = describe_click(logits, iou, pixels, view, click)
    dice = judge.predict(features).clip(0, 1)
    chosen = unlike(masks, dice)
    outputs, shifts = np.divmod(chosen, len(SHIFTS))
    raised = logits[outputs] + np.array(SHIFTS, np.float32)[shifts][:, None, None]
    row, col = cell_of(view, click)
    for one in raised:
        only_part_at(one, 2 * row, 2 * col)
    return raised, (dice[chosen] / (2 - dice[chosen])).astype(np.float32)


def unlike(masks: Masks, scores: Float[np.ndarray, " k"], n: int = 3, most: float = 0.75) -> np.ndarray:
    """Choose the best mask, then the best of those whose IoU with each chosen one is at most `most`, n in all.

    Where there are too few of them the best of the others follow.
    """
    bits = np.packbits(masks.reshape(len(masks), -1), axis=1)
    shared = np.bitwise_count(bits[:, None] & bits[None]).sum(2, dtype=np.int64)
    area = np.diagonal(shared)
    iou = shared / np.maximum(area[:, None] + area - shared, 1)
    order = list(np.argsort(-scores, kind="stable"))
    chosen: list[int] = []
    for limit in (most, 1.0):
        for i in order:
            if len(chosen) < n and i not in chosen and (limit == 1.0 or all(iou[i, j] <= limit for j in chosen)):
                chosen.append(int(i))
    return np.array(chosen)


def only_part_at(logits: Float[np.ndarray, "h w"], row: int, col: int) -> None:
    """Lower, in place, the parts of a mask that do not hold a cell, near which it is kept."""
    parts, n = ndimage.label(logits > 0)
    held = np.unique(parts[row : row + 2, col : col + 2])
    if n > 1 and held.any():
        elsewhere = (parts > 0) & ~np.isin(parts, held[held > 0])
        logits[elsewhere] = ELSEWHERE_LOGIT


def parts_at(masks: Masks, row: int, col: int) -> Masks:
    """Keep of each mask the connected part that holds a cell, which is made part of it."""
    above = masks.copy()
    above[:, row, col] = True
    parts, _ = ndimage.label(above, WITHIN_A_MASK)
    held: np.ndarray = parts == parts[:, row, col][:, None, None]
    return held


def describe(
    logits: Float[np.ndarray, "m 64 64"],
    iou: Float[np.ndarray, " m"],
    pixels: Float[np.ndarray, "3 64 64"],
    row: int,
    col: int,
) -> tuple[Float[np.ndarray, "k f"], Masks]:
    """List the candidates, output by output, each at every shift, with what tells them apart.

    Args:
        logits: the network's outputs over a window, the single answer first.
        iou: what the network expects of each.
        pixels: the window's standardised colours.
        row: of the click's cell.
        col: of the click's cell.
    """
    raised = (logits[:, None] + np.array(SHIFTS, np.float32)[:, None, None]).reshape(-1, SIDE, SIDE)
    masks = parts_at(raised > 0, row, col)
    n = len(SHIFTS)
    own = of_masks(masks, np.repeat(sureness(logits), n, axis=0), pixels, row, col)
    first = np.repeat(own[::n], n, axis=0)
    shift = np.tile(SHIFTS, len(logits))
    said = np.repeat(iou, n)
    is_single = np.repeat(np.arange(len(logits)) == 0, n)
    extra = np.stack([shift, said, np.full(len(own), iou[0]), is_single], axis=1)
    return np.concatenate([own, own - first, first, extra], axis=1).astype(np.float32), masks


def sureness(logits: Float[np.ndarray, "m h w"]) -> Float[np.ndarray, "m h w"]:
    """Give logits as probabilities."""
    sure: np.ndarray = 1 / (1 + np.exp(-np.clip(logits, -15, 15)))
    return sure


def of_masks(
    masks: Masks,
    sure: Float[np.ndarray, "k h w"],
    pixels: Float[np.ndarray, "3 h w"],
    row: int,
    col: int,
) -> Float[np.ndarray, "k f"]:
    """Describe masks: size, edges along the border, contrast within and around, roundness about the click, sureness."""
    outer = grown(masks)
    beyond = grown(outer)
    ring = beyond & ~masks
    core = grown(~masks)
    inner = masks & grown(core)
    border = (outer & ~masks) | (masks & core)
    wide = grown(grown(grown(beyond)))
    slope_y, slope_x = np.gradient(pixels.mean(0))
    slope = np.sqrt(slope_y**2 + slope_x**2) + 1e-3
    edge, near = (means(part, slope[None])[:, 0] for part in (border, wide))
    (mean_in, var_in), (mean_out, var_out), (mean_all, var_all) = (
        colours_of(part, pixels) for part in (inner, ring, masks)
    )
    contrast = np.sqrt(((mean_in - mean_out) ** 2).sum(1) / (var_in + var_out + 0.02))
    apart = np.sqrt(((mean_all - mean_out) ** 2).sum(1) / (var_all + 0.02))
    area = masks.sum((1, 2)).astype(np.float32)
    rows, cols = np.ogrid[:SIDE, :SIDE]
    distance2 = ((rows - row) ** 2 + (cols - col) ** 2).astype(np.float32)
    depth = np.sqrt(np.where(masks, np.float32(SIDE**2), distance2).min((1, 2)))
    sides = masks.any(1).sum(1), masks.any(2).sum(1)
    touched = masks[:, [0, -1]].sum((1, 2)) + masks[:, :, [0, -1]].sum((1, 2))
    return np.stack(
        [
            np.log(area),
            np.log(edge / slope.mean() + 0.02),
            np.log(edge / near + 0.02),
            contrast,
            apart,
            depth / np.sqrt(area / np.pi),
            area / (border.sum((1, 2)) + 1.0) ** 2,
            (masks * sure).sum((1, 2)) / area,
            touched / (4.0 * SIDE),
            sure.max((1, 2)),
            np.log(var_all + 0.01),
            np.maximum(*sides) / SIDE,
            area / (sides[0] * sides[1]),
            (ring * sure).sum((1, 2)) / np.maximum(ring.sum((1, 2)), 1),
        ],
        axis=1,
    )


def grown(masks: Masks) -> Masks:
    """Add the eight neighbours of each cell."""
    out = masks.copy()
    out[:, 1:] |= masks[:, :-1]
    out[:, :-1] |= masks[:, 1:]
    tall = out.copy()
    out[:, :, 1:] |= tall[:, :, :-1]
    out[:, :, :-1] |= tall[:, :, 1:]
    return out


def means(masks: Masks, maps: Float[np.ndarray, "c h w"]) -> Float[np.ndarray, "k c"]:
    """Mean of each map over each mask; 0 where it is empty."""
    # A product for each row: of one large one BLAS would wake threads of its own, which then stand in torch's way.
    total = (masks.astype(np.float32).swapaxes(0, 1) @ maps.transpose(1, 2, 0)).sum(0)
    mean: np.ndarray = total / np.maximum(masks.sum((1, 2), dtype=np.float32), 1)[:, None]
    return mean


def colours_of(masks: Masks, colours: Float[np.ndarray, "3 h w"]) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour (k, 3) of each mask and its variance, summed over channels (k,)."""
    mean, square = np.split(means(masks, np.concatenate([colours, colours**2])), 2, axis=1)
    return mean, np.maximum(square - mean**2, 0).sum(1)
