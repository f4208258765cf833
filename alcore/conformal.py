"""What a new answer is worth at least, with a promised probability, learned from answers whose worth was measured.

`expected_dice` gives masks the confidence that such a bound begins with.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from alcore.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class LowerBound:
    """A one-sided split-conformal bound: value >= confidence - margin, with probability >= 1 - `error_rate`."""

    margin: float
    """How much less than its confidence an answer may be worth; infinite where there were too few answers to say."""
    error_rate: float
    n: int
    """Answers that it was learned from."""

    def at(self, confidence: Float[np.ndarray, "*items"]) -> Float64[np.ndarray, "*items"]:
        """Give the lower bound of the value at each confidence, cut to 0..1; 0 where nothing can be promised."""
        return np.asarray(np.clip(confidence.astype(np.float64) - self.margin, 0.0, 1.0))

    def accepts(self, confidence: Float[np.ndarray, "*items"], *, at_least: float) -> Bool[np.ndarray, "*items"]:
        """Say which answers are worth `at_least` that much by their bound."""
        return np.asarray(self.at(confidence) >= at_least)


def expected_dice(probabilities: Float[np.ndarray, "k h w"]) -> Float64[np.ndarray, " j"]:
    """Say what Dice a head expects of its own masks.

    Args:
        probabilities: of all k classes at each pixel of one image, background first.

    Returns:
        One number for each of the j = k - 1 foreground classes, 0..1; NaN where the class is most likely at no pixel,
        for then there is no mask.

    Source: soft Dice confidence, Borges et al. 2024 (arXiv:2402.10665): 2·Σ p·m / (Σ p + Σ m) of probabilities p and
    the mask m that they give. Departure: the mask is where the class is the most likely of several instead of above a
    threshold. O(k·h·w).
    """
    chosen = probabilities.argmax(axis=0)
    found = np.full(len(probabilities) - 1, np.nan)
    for class_id in np.setdiff1d(np.unique(chosen), [0]).tolist():
        plane, mask = probabilities[class_id].astype(np.float64), chosen == class_id
        found[class_id - 1] = min(1.0, 2 * plane[mask].sum() / (plane.sum() + mask.sum()))
    return found


def lower_bound(
    confidence: Float[np.ndarray, " n"], value: Float[np.ndarray, "_"], *, error_rate: float = 0.1
) -> LowerBound:
    """Learn how far the value of an answer falls short of its confidence at worst.

    Args:
        confidence: what a model says that each answer is worth, 0..1, such as the mean confidence of a mask's pixels.
        value: what it proved to be worth, 0..1, such as its Dice, each by a head that had not seen the image.
        error_rate: share of new answers that may be worth less than their bound, in (0, 1).

    Returns:
        The bound. Its margin is the k-th smallest of confidence - value, k = ceil((n + 1) · (1 - error_rate)), and
        infinite where k > n: a promise of 90 % needs nine answers.

    Raises:
        InvalidInput: shapes do not match, numbers outside 0..1, or no legal `error_rate`.

    Source: split conformal prediction (Vovk et al. 2005; Lei et al. 2018, arXiv:1604.04173) with the signed residual
    as score, which makes it one-sided. The promise holds on average over sets of answers, if the new one is drawn like
    them (exchangeable): random audits are, items that a strategy chose are not. Out-of-fold values of several
    heads stand in for those of one head on held-out items (cross-conformal, Vovk 2015, whose promise is weaker in
    theory: 1 - 2·error_rate). O(n log n).
    """
    if confidence.shape != value.shape or confidence.ndim != 1:
        raise InvalidInput(f"need one value for each confidence; got {confidence.shape} and {value.shape}")
    if not 0 < error_rate < 1:
        raise InvalidInput(f"error_rate must lie between 0 and 1; got {error_rate}")
    for name, numbers in (("confidence", confidence), ("value", value)):
        if not ((numbers >= 0) & (numbers <= 1)).all():
            raise InvalidInput(f"{name} must lie in 0..1, without NaN; leave out what was not measured")
    n = len(value)
    rank = int(np.ceil((n + 1) * (1 - error_rate) - 1e-9))
    shortfalls = np.sort(confidence.astype(np.float64) - value)
    return LowerBound(margin=float(shortfalls[rank - 1]) if rank <= n else np.inf, error_rate=error_rate, n=n)
