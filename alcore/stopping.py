"""When to stop asking: criteria over arrays, each with its number, its threshold and a sentence of advice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from alcore.acquisition import entropy
from alcore.errors import InvalidInput
from alcore.metrics import mean_dice_per_class
from alcore.strategies.blocks import blocks

Stability = Literal["kappa_stability", "dice_stability"]
STABLE_FROM: Mapping[Stability, float] = MappingProxyType({"kappa_stability": 0.99, "dice_stability": 0.98})
_MEASURES: Mapping[Stability, str] = MappingProxyType(
    {"kappa_stability": "mean kappa", "dice_stability": "mean Dice of consecutive heads"}
)

_EXPONENTS = np.geomspace(0.05, 3, 60)
_SECONDS_A_MINUTE = 60.0
_CENTRES_AT_ONCE = 1024


@dataclass(frozen=True, kw_only=True)
class StoppingCheck:
    """One criterion and what it says."""

    name: str
    value: float
    threshold: float
    is_met: bool
    """True where the criterion speaks for stopping."""
    advice: str
    interval: tuple[float, float] | None = None
    """95 % interval of the value, where it has one."""


def kappa_stability(
    predictions: Int[np.ndarray, "r n"], *, threshold: float = STABLE_FROM["kappa_stability"], window: int = 3
) -> StoppingCheck:
    """Check whether consecutive heads agree on a fixed set.

    Args:
        predictions: class of each of n items by the head of each of r rounds, oldest first.
        threshold: mean kappa from which on predictions count as stable.
        window: agreements that are averaged; it takes window + 1 rounds.

    Raises:
        InvalidInput: no item, or `window` below 1.

    Source: Bloodgood & Vijay-Shanker 2009 (CoNLL), stabilising predictions: mean Cohen kappa of consecutive models of
    at least 0.99 over 3. Their stop set should be large and never labeled. With fewer rounds the value is the mean so
    far (0 with one round), and the criterion is not met. O(r·n).
    """
    kappas = [cohen_kappa(a, b) for a, b in pairwise(predictions[-(window + 1) :])]
    return stability("kappa_stability", kappas, threshold=threshold, window=window)


def cohen_kappa(a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]) -> float:
    """Return Cohen's kappa, agreement beyond chance; 1 where both name one and the same class for all.

    Source: Cohen 1960. O(n). scikit-learn gives NaN where both are constant.
    """
    if a.shape != b.shape or a.size == 0:
        raise InvalidInput(f"need two vectors of one length, at least 1; got {a.shape} and {b.shape}")
    classes, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    first, second = codes[: len(a)], codes[len(a) :]
    shares = [np.bincount(c, minlength=len(classes)) / len(a) for c in (first, second)]
    by_chance = float(shares[0] @ shares[1])
    agreed = float((first == second).mean())
    return 1.0 if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)


def dice_stability(
    masks: Sequence[Int[np.ndarray, "n h w"]],
    n_classes: int,
    *,
    threshold: float = STABLE_FROM["dice_stability"],
    window: int = 3,
) -> StoppingCheck:
    """Check whether consecutive heads draw the same masks on a fixed set.

    Args:
        masks: label ids (0 = background) of n images by the head of each round, oldest first.
        n_classes: ids, background included.
        threshold: mean Dice from which on masks count as stable.
        window: agreements that are averaged; it takes window + 1 rounds.

    Own counterpart of `kappa_stability` for masks: the mean over foreground classes of the Dice between consecutive
    heads (`alcore.metrics.mean_dice_per_class`; 1 where neither shows any). The threshold is ours. O(r·n·h·w).
    """
    values = [mask_agreement(before, after, n_classes) for before, after in pairwise(masks[-(window + 1) :])]
    return stability("dice_stability", values, threshold=threshold, window=window)


def mask_agreement(before: Int[np.ndarray, "n h w"], after: Int[np.ndarray, "n h w"], n_classes: int) -> float:
    """Return the Dice between the masks of two heads, averaged over foreground classes; 1 where neither shows any."""
    per_class = mean_dice_per_class(after, before, n_classes)
    return 1.0 if np.isnan(per_class).all() else float(np.nanmean(per_class))


def overall_uncertainty(probabilities: Float[np.ndarray, "n c"], *, threshold: float = 0.05) -> StoppingCheck:
    """Check whether the head is sure about what is unlabeled.

    Args:
        probabilities: class probabilities of the unlabeled items, at least two classes.
        threshold: mean entropy, as a part of ln c, below which the pool holds little more to learn.

    Source: Zhu, Wang & Hovy 2008 (COLING), overall uncertainty, with the entropy divided by its maximum. A head can be
    sure and wrong: check its calibration. The threshold is ours. O(n·c).
    """
    if probabilities.shape[0] == 0 or probabilities.shape[1] < 2:
        raise InvalidInput(f"need at least one item and two classes; got {probabilities.shape}")
    value = float(entropy(probabilities).mean() / np.log(probabilities.shape[1]))
    is_met = value < threshold
    advice = "the head is sure of nearly all that is left" if is_met else "the head is still unsure of what is left"
    return StoppingCheck(
        name="overall_uncertainty", value=value, threshold=threshold, is_met=is_met, advice=f"{advice}: {value:.3f}"
    )


def classification_change(
    before: Int[np.ndarray, " n"], after: Int[np.ndarray, " n"], *, threshold: float = 0.0
) -> StoppingCheck:
    """Check whether the last round changed any prediction.

    Args:
        before: class of each unlabeled item by the previous head.
        after: by this one.
        threshold: share of changed items up to which nothing counts as changed.

    Source: Zhu, Wang & Hovy 2008 (COLING), classification change, over the items unlabeled in both rounds. O(n).
    """
    if before.shape != after.shape or before.size == 0:
        raise InvalidInput(f"need two vectors of one length, at least 1; got {before.shape} and {after.shape}")
    value = float((before != after).mean())
    is_met = value <= threshold
    advice = f"the last labels changed {value:.1%} of the predictions" + (": they add nothing" if is_met else "")
    return StoppingCheck(name="classification_change", value=value, threshold=threshold, is_met=is_met, advice=advice)


def seconds_budget(spent_s: float, budget_s: float) -> StoppingCheck:
    """Check whether the annotators' time is used up; both in seconds, the budget above 0."""
    if not (budget_s > 0 and spent_s >= 0):
        raise InvalidInput(f"need spent_s >= 0 and budget_s > 0; got {spent_s} and {budget_s}")
    is_met = spent_s >= budget_s
    left = (budget_s - spent_s) / _SECONDS_A_MINUTE
    advice = "the time budget is used up" if is_met else f"{left:.0f} minutes of the budget are left"
    return StoppingCheck(name="seconds_budget", value=spent_s, threshold=budget_s, is_met=is_met, advice=advice)


def marginal_gain(
    seconds: Float[np.ndarray, " r"],
    values: Float[np.ndarray, " r"],
    *,
    threshold: float,
    horizon_s: float = 600.0,
    n_resamples: int = 500,
    rng: np.random.Generator,
) -> StoppingCheck:
    """Estimate what another minute of annotation brings.

    Args:
        seconds: annotator seconds spent at each point of the learning curve, rising and above 0; four or more.
        values: quality there, higher = better.
        threshold: gain a minute below which more labels are not worth their time.
        horizon_s: how far ahead the curve is read; the gain is the mean over this span.
        n_resamples: bootstrap curves.
        rng: of the bootstrap.

    Returns:
        The gain a minute with its 95 % interval. Met where even the upper end lies below the threshold.

    Raises:
        InvalidInput: fewer than four points, numbers that are not finite, or seconds that do not rise.

    Own construction: least squares of value = a - b·seconds^(-k) with b >= 0 over a grid of k in 0.05..3 (learning
    curves as power laws: Cortes et al. 1993, NeurIPS), residuals resampled and the law fitted again. The interval
    holds for the law, not for what the law does not know. O(n_resamples·60·r).
    """
    x, y = np.asarray(seconds, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.shape != y.shape or len(x) < 4 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InvalidInput(f"need four points or more, all finite; got {x.shape} and {y.shape}")
    if not (x[0] > 0 and (np.diff(x) > 0).all() and horizon_s > 0):
        raise InvalidInput("seconds must be above 0 and rise from point to point, and horizon_s must be above 0")
    fitted, gain = fit_power_law(x, y[None], horizon_s=horizon_s)
    residuals = (y - fitted[0]) * np.sqrt(len(x) / (len(x) - 3))  # three numbers were fitted
    curves = fitted[0] + residuals[rng.integers(len(x), size=(n_resamples, len(x)))]
    gains = fit_power_law(x, curves, horizon_s=horizon_s)[1]
    low, high = np.percentile(gains, [2.5, 97.5]).tolist()
    is_met = high < threshold
    advice = f"another minute brings {gain[0]:+.5f} ({low:+.5f} to {high:+.5f})"
    advice += ": below what it is worth to you" if is_met else ""
    return StoppingCheck(
        name="marginal_gain",
        value=float(gain[0]),
        threshold=threshold,
        is_met=bool(is_met),
        advice=advice,
        interval=(low, high),
    )


def fit_power_law(
    seconds: Float64[np.ndarray, " r"], curves: Float64[np.ndarray, "m r"], *, horizon_s: float
) -> tuple[Float64[np.ndarray, "m r"], Float64[np.ndarray, " m"]]:
    """Fit a - b·seconds^(-k), b >= 0, to each curve; return fitted values and the gain a minute over the horizon."""
    relative = seconds / seconds[-1]
    best = np.full(len(curves), np.inf)
    fitted = np.empty_like(curves)
    gain = np.zeros(len(curves))
    centred = curves - curves.mean(axis=1, keepdims=True)
    for k in _EXPONENTS:
        basis = -(relative**-k)
        centred_basis = basis - basis.mean()
        slope = np.maximum(centred @ centred_basis / (centred_basis @ centred_basis), 0)
        model = curves.mean(axis=1, keepdims=True) + slope[:, None] * centred_basis
        error = ((curves - model) ** 2).sum(axis=1)
        better = error < best
        best[better], fitted[better] = error[better], model[better]
        ahead = 1 - (1 + horizon_s / seconds[-1]) ** -k
        gain[better] = slope[better] * ahead * _SECONDS_A_MINUTE / horizon_s
    return fitted, gain


def pool_coverage(
    embeddings: Float[np.ndarray, "n d"],
    labeled: Bool[np.ndarray, " n"],
    *,
    radius: float,
    threshold: float = 0.95,
) -> StoppingCheck:
    """Check which share of the pool lies near a labeled item.

    Args:
        embeddings: one row per item, float16 and memory-mapped files included.
        labeled: True where the oracle has answered.
        radius: plain Euclidean distance that counts as near, at least 0.
        threshold: share from which on the pool is covered.

    Own criterion on the coverage of Yehuda et al. 2022 (NeurIPS), ProbCover. O(n·l·d) in blocks, O(n) memory.
    """
    if not radius >= 0:
        raise InvalidInput(f"radius must be >= 0; got {radius}")
    if len(labeled) == 0:
        raise InvalidInput("an empty pool has no coverage")
    centres = np.asarray(embeddings[np.flatnonzero(labeled)], dtype=np.float32)
    squares = np.einsum("ld,ld->l", centres, centres)
    n_covered = 0
    for place, block in blocks(embeddings):
        nearest = np.where(labeled[place], -np.inf, np.inf)  # a labeled item covers itself, whatever the rounding
        for start in range(0, len(centres), _CENTRES_AT_ONCE):
            part = slice(start, start + _CENTRES_AT_ONCE)
            np.minimum(nearest, (squares[part] - 2 * (block @ centres[part].T)).min(axis=1), out=nearest)
        n_covered += int((nearest + np.einsum("nd,nd->n", block, block) <= radius**2).sum())
    found = coverage_check(n_covered / len(labeled), threshold=threshold)
    return replace(found, advice=f"{found.value:.0%} of the pool lie within {radius:g} of a labeled item")


def coverage_check(value: float, *, threshold: float = 0.95) -> StoppingCheck:
    """Compare the covered share of a pool, 0..1, with the threshold."""
    advice = f"{value:.0%} of the pool lie near a labeled item"
    return StoppingCheck(
        name="pool_coverage", value=value, threshold=threshold, is_met=value >= threshold, advice=advice
    )


def stability(
    name: Stability, agreements: Sequence[float], *, threshold: float | None = None, window: int = 3
) -> StoppingCheck:
    """Compare the agreement of consecutive heads, measured one pair at a time, with a threshold.

    Args:
        name: `kappa_stability` or `dice_stability`, the criterion that it is part of.
        agreements: of each pair of consecutive heads, oldest first.
        threshold: mean from which on predictions count as stable; by default that of `STABLE_FROM`.
        window: agreements that are averaged.
    """
    if window < 1:
        raise InvalidInput(f"window must be >= 1; got {window}")
    least = STABLE_FROM[name] if threshold is None else threshold
    last = agreements[-window:]
    value = float(np.mean(last)) if last else 0.0
    is_met = len(last) >= window and value >= least
    if len(last) < window:
        advice = f"too early: {len(last)} of {window} comparisons of consecutive heads"
    elif is_met:
        advice = f"predictions are stable: {_MEASURES[name]} {value:.3f} over {window}; new labels hardly move the head"
    else:
        advice = f"predictions still move: {_MEASURES[name]} {value:.3f} over {window}"
    return StoppingCheck(name=name, value=value, threshold=least, is_met=is_met, advice=advice)
