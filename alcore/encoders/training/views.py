"""Random views of a batch of images, made with one resampling each and with their frames kept."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch.nn import functional

from alcore.encoders.network import normalise

VIEW_SIDE = 128
MASK_BLOCK = 16
"""Side in pixels of the squares that are blotted out."""
MASK_SHARE = 0.35


@dataclass(frozen=True, kw_only=True)
class View:
    """One view of each image; `frame` maps view coordinates in [-1, 1] to those of the full image."""

    images: Float[torch.Tensor, "n 3 s s"]
    """Normalised pixels."""
    frame: Float[torch.Tensor, "n 3 3"]


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(n, generator=generator) * (high - low) + low


def random_frames(n: int, *, generator: torch.Generator) -> Float[torch.Tensor, "n 3 3"]:
    """Crop 5 to 80 % of the area, stretch, turn by any angle up to 25 degrees or a quarter more, mirror."""
    scale = _uniform(n, 0.05, 0.8, generator).sqrt()
    stretch = _uniform(n, -0.25, 0.25, generator).exp()
    sx, sy = (scale * stretch).clamp(max=1.0), (scale / stretch).clamp(max=1.0)
    quarter = (torch.rand(n, generator=generator) < 0.25).float() * (math.pi / 2)
    angle = _uniform(n, -0.44, 0.44, generator) + quarter
    flip = (torch.rand(n, generator=generator) < 0.5).float() * 2 - 1
    frame = torch.zeros(n, 3, 3)
    frame[:, 0, 0], frame[:, 0, 1] = sx * angle.cos() * flip, -sy * angle.sin()
    frame[:, 1, 0], frame[:, 1, 1] = sx * angle.sin() * flip, sy * angle.cos()
    frame[:, 0, 2] = _uniform(n, -1.0, 1.0, generator) * (1 - sx)
    frame[:, 1, 2] = _uniform(n, -1.0, 1.0, generator) * (1 - sy)
    frame[:, 2, 2] = 1.0
    return frame


def _recolour(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Gamma, contrast, brightness, colour cast, greying, blur and noise; pixels in [0, 1]."""
    n = len(x)

    def column(low: float, high: float) -> torch.Tensor:
        return _uniform(n, low, high, generator).view(n, 1, 1, 1)

    x = x.clamp(1e-3, 1) ** column(-0.45, 0.45).exp()
    x = x * column(0.65, 1.35) + column(-0.12, 0.12)
    cast = (torch.rand(n, 3, 1, 1, generator=generator) - 0.5) * 0.2 * (column(0.0, 1.0) < 0.5)
    x = x * (1 + cast)
    grey = x.mean(1, keepdim=True)
    amount = column(0.0, 1.0) * (column(0.0, 1.0) < 0.4)
    x = x + amount * (grey - x)
    inverted = column(0.0, 1.0) < 0.05
    x = torch.where(inverted, 1 - x, x)
    blurred = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    x = x + column(0.0, 1.0) * (column(0.0, 1.0) < 0.4) * (blurred - x)
    noise = torch.randn(x.shape[0], 1, x.shape[2], x.shape[3], generator=generator)
    return (x + noise * column(0.0, 0.06) * (column(0.0, 1.0) < 0.5)).clamp(0, 1)


def crop(images: torch.Tensor, frames: torch.Tensor, side: int) -> torch.Tensor:
    """Resample float images (n, 3, h, w) into the frames."""
    grid = functional.affine_grid(frames[:, :2], [len(images), 3, side, side], align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def make_view(
    images: UInt8[torch.Tensor, "n h w 3"], *, generator: torch.Generator, side: int = VIEW_SIDE
) -> tuple[View, Float[torch.Tensor, "n 3 s s"]]:
    """Make one recoloured view of each image, and the same view with its colours untouched.

    Args:
        images: uint8 RGB.
        generator: every random choice comes from it.
        side: side of the view in pixels.

    Returns:
        The view, and its clean pixels in [0, 1]: what a denoiser should bring back.
    """
    frame = random_frames(len(images), generator=generator)
    clean = crop(images.permute(0, 3, 1, 2).float() / 255.0, frame, side)
    return View(images=normalise(_recolour(clean, generator) * 255.0), frame=frame), clean


def blot_out(
    images: Float[torch.Tensor, "n 3 s s"], *, generator: torch.Generator, share: float = MASK_SHARE
) -> tuple[Float[torch.Tensor, "n 3 s s"], Float[torch.Tensor, "n 1 c c"]]:
    """Replace a share of the squares by each image's mean; also return where, one value a square."""
    cells = images.shape[-1] // MASK_BLOCK
    hidden = (torch.rand(len(images), 1, cells, cells, generator=generator) < share).float()
    mask = functional.interpolate(hidden, scale_factor=MASK_BLOCK, mode="nearest")
    return images * (1 - mask) + images.mean((2, 3), keepdim=True) * mask, hidden


def corresponding_grid(
    first: View, second: View, cells: int
) -> tuple[Float[torch.Tensor, "n c c 2"], Float[torch.Tensor, "n c c"]]:
    """Where each cell of the first view's map lies in the second view, and whether it lies inside."""
    across = torch.linalg.solve(second.frame, first.frame)
    grid = functional.affine_grid(across[:, :2], [len(across), 1, cells, cells], align_corners=False)
    return grid, (grid.abs().amax(-1) < 1.0).float()
