"""Losses for labels that say less than a mask: clicks and strokes, a box, a tag."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch.nn import functional

from alcore.errors import InvalidInput

BOX_FILL = (0.2, 0.95)
"""Least and greatest share of its tight box that an object fills."""
TOP_SHARE = 0.01
"""An image shows a class as surely as this share of its pixels, the surest ones, do on average."""
_EPS = 1e-6

HeadBox = tuple[int, int, int, int]
"""Rows r0 to r1 and columns c0 to c1 of a tight box at the head's side, exclusive at the far side."""


def partial_cross_entropy(
    logits: Float[torch.Tensor, "n k h w"],
    targets: Int[torch.Tensor, "n h w"],
    weights: Float[torch.Tensor, "n h w"],
) -> Float[torch.Tensor, ""]:
    """Return the cross-entropy at the pixels that are known, a weighted mean; 0 where none is.

    Args:
        logits: of all classes, background first.
        targets: label ids, legal everywhere.
        weights: 0 where nothing is known, and there the logits get no gradient.

    Source: partial cross-entropy as in Lin et al. 2016, ScribbleSup (arXiv:1604.05144), without its graphical model.
    """
    lost = functional.cross_entropy(logits, targets, reduction="none")
    return (lost * weights).sum() / weights.sum().clamp(min=_EPS)


def box_loss(
    foreground: Float[torch.Tensor, "h w"], boxes: Sequence[HeadBox], *, bag_px: int = 1, sharpness: float = 5.0
) -> Float[torch.Tensor, ""]:
    """Ask that each tight box holds an object that reaches all its sides, and that nothing lies outside the boxes.

    Args:
        foreground: probability of the boxes' class at each pixel of one image, in which rows and columns run as drawn.
        boxes: all boxes of the class, inside the image; none asks for an empty image.
        bag_px: so many neighbouring rows (or columns) of a box must hold at least as many foreground pixels together.
        sharpness: t of the log-barrier, above 0; higher is closer to a hard constraint.

    Returns:
        Cross-entropy with background outside, plus over boxes the mean barrier of rows and columns and that of the
        object's size (`BOX_FILL`).

    Raises:
        InvalidInput: a box that is empty or out of the image, a number out of range.

    Source: Kervadec et al. 2020 (MIDL, arXiv:2004.06816): tightness prior (equation 2), emptiness and size bounds,
    with the log-barrier extension of Kervadec et al. 2019 (arXiv:1904.04205, equation 6). Departures: `bag_px` is 1
    instead of 5, for a head's side is small; constraints are divided by the number of pixels that they bound, so that a
    large box does not outweigh a small one; emptiness is a mean cross-entropy; t is fixed.
    """
    _check_boxes(boxes, (foreground.shape[0], foreground.shape[1]), bag_px, sharpness)
    outside = torch.ones_like(foreground)
    for r0, r1, c0, c1 in boxes:
        outside[r0:r1, c0:c1] = 0
    lost = -torch.log1p(-foreground.clamp(max=1 - _EPS)) * outside
    total = lost.sum() / outside.sum().clamp(min=1.0)
    for r0, r1, c0, c1 in boxes:
        inside = foreground[r0:r1, c0:c1]
        bags = torch.cat([_bags(inside.sum(dim=1), bag_px) / (c1 - c0), _bags(inside.sum(dim=0), bag_px) / (r1 - r0)])
        filled = inside.mean()
        size = torch.stack([BOX_FILL[0] - filled, filled - BOX_FILL[1]])
        total = total + (log_barrier(bags, sharpness).mean() + log_barrier(size, sharpness).mean()) / len(boxes)
    return total


def log_barrier(excess: Float[torch.Tensor, " c"], sharpness: float) -> Float[torch.Tensor, " c"]:
    """Return what it costs that `excess` is not below 0: -log(-z)/t, straight on from z = -1/t² where z is greater.

    Source: Kervadec et al. 2019 (arXiv:1904.04205), equation 6.
    """
    edge = -1 / sharpness**2
    straight = sharpness * excess - math.log(1 / sharpness**2) / sharpness + 1 / sharpness
    curved = -torch.log(-excess.clamp(max=edge)) / sharpness
    return torch.where(excess <= edge, curved, straight)


def tag_loss(
    probabilities: Float[torch.Tensor, "n k h w"],
    tags: Float[torch.Tensor, "n j"],
    *,
    top_share: float = TOP_SHARE,
) -> Float[torch.Tensor, ""]:
    """Ask that an image tagged with a class shows it somewhere, and one without the tag nowhere.

    Args:
        probabilities: of all k classes, background first.
        tags: 1 or 0 for each of the j = k - 1 foreground classes.
        top_share: of the pixels, the surest ones of a class, whose mean speaks for the image; at least one pixel, so 0
            is max pooling.

    Raises:
        InvalidInput: shapes or the share do not fit.

    Source: image labels as multiple-instance learning by max pooling, Pathak et al. 2014 (arXiv:1412.7144); the top
    share in place of the maximum, and a binary loss per class, are ours.
    """
    if not 0 <= top_share <= 1 or tags.shape[1] != probabilities.shape[1] - 1:
        raise InvalidInput(
            f"tags need one column for each class but the background and a top_share of 0 to 1; got "
            f"{tags.shape[1]} columns for {probabilities.shape[1]} classes and {top_share}"
        )
    flat = probabilities[:, 1:].flatten(2)
    shown = flat.topk(max(1, round(top_share * flat.shape[2])), dim=2).values.mean(dim=2)
    return functional.binary_cross_entropy(shown.clamp(_EPS, 1 - _EPS), tags)


def _bags(lines: torch.Tensor, bag_px: int) -> torch.Tensor:
    """How much each bag of neighbouring lines falls short of one foreground pixel a line; the last may be thinner."""
    bags = [lines[start : start + bag_px] for start in range(0, len(lines), bag_px)]
    return torch.stack([len(bag) - bag.sum() for bag in bags])


def _check_boxes(boxes: Sequence[HeadBox], size: tuple[int, int], bag_px: int, sharpness: float) -> None:
    if bag_px < 1 or not sharpness > 0:
        raise InvalidInput(f"need bag_px >= 1 and sharpness > 0; got {bag_px}, {sharpness}")
    for r0, r1, c0, c1 in boxes:
        if not (0 <= r0 < r1 <= size[0] and 0 <= c0 < c1 <= size[1]):
            raise InvalidInput(f"the box rows {r0}-{r1}, columns {c0}-{c1} is empty or leaves the image of size {size}")
