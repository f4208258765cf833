"""What a committee says instead of a doubtful pseudo-mask, and of images that nobody has labeled."""

import numpy as np
from jaxtyping import Bool, Float, UInt8

from alcore.errors import InvalidInput
from alcore.weak.targets import IGNORE_LABEL

MIN_CONFIDENCE = 0.9
MAX_QUALITY = 0.7
"""Masks of a lower quality are doubtful."""


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
        doubtful: where not to trust it, such as the surroundings of masks below `MAX_QUALITY`; False under a person's
            strokes and exact masks.
        committee: class probabilities of members that have not seen this image's label: one that has repeats it.
        min_confidence: see `confident_labels`.

    Source: the one relabeling pass that METHODS.md 5.3 proposes, after the mean teacher of noisy-label learning; a
    committee that left the image out stands for the moving average.
    """
    return np.where(doubtful, confident_labels(committee, min_confidence=min_confidence), target)
