"""Temperature scaling on probabilities, and how to tell whether it helped."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

from alcore.errors import InvalidInput
from alcore.metrics import confidence_bins

TEMPERATURES = np.logspace(-2, 3, 101, base=2.0)
"""From 0.25 to 8, each 3.5 % above the one before."""
_FLOOR = 1e-12


def temper(probabilities: Float[np.ndarray, "*items c"], temperature: float) -> Float64[np.ndarray, "*items c"]:
    """Divide the logits behind probabilities by a temperature.

    Args:
        probabilities: classes on the last axis.
        temperature: above 0; more than 1 makes them modest, less than 1 bold. The likeliest class stays.

    Returns:
        p^(1/T) over its sum, which is softmax(logits / T).

    Raises:
        InvalidInput: the temperature is not above 0.

    Source: Guo et al. 2017, section 4 (arXiv:1706.04599). O(n·c).
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise InvalidInput(f"a temperature must be finite and above 0; got {temperature}")
    logits = np.log(np.maximum(probabilities, _FLOOR).astype(np.float64)) / temperature
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))


def fit_temperature(
    probabilities: Float[np.ndarray, "n c"],
    targets: Int[np.ndarray, "_"],
    *,
    weights: Float[np.ndarray, " n"] | None = None,
) -> float:
    """Find the temperature with the lowest negative log-likelihood, best on predictions that are out of fold.

    Args:
        probabilities: predictions at temperature 1.
        targets: the true classes.
        weights: how much each row counts, >= 0; all alike by default.

    Returns:
        One of `TEMPERATURES`; the log-likelihood has one peak, so a fine grid finds it.

    Raises:
        InvalidInput: there are no rows, or not one target for each.

    Source: Guo et al. 2017, equation 9 (arXiv:1706.04599). O(n·c) a temperature. Departure: a bounded grid, so that
    a handful of lucky rows cannot make the model certain.
    """
    if targets.shape != probabilities.shape[:1] or len(targets) == 0:
        raise InvalidInput(f"need one target a row, at least one; got {probabilities.shape}, {targets.shape}")
    counted = np.ones(len(targets)) if weights is None else weights
    rows = np.arange(len(targets))
    losses = [
        -(counted * np.log(np.maximum(temper(probabilities, float(t))[rows, targets], _FLOOR))).sum()
        for t in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmin(losses))])


def calibrate_across_folds(
    probabilities: Float[np.ndarray, "n c"], targets: Int[np.ndarray, " n"], folds: Sequence[Int[np.ndarray, "_"]]
) -> tuple[float, Float[np.ndarray, "n c"]]:
    """Fit a temperature on out-of-fold predictions, and say honestly what it will be worth on new ones.

    Args:
        probabilities: predictions at temperature 1, each by a model that has not seen the row's fold.
        targets: the true classes.
        folds: rows of each fold; all rows of a group must be in one.

    Returns:
        The temperature that all rows together ask for, and the rows of each fold tempered by what the other folds ask
        for. Where that does not raise their likelihood, 1.0 and the rows as they came.

    Raises:
        InvalidInput: there are fewer than two folds, or they do not hold each row once.

    Source: Guo et al. 2017 (arXiv:1706.04599) on out-of-fold predictions instead of a validation set; the check on
    other folds is ours. O(n·c·folds) a temperature.
    """
    held = np.concatenate([np.zeros(0, np.int64), *folds])
    if len(folds) < 2 or not np.array_equal(np.sort(held), np.arange(len(targets))):
        raise InvalidInput(f"need two folds or more that hold each of {len(targets)} rows once; got {len(folds)}")
    tempered = np.empty(probabilities.shape, dtype=np.float64)
    for fold in folds:
        others = np.setdiff1d(held, fold)
        tempered[fold] = temper(probabilities[fold], fit_temperature(probabilities[others], targets[others]))
    if _log_loss(tempered, targets) >= _log_loss(probabilities, targets):
        return 1.0, probabilities
    return fit_temperature(probabilities, targets), tempered


@dataclass(frozen=True)
class Reliability:
    """Confidence against truth, bin by bin; bins are equal parts of (0, 1] and hold their upper edge."""

    counts: Int[np.ndarray, " b"]
    confidence: Float64[np.ndarray, " b"]
    """Mean confidence of each bin's predictions; NaN in an empty bin."""
    accuracy: Float64[np.ndarray, " b"]
    """The share of them that is right; NaN in an empty bin."""


def reliability(
    probabilities: Float[np.ndarray, "n c"], targets: Int[np.ndarray, " n"], *, n_bins: int = 10
) -> Reliability:
    """Sort predictions by confidence and compare it with how often they are right.

    Args:
        probabilities: predictions, classes on the last axis; the confidence is that of the likeliest class.
        targets: the true classes.
        n_bins: bins of equal width, at least 1.

    Raises:
        InvalidInput: there are no rows, or `n_bins < 1`.

    Source: the reliability diagram of Guo et al. 2017, figure 1 (arXiv:1706.04599). O(n·c). The mean gap of the bins,
    weighted by their counts, is `alcore.metrics.ece` with as many bins.
    """
    if not len(targets) or n_bins < 1:
        raise InvalidInput(f"need one row or more and n_bins >= 1; got {len(targets)} rows and n_bins={n_bins}")
    sure = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == targets
    bins = confidence_bins(sure, n_bins)
    counts = np.bincount(bins, minlength=n_bins)
    size = np.where(counts > 0, counts, np.nan)
    confidence, accuracy = (np.bincount(bins, weights=part, minlength=n_bins) / size for part in (sure, right))
    return Reliability(counts=counts, confidence=confidence, accuracy=accuracy)


def _log_loss(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Mean negative logarithm of the true class's probability."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(targets)), targets], _FLOOR)).mean())
