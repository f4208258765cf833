"""Images that nobody has labeled, with what a committee is sure of, and whether learning from them pays."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from alcore.errors import InvalidInput
from alcore.weak.relabel import MIN_CONFIDENCE, confident_labels

UNLABELED_WEIGHT = 0.5
"""What a pixel that a committee labeled counts, beside 1 of a person's."""
MIN_COMPARED = 8


def unlabeled_targets(
    committee: Float[np.ndarray, "s n k h w"],
    *,
    min_confidence: float = MIN_CONFIDENCE,
    weight: float = UNLABELED_WEIGHT,
) -> tuple[UInt8[np.ndarray, "n h w"], Float32[np.ndarray, "n h w"]]:
    """Label the pixels of unlabeled images that a committee is sure of.

    Args:
        committee: class probabilities of each member for n images, background first.
        min_confidence: see `confident_labels`.
        weight: of each pixel, above 0 and at most 1.

    Returns:
        Label ids, 255 where the committee is not sure, and pixel weights.

    Source: pseudo-labels, Lee 2013 (ICML workshop), made once and kept for one training from scratch, instead of
    renewed at each step as in FixMatch (arXiv:2001.07685).
    """
    if not 0 < weight <= 1:
        raise InvalidInput(f"weight must be above 0 and at most 1; got {weight}")
    targets = [confident_labels(committee[:, i], min_confidence=min_confidence) for i in range(committee.shape[1])]
    stacked = np.array(targets, np.uint8).reshape(committee.shape[1], *committee.shape[3:])
    return stacked, np.full(stacked.shape, weight, np.float32)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a second way of training is kept."""

    keeps: bool
    gain: float
    """Mean difference of the items' values; 0 where none could be compared."""
    n: int
    """Items that both ways were measured on."""


def keep_if_better(before: Float[np.ndarray, " n"], after: Float[np.ndarray, " n"]) -> Verdict:
    """Decide by values out of fold: the second way is kept where its mean is above the first by a standard error.

    Args:
        before: value of each labeled item by a head that did not see it, trained the first way; NaN where unmeasured.
        after: the same items by heads of the same folds, trained the second way.

    Returns:
        Never kept on fewer than `MIN_COMPARED` items.

    Source: the one-standard-error rule of Breiman et al. 1984 on paired differences.
    """
    both = ~np.isnan(before) & ~np.isnan(after)
    gains = after[both] - before[both]
    if not len(gains):
        return Verdict(keeps=False, gain=0.0, n=0)
    error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else np.inf
    gain = float(gains.mean())
    return Verdict(keeps=len(gains) >= MIN_COMPARED and gain > error, gain=gain, n=len(gains))
