"""What a committee says instead of a doubtful pseudo-mask, and of images that nobody has labeled."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8

from alcore.errors import InvalidInput
from alcore.weak.targets import IGNORE_LABEL, WeakObject, ignore_band

MIN_CONFIDENCE = 0.9
MAX_QUALITY = 0.7
"""Masks of a lower quality are doubtful."""
DOUBTFUL_RIM_PX = 2
"""So is the background next to them."""


def confident_labels(
    committee: Float[np.ndarray, "s k h w"], *, min_confidence: float = MIN_CONFIDENCE
) -> UInt8[np.ndarray, "h w"]:
    """Return the most likely class where the committee is sure of it, 255 elsewhere.

    Args:
        committee: class probabilities of each member for one image, background first.
        min_confidence: the members' mean probability of the class must reach it, and all must prefer this class.

    Raises:
        InvalidInput: the confidence is not in (0, 1].

    Source: confident pseudo-labels as in FixMatch (Sohn et al. 2020, arXiv:2001.07685, equation 4), of a committee's
    mean, with members that must agree; the head's ordinary augmentation stands for the strong one.
    """
    if not 0 < min_confidence <= 1:
        raise InvalidInput(f"min_confidence must be above 0 and at most 1; got {min_confidence}")
    mean = committee.mean(axis=0)
    chosen = mean.argmax(axis=0)
    agreed = (committee.argmax(axis=1) == chosen).all(axis=0)
    sure = agreed & (mean.max(axis=0) >= min_confidence)
    return np.where(sure, chosen, IGNORE_LABEL).astype(np.uint8)


def doubtful_pixels(objects: Sequence[WeakObject], side: int) -> Bool[np.ndarray, "side side"]:
    """Return where an image's target rests on masks below `MAX_QUALITY`: they, and a rim around them.

    Exact masks and strokes of a person are never doubtful.
    """
    doubtful = np.zeros((side, side), bool)
    for one in objects:
        if not one.is_exact and one.quality < MAX_QUALITY:
            doubtful |= one.mask | ignore_band(one.mask, DOUBTFUL_RIM_PX)
    for one in objects:
        if one.is_exact:
            doubtful &= ~one.mask
        elif one.strokes is not None:
            doubtful &= ~one.strokes
    return doubtful


def relabel(
    target: UInt8[np.ndarray, "h w"],
    doubtful: Bool[np.ndarray, "h w"],
    committee: Float[np.ndarray, "s k h w"],
    *,
    min_confidence: float = MIN_CONFIDENCE,
) -> UInt8[np.ndarray, "h w"]:
    """Replace the doubtful pixels of a target by what a committee is sure of; leave the others of them out.

    Args:
        target: label ids, 255 = left out.
        doubtful: where not to trust it, see `doubtful_pixels`.
        committee: class probabilities of members that have not seen this image's label: one that has repeats it.
        min_confidence: see `confident_labels`.

    Source: ours, one relabeling pass after the mean teacher of noisy-label learning (Tarvainen & Valpola 2017); a
    committee that left the image out stands for the moving average.
    """
    return np.where(doubtful, confident_labels(committee, min_confidence=min_confidence), target)
