"""How far each place is from what was clicked or boxed, going along the image: short within an even region, long across
its borders.

As in Wang et al. 2019, DeepIGeoS (arXiv:1707.00652), where such distances are inputs of the network beside the image.
They mean the same in images of a kind that it has never seen.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

SIDE = 64
"""Cells a side of the grid on which ways are measured."""
STEP = 0.02
"""Length of a step over even ground; what colours change by, in deviations of the whole image, is added."""
FAR = 12.0
"""The longest distance that is told apart, and that to what is not there."""
ROUNDS = 3
"""Each sweeps left, right, up and down; ways with more turns than that are rare."""
REACHES = (0.5, 2.0)
"""Distances at which a place counts e times less near."""
SEED_LEVEL = 0.75
"""Share of its greatest value at which a prompt map is taken for the prompt itself."""
GEODESIC_MAPS = 4 * len(REACHES) + 1


def geodesic_maps(pixels: Float[Tensor, "n 3 s s"], maps: Float[Tensor, "n 8 128 128"]) -> Float[Tensor, "n 9 64 64"]:
    """Say how near each cell is to the clicks, the clicks away, the middle of the box and what is outside of it.

    Args:
        pixels: standardised colours, a power of two times 64 cells a side.
        maps: as drawn by `prompt_maps`.

    Returns:
        Nearness to each of the four at each reach, in (0, 1]; 0 where there is none. Last, in [-1, 1], how much nearer
        the next thing inside (click or middle) is than the next outside.
    """
    pixels = F.avg_pool2d(pixels.float(), pixels.shape[-1] // SIDE)
    clicks, away, covered, middle = F.max_pool2d(maps[:, [0, 1, 4, 6]], maps.shape[-1] // SIDE).float().unbind(1)
    seeds = torch.stack([*(is_drawn(one) for one in (clicks, away, middle)), is_outside(covered)], dim=1)
    there = seeds.flatten(2).any(2)
    asked = there.any(0)  # most prompts have two of the four
    far = torch.full(seeds.shape, FAR, device=seeds.device)
    far[:, asked] = distances(pixels, seeds[:, asked])
    near = [torch.exp(-far / reach) * there[..., None, None] for reach in REACHES]
    within, without = torch.minimum(far[:, 0], far[:, 2]), torch.minimum(far[:, 1], far[:, 3])
    balance = (without - within) / (without + within + STEP)
    return torch.cat([*near, balance[:, None]], dim=1).to(maps.dtype)


def is_drawn(drawn: Float[Tensor, "n h w"]) -> Bool[Tensor, "n h w"]:
    """Say where a prompt map is near its greatest value; nowhere where nothing is drawn."""
    top = drawn.amax((1, 2), keepdim=True)
    return (drawn >= SEED_LEVEL * top) & (top > 0)


def is_outside(covered: Float[Tensor, "n h w"]) -> Bool[Tensor, "n h w"]:
    """Say what lies outside of the box, where there is one."""
    return (covered == 0) & (covered.amax((1, 2), keepdim=True) > 0)


def distances(pixels: Float[Tensor, "n 3 h w"], seeds: Bool[Tensor, "n k h w"]) -> Float[Tensor, "n k h w"]:
    """Measure the shortest way over the image from each cell to the nearest seed, at most `FAR`."""
    along_x = steps(pixels)
    along_y = steps(pixels.mT)
    far = torch.where(seeds, 0.0, FAR)
    for _ in range(ROUNDS):
        far = swept(swept(far, along_x).mT, along_y).mT
    return far


def steps(pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1 h w"]:
    """Say how far each cell is from the first of its row, going along it."""
    change = pixels.diff(dim=3).square().mean(1, keepdim=True).sqrt() + STEP
    return F.pad(change, (1, 0)).cumsum(3)


def swept(far: Float[Tensor, "n k h w"], at: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n k h w"]:
    """Shorten distances by ways along the rows, both ways; `at` is how far along its row each cell lies."""
    from_left = (far - at).cummin(3).values + at
    from_right = (far + at).flip(3).cummin(3).values.flip(3) - at
    return torch.minimum(from_left, from_right)
