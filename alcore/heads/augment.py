"""Moving image, frozen features, labels and weights together, so that a few labels go further."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one training step sees; the four share one frame."""

    features: Float[torch.Tensor, "n c hd wd"]
    images: Float[torch.Tensor, "n 3 s s"]
    """Standardised pixels."""
    targets: Int[torch.Tensor, "n s s"]
    """Label ids, legal everywhere, also where the weight is 0."""
    weights: Float[torch.Tensor, "n s s"]

    def take(self, rows: list[int]) -> "Batch":
        """Take some images."""
        return Batch(
            features=self.features[rows],
            images=self.images[rows],
            targets=self.targets[rows],
            weights=self.weights[rows],
        )


def random_affine(n: int, *, generator: torch.Generator) -> Float[torch.Tensor, "n 2 3"]:
    """Mirror left and right half the time, turn by up to 20 degrees, scale by 0.75 to 1.25, shift by up to 10 %.

    Up and down stay: in most views depth or anatomy runs that way.
    """

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(n, generator=generator) * (high - low) + low

    angle, scale = uniform(-20.0, 20.0) * (math.pi / 180), uniform(math.log(0.75), math.log(1.25)).exp()
    flip = torch.sign(uniform(-1.0, 1.0))
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = angle.cos() * scale * flip, -angle.sin() * scale
    theta[:, 1, 0], theta[:, 1, 1] = angle.sin() * scale * flip, angle.cos() * scale
    theta[:, 0, 2], theta[:, 1, 2] = uniform(-0.2, 0.2), uniform(-0.2, 0.2)
    return theta


def move(batch: Batch, theta: Float[torch.Tensor, "n 2 3"]) -> Batch:
    """Resample a batch; what comes from outside the image is background of weight 0."""
    n, side = len(theta), batch.images.shape[-1]

    def grid(rows: int, columns: int) -> torch.Tensor:
        return functional.affine_grid(theta, [n, 1, rows, columns], align_corners=False)

    pixel_grid = grid(side, side)
    feature_grid = grid(batch.features.shape[-2], batch.features.shape[-1])
    both = torch.stack([batch.targets.float(), batch.weights], dim=1)
    both = functional.grid_sample(both, pixel_grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return Batch(
        features=functional.grid_sample(
            batch.features, feature_grid, mode="bilinear", padding_mode="reflection", align_corners=False
        ),
        images=functional.grid_sample(
            batch.images, pixel_grid, mode="bilinear", padding_mode="reflection", align_corners=False
        ),
        targets=both[:, 0].long(),
        weights=both[:, 1],
    )


def recolour(images: Float[torch.Tensor, "n 3 s s"], *, generator: torch.Generator) -> Float[torch.Tensor, "n 3 s s"]:
    """Change contrast and brightness of standardised pixels, and a little of each channel."""
    n = len(images)
    contrast = torch.exp((torch.rand(n, 1, 1, 1, generator=generator) - 0.5) * 0.6)
    shift = (torch.rand(n, 1, 1, 1, generator=generator) - 0.5) * 0.6
    cast = (torch.rand(n, 3, 1, 1, generator=generator) - 0.5) * 0.2
    return images * contrast + shift + cast
