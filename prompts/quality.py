"""How far a pseudo-mask can be trusted, without ground truth."""

import numpy as np
from jaxtyping import Bool, Float, UInt8

from prompts.geometry import box_mask, pixel_of, pixels_along
from prompts.types import Box, MaskPrediction, Prompt

STABILITY_OFFSET = 1.0
TIGHTNESS_SHARE = 0.05
"""A mask touches a side of its box when it comes as near as this share of the box's extent, or one pixel."""
MAYBE_LOGIT = -3.0
"""Above it, a probability of about 5 %, a pixel may be the object's."""
BORDER_SHARE = 0.05
"""Width of the strips on both sides of a border that are compared, as a share of the root of the mask's area."""


def mask_quality(prediction: MaskPrediction, prompt: Prompt) -> float:
    """Judge the chosen mask of a prediction.

    Args:
        prediction: what a predictor returned for `prompt`.
        prompt: the clicks, strokes and box that the mask should obey.

    Returns:
        0 to 1: compliance · (stability + predicted IoU) / 2. A mask that disobeys its prompt is bad however sure the
        model is; stability and predicted IoU are two weak opinions, averaged. 0 for an empty mask.

    Source: stability is `calculate_stability_score` of segment_anything's `amg.py` at offset 1.0; the predicted IoU
    is the model's own; compliance and the way the three are put together are ours, unpublished. O(h·w).
    """
    stability = stability_score(prediction.low_res_logits[prediction.chosen])
    predicted_iou = float(np.clip(prediction.predicted_iou[prediction.chosen], 0.0, 1.0))
    return prompt_compliance(prediction.mask, prompt) * (stability + predicted_iou) / 2


def stability_score(logits: Float[np.ndarray, "lh lw"], *, offset: float = STABILITY_OFFSET) -> float:
    """Return the IoU of the masks cut at `+offset` and `-offset`; 0 where even the larger one is empty.

    Source: Kirillov et al. 2023, appendix B (arXiv:2304.02643), `segment_anything/utils/amg.py`, which divides by zero
    there.
    """
    larger = int((logits > -offset).sum())
    return int((logits > offset).sum()) / larger if larger else 0.0


def prompt_compliance(mask: Bool[np.ndarray, "h w"], prompt: Prompt) -> float:
    """Return 0 to 1: share of clicks and strokes obeyed, of the mask inside the box, of box sides touched; multiplied.

    An empty mask has 0; a prompt without a box leaves the box factors out.
    """
    if not mask.any():
        return 0.0
    compliance = _share_obeyed(mask, prompt)
    if prompt.box is not None:
        inside = mask & box_mask(prompt.box, (mask.shape[0], mask.shape[1]))
        compliance *= int(inside.sum()) / int(mask.sum()) * _share_of_sides_touched(inside, prompt.box)
    return compliance


def certainty(logits: Float[np.ndarray, "lh lw"]) -> float:
    """Return the mean of 2·|σ(z) - 1/2| over the pixels that may be the object; 0 where none may."""
    maybe = logits[logits > MAYBE_LOGIT].astype(np.float64)
    return float(np.abs(np.tanh(maybe / 2)).mean()) if maybe.size else 0.0


def border_contrast(image: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"]) -> float:
    """Return 0 to 1: how much the image changes across the mask's border, c / (1 + c).

    c is the difference of the mean grey just inside and just outside over the spread of both strips together, grey
    levels after a blur of one pixel. 0 for a mask without a border.

    Source: the region term of Chan & Vese 2001 near the border alone; strips and scale are ours. O(h·w).
    """
    from scipy import ndimage

    if not mask.any() or mask.all():
        return 0.0
    width = max(2, round(BORDER_SHARE * float(np.sqrt(mask.sum()))))
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    room = width + 4
    near = np.s_[max(0, rows[0] - room) : rows[-1] + 1 + room, max(0, cols[0] - room) : cols[-1] + 1 + room]
    part, grey = mask[near], ndimage.gaussian_filter(image[near].mean(axis=2), 1.0)
    inside = part & (ndimage.distance_transform_cdt(part, "taxicab") <= width)
    outside = ~part & (ndimage.distance_transform_cdt(~part, "taxicab") <= width)
    if not inside.any() or not outside.any():
        return 0.0
    change = abs(float(grey[inside].mean() - grey[outside].mean())) / (float(grey[inside | outside].std()) + 1.0)
    return change / (1 + change)


def head_agreement(mask: Bool[np.ndarray, "h w"], probability: Float[np.ndarray, "h w"]) -> float:
    """Return 0 to 1: how far a task head sees the same object, 2·Σpm / (Σp + Σm) over the mask's surroundings.

    Args:
        mask: one object, in any frame.
        probability: the head's for the object's class in the same frame, 0 to 1, from a head that has not seen this
            image's label.

    The surroundings are the mask's box, half its extent wider on each side: another object of the class elsewhere is no
    disagreement. 0 for an empty mask.

    Source: Zhang et al. 2023, SQA-SAM (arXiv:2312.09899), the agreement of a segmentation model and SAM. Theirs prompts
    SAM with the model's mask; ours takes the person's prompts, and the head's probabilities instead of its mask, so
    that a head which is unsure disagrees by little. O(h·w).
    """
    if not mask.any():
        return 0.0
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    room_y, room_x = ((ends[-1] + 1 - ends[0] + 1) // 2 for ends in (rows, cols))
    near = np.s_[max(0, rows[0] - room_y) : rows[-1] + 1 + room_y, max(0, cols[0] - room_x) : cols[-1] + 1 + room_x]
    both = float(probability[near][mask[near]].sum())
    return 2 * both / (float(probability[near].sum()) + int(mask.sum()))


def _share_obeyed(mask: Bool[np.ndarray, "h w"], prompt: Prompt) -> float:
    """Return the mean over clicks and strokes of how much of each has the mask on its side; 1 without any.

    A click is obeyed or not; of a stroke the share of its pixels counts.
    """
    shares = [float(bool(mask[pixel_of(p)]) == bool(p.label)) for p in prompt.points]
    for scribble in prompt.scribbles:
        rows, cols = pixels_along(scribble).T
        shares.append(float((mask[rows, cols] == bool(scribble.label)).mean()))
    return sum(shares) / len(shares) if shares else 1.0


def _share_of_sides_touched(inside: Bool[np.ndarray, "h w"], box: Box) -> float:
    """Return how many of the four sides the part of the mask inside the box comes near to, over four."""
    if not inside.any():
        return 0.0
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    near_x = max(1.0, TIGHTNESS_SHARE * (box.x1 - box.x0))
    near_y = max(1.0, TIGHTNESS_SHARE * (box.y1 - box.y0))
    touched = (
        cols[0] - box.x0 <= near_x,
        box.x1 - (cols[-1] + 1) <= near_x,
        rows[0] - box.y0 <= near_y,
        box.y1 - (rows[-1] + 1) <= near_y,
    )
    return sum(map(bool, touched)) / 4
