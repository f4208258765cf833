"""Losses of the self-supervised training: agreement of two views, and bringing back what was hidden."""

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

CELL = 8
"""Side in pixels of a cell of the dense map."""
N_ORIENTATIONS = 8
SUBCELLS = 2
"""Each cell describes its 2 x 2 quarters on their own."""
TARGET_CHANNELS = SUBCELLS * SUBCELLS * (N_ORIENTATIONS + 3)


def vicreg(
    first: Float[torch.Tensor, "n d"], second: Float[torch.Tensor, "n d"], *, covariance_weight: float = 1.0
) -> Float[torch.Tensor, ""]:
    """Pull two views of the same thing together without letting all things become one.

    Args:
        first: projected vectors of the first views.
        second: those of the second views, row by row.
        covariance_weight: weight of the decorrelation term; the other two weigh 25 each.

    Returns:
        The scalar loss, divided by 25.

    Source: Bardes, Ponce & LeCun 2022, equations 1-6 (arXiv:2105.04906). O(n·d²) time. Departure: the sum is divided by
    25, and the covariance term is averaged over both views.
    """
    n, d = first.shape
    invariance = functional.mse_loss(first, second)
    variance = covariance = first.new_zeros(())
    for z in (first, second):
        centred = z - z.mean(0)
        spread = (centred.square().sum(0) / (n - 1) + 1e-4).sqrt()
        variance = variance + functional.relu(1 - spread).mean() / 2
        gram = centred.T @ centred / (n - 1)
        covariance = covariance + (gram.square().sum() - gram.diagonal().square().sum()) / d / 2
    return invariance + variance + covariance_weight / 25.0 * covariance


def cell_targets(clean: Float[torch.Tensor, "n 3 s s"]) -> Float[torch.Tensor, "n t c c"]:
    """Describe each 8 x 8 cell of a clean view: oriented gradients and mean colour of its quarters.

    Args:
        clean: pixels in [0, 1].

    Returns:
        Targets with channels of unit order: gradient histograms normalised per cell, colours standardised per image.

    Source: after Wei et al. 2022, MaskFeat (arXiv:2112.09133), which regresses HOG of hidden patches. Departures: 8
    unsigned orientations over 4 x 4 pixels, normalised over the cell with a floor that keeps noise in flat cells small,
    and mean colours beside them.
    """
    grey = clean.mean(1, keepdim=True)
    padded = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    gx = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    gy = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    magnitude = (gx.square() + gy.square() + 1e-12).sqrt()
    angles = (torch.arange(N_ORIENTATIONS, dtype=clean.dtype) * (torch.pi / N_ORIENTATIONS)).view(1, -1, 1, 1)
    cosine_2 = ((gx * angles.cos() + gy * angles.sin()) / magnitude).square_()
    votes = cosine_2.square_().square_() * magnitude
    quarter = CELL // SUBCELLS
    histogram = functional.pixel_unshuffle(functional.avg_pool2d(votes, quarter), SUBCELLS)
    histogram = histogram / (histogram.square().sum(1, keepdim=True) + 0.02**2).sqrt()
    colour = functional.avg_pool2d(clean, quarter)
    mean, spread = colour.mean((1, 2, 3), keepdim=True), colour.std((1, 2, 3), keepdim=True)
    colour = functional.pixel_unshuffle((colour - mean) / (spread + 0.05), SUBCELLS)
    return torch.cat([histogram * 3.0, colour], dim=1)


def reconstruction(
    predicted: Float[torch.Tensor, "n t c c"],
    targets: Float[torch.Tensor, "n t c c"],
    hidden: Float[torch.Tensor, "n 1 b b"],
    *,
    visible_weight: float = 0.3,
) -> Float[torch.Tensor, ""]:
    """Squared error over all cells; the visible ones weigh less."""
    size = (predicted.shape[-2], predicted.shape[-1])
    weights = visible_weight + (1 - visible_weight) * functional.interpolate(hidden, size=size, mode="nearest")
    return ((predicted - targets).square().mean(1, keepdim=True) * weights).sum() / weights.sum()


def projector(n_in: int, n_hidden: int) -> nn.Sequential:
    """The expander of VICReg: three linear layers, used in training only."""
    return nn.Sequential(
        nn.Linear(n_in, n_hidden, bias=False),
        nn.BatchNorm1d(n_hidden),
        nn.ReLU(inplace=True),
        nn.Linear(n_hidden, n_hidden, bias=False),
        nn.BatchNorm1d(n_hidden),
        nn.ReLU(inplace=True),
        nn.Linear(n_hidden, n_hidden, bias=False),
    )
