"""What the light heads know of a pixel: maps at several resolutions, read at the pixel's middle."""

from functools import cache

import torch
from jaxtyping import Float, Int
from torch.nn import functional

STRIDE = 2
"""The blurred channels are made at this stride: nobody sees the difference, and they cost a quarter."""
BLUR_RADII = (1, 4)
SPREAD_RADII = (1, 3)
"""Half sides in cells of `STRIDE`; a blur is two passes of a box."""
N_FINE = 8
N_COARSE = 3 + 3 * len(BLUR_RADII) + len(SPREAD_RADII)


def image_maps(images: Float[torch.Tensor, "n 3 s s"]) -> list[torch.Tensor]:
    """Maps of standardised images: colours and places of each pixel; blurs and spreads at `STRIDE`.

    Returns:
        Fine (n, `N_FINE`, s, s): three colours; row, column, distance from the middle column, and the squares of row
        and column, all from -1 to 1. Coarse (n, `N_COARSE`, s / `STRIDE`, s / `STRIDE`): the colours, their blurs,
        and the local spread of grey, as random-forest pixel classifiers use them (Berg et al. 2019, ilastik).
    """
    n, _, side, _ = images.shape
    rows = torch.linspace(-1, 1, side).view(1, 1, -1, 1).expand(n, 1, side, side)
    columns = rows.transpose(2, 3)
    fine = torch.cat([images, rows, columns, columns.abs(), rows.square(), columns.square()], dim=1)
    small = functional.avg_pool2d(images, STRIDE)
    grey = small.mean(1, keepdim=True)
    spreads = [(_blur(grey.square(), r) - _blur(grey, r).square()).clamp(min=0).sqrt() for r in SPREAD_RADII]
    return [fine, torch.cat([small, *(_blur(small, r) for r in BLUR_RADII), *spreads], dim=1)]


def read_at(
    maps: list[torch.Tensor], image: int, pixels: Int[torch.Tensor, " p"], side: int
) -> Float[torch.Tensor, "p c"]:
    """Read all maps of one image at some pixels (row · side + column) by bilinear interpolation."""
    rows, columns = pixels // side, pixels % side
    grid = (torch.stack([columns, rows], dim=-1) + 0.5) / side * 2 - 1
    grid = grid.float().view(1, 1, -1, 2)
    read = [
        functional.grid_sample(m[image : image + 1], grid, mode="bilinear", padding_mode="border", align_corners=False)
        for m in maps
    ]
    return torch.cat([found[0, :, 0] for found in read]).T


def project(
    maps: list[torch.Tensor], weights: Float[torch.Tensor, "o c"], bias: Float[torch.Tensor, " o"], side: int
) -> Float[torch.Tensor, "n o side side"]:
    """Apply a linear layer to every pixel's features.

    A linear layer and an interpolation can change places: the layer is applied to each map as it is, and only its few
    outputs are enlarged, which spares the features at full size.
    """
    total = bias.view(1, -1, 1, 1)
    start = 0
    for map_ in maps:
        part = weights[:, start : start + map_.shape[1]]
        start += map_.shape[1]
        logits = (part @ map_.flatten(2)).view(len(map_), -1, *map_.shape[2:])
        if logits.shape[-1] != side or logits.shape[-2] != side:
            logits = functional.interpolate(logits, size=(side, side), mode="bilinear", align_corners=False)
        total = total + logits
    return total


def _blur(x: Float[torch.Tensor, "n c s s"], radius: int) -> Float[torch.Tensor, "n c s s"]:
    """Two passes of a box along rows and along columns, with the border continued."""
    blur = _blur_matrix(x.shape[-1], radius)
    return blur @ x @ blur.T


@cache
def _blur_matrix(side: int, radius: int) -> Float[torch.Tensor, "s s"]:
    """What two passes of a box do to a line: so small a matrix costs less than sliding windows over many maps."""
    places = torch.arange(side)[:, None] + torch.arange(-radius, radius + 1)
    once = functional.one_hot(places.clamp(0, side - 1), side).float().mean(dim=1)
    return once @ once
