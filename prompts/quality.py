"""How far a pseudo-mask can be trusted, without ground truth."""

import numpy as np
from jaxtyping import Bool, Float

from prompts.geometry import box_mask, pixel_of, pixels_along
from prompts.types import Box, MaskPrediction, Prompt

STABILITY_OFFSET = 1.0
TIGHTNESS_SHARE = 0.05
"""A mask touches a side of its box when it comes as near as this share of the box's extent, or one pixel."""


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
