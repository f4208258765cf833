"""What the network is trained to lower: soft Dice and focal loss on masks, squared error on predicted IoU."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

FOCAL_GAMMA = 2.0
FOCAL_WEIGHT = 8.0
IOU_WEIGHT = 4.0
SPREAD_WEIGHT = 0.05
"""Share of the mean over the candidates beside their minimum, so that none of them dies."""


def mask_losses(logits: Float[Tensor, "n m h w"], targets: Float[Tensor, "n h w"]) -> Float[Tensor, "n m"]:
    """Return soft Dice loss plus focal loss of each mask."""
    wanted = targets[:, None].expand_as(logits)
    p = logits.sigmoid()
    dice = 1 - (2 * (p * wanted).sum((2, 3)) + 1) / (p.sum((2, 3)) + wanted.sum((2, 3)) + 1)
    cross = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    focal = ((wanted - p).abs() ** FOCAL_GAMMA * cross).mean((2, 3))
    return dice + FOCAL_WEIGHT * focal


def measured_iou(logits: Float[Tensor, "n m h w"], targets: Float[Tensor, "n h w"]) -> Float[Tensor, "n m"]:
    """Return the IoU of each thresholded mask."""
    got, wanted = logits > 0, (targets > 0.5)[:, None]
    both = (got & wanted).sum((2, 3)).float()
    return both / ((got | wanted).sum((2, 3)).float() + 1e-6)


def total_loss(
    logits: Float[Tensor, "n 4 h w"],
    iou: Float[Tensor, "n 4"],
    targets: Float[Tensor, "n h w"],
    ambiguous: Bool[Tensor, " n"],
) -> tuple[Tensor, Tensor]:
    """Return the loss of a batch and the Dice that its answers reach.

    Output 0 is judged for every prompt. Of outputs 1 to 3 only the best is, at half the resolution (which is half the
    time), with half the weight for an ambiguous prompt and less for any other.
    """
    answer = mask_losses(logits[:, :1], targets)[:, 0]
    small, small_targets = F.avg_pool2d(logits, 2), F.avg_pool2d(targets, 2)
    each = mask_losses(small[:, 1:], small_targets)
    candidates = each.amin(1) + SPREAD_WEIGHT * each.mean(1)
    loss = (answer + torch.where(ambiguous, 0.5, 0.2) * candidates).mean()
    truth = measured_iou(small.detach(), small_targets)
    loss = loss + IOU_WEIGHT * F.mse_loss(iou, truth)
    reached = truth[:, 0]
    return loss, 2 * reached / (1 + reached)
