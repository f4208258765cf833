"""What the network is trained to lower: soft Dice and focal loss on masks, squared error on predicted IoU."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

FOCAL_GAMMA = 2.0
FOCAL_WEIGHT = 4.0
NEAR_WEIGHT = 4.0
"""Of the focal loss around the object, which for small and thin ones is a small part of the window."""
NEAR_MARGIN = 1 / 16
"""How far around its tight box an object's surroundings reach, in sides of the window."""
IOU_WEIGHT = 4.0
LIKENESS_SCALE = 8.0
LIKENESS_WEIGHT = 0.7
"""Of `likeness_loss`, at each of two strides."""
SPREAD_WEIGHT = 0.05
"""Share of the mean over the candidates beside their minimum, so that none of them dies."""


def mask_losses(logits: Float[Tensor, "n m h w"], targets: Float[Tensor, "n h w"]) -> Float[Tensor, "n m"]:
    """Return soft Dice loss plus focal loss of each mask, over the window and over the object's surroundings.

    Dice alone leaves a network that fills boxes where it is: its sigmoid is flat there.
    """
    wanted = targets[:, None].expand_as(logits)
    p = logits.sigmoid()
    dice = 1 - (2 * (p * wanted).sum((2, 3)) + 1) / (p.sum((2, 3)) + wanted.sum((2, 3)) + 1)
    cross = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    focal = (wanted - p).abs() ** FOCAL_GAMMA * cross
    near = surroundings(targets)[:, None]
    around = (focal * near).sum((2, 3)) / near.sum((2, 3)).clamp(min=1)
    return dice + FOCAL_WEIGHT * focal.mean((2, 3)) + NEAR_WEIGHT * around


def surroundings(targets: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """Mark each object's tight box and a margin around it with 1."""
    margin = max(1, round(NEAR_MARGIN * targets.shape[-1]))
    rows, cols = targets.amax(2), targets.amax(1)
    rows, cols = (F.max_pool1d((x > 0).float()[:, None], 2 * margin + 1, 1, margin)[:, 0] for x in (rows, cols))
    return rows[:, :, None] * cols[:, None, :]


def likeness_loss(features: Float[Tensor, "b c h w"], targets: Float[Tensor, "b k h w"]) -> Tensor:
    """Make places of an object look alike, and unlike what surrounds it.

    Each place around an object is told from its likeness to the object's mean and to its surroundings' mean; half of
    the cross-entropy is over the object and half over the surroundings. Prompts play no part, so that the encoder
    learns from all objects of a window at once what the decoder's comparisons need. After Snell et al. 2017,
    prototypical networks (arXiv:1703.05175), with places for samples.

    Args:
        features: unit vectors.
        targets: k objects of each image, as covered shares of the same cells.
    """
    near = surroundings(targets.flatten(0, 1)).unflatten(0, targets.shape[:2])  # type: ignore[no-untyped-call]
    inside, around = targets.flatten(2), (near * (1 - targets)).flatten(2)
    flat = features.float().flatten(2)

    def likeness(weights: Tensor) -> Tensor:
        mean = weights @ flat.transpose(1, 2) / (weights.sum(2, keepdim=True) + 1e-3)
        return F.normalize(mean, dim=2) @ flat

    logits = LIKENESS_SCALE * (likeness(inside) - likeness(around))
    parts = [
        (weights * F.softplus(sign * logits)).sum(2) / (weights.sum(2) + 1e-3)
        for weights, sign in ((inside, -1.0), (around, 1.0))
    ]
    return (parts[0] + parts[1]).mean() / 2


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
    first: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the loss of a batch and the Dice that its answers reach.

    Output 0 is judged for every prompt. Of outputs 1 to 3 only the best is, at half the resolution (which is half the
    time), with half the weight for an ambiguous prompt and less for any other.
    """
    answer_targets = targets
    if first is not None:
        rows, wanted = first
        answer_targets = targets.clone()
        answer_targets[rows] = wanted
    answer = mask_losses(logits[:, :1], answer_targets)[:, 0]
    small, small_targets = F.avg_pool2d(logits, 2), F.avg_pool2d(targets, 2)
    each = mask_losses(small[:, 1:], small_targets)
    candidates = each.amin(1) + SPREAD_WEIGHT * each.mean(1)
    loss = (answer + torch.where(ambiguous, 0.5, 0.2) * candidates).mean()
    truth = measured_iou(small.detach(), small_targets)
    loss = loss + IOU_WEIGHT * F.mse_loss(iou, truth)
    reached = truth[:, 0]
    return loss, 2 * reached / (1 + reached)
