"""From the signs of a mask's quality to its expected Dice, learned from masks whose outcome is known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.optimize import minimize

from prompts.errors import InvalidPrompt
from prompts.quality import border_contrast, certainty, prompt_compliance, stability_score
from prompts.types import MaskPrediction, Prompt

MIN_FITTED = 20
"""Fewer known masks say less than the fixed formula."""
RIDGE = 1.0
_EDGE = 0.02
"""Signals are cut to this far from 0 and 1 before their log-odds are taken."""


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What can be said of one mask without ground truth; each from 0 to 1, higher is better."""

    stability: float
    predicted_iou: float
    compliance: float
    certainty: float
    border_contrast: float
    jitter_dice: float
    head_dice: float | None = None
    """Agreement with a task head that has not seen this image's label; None where there is no head."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not 0 <= value <= 1:
                raise InvalidPrompt(f"the signal {name} must be from 0 to 1; got {value}")


SIGNALS: tuple[str, ...] = tuple(field.name for field in fields(Signals))


def signals_of(
    prediction: MaskPrediction,
    prompt: Prompt,
    image: UInt8[np.ndarray, "h w 3"],
    *,
    jitter_dice: float,
    head_dice: float | None = None,
) -> Signals:
    """Gather the signals of the chosen mask of a prediction on an image."""
    logits = prediction.low_res_logits[prediction.chosen]
    return Signals(
        stability=stability_score(logits),
        predicted_iou=float(np.clip(prediction.predicted_iou[prediction.chosen], 0.0, 1.0)),
        compliance=prompt_compliance(prediction.mask, prompt),
        certainty=certainty(logits),
        border_contrast=border_contrast(image, prediction.mask),
        jitter_dice=jitter_dice,
        head_dice=head_dice,
    )


def fixed_quality(signals: Signals) -> float:
    """Return compliance · (stability + predicted IoU) / 2, as `mask_quality` does before anything is known."""
    return signals.compliance * (signals.stability + signals.predicted_iou) / 2


@dataclass(frozen=True, kw_only=True)
class Calibrator:
    """Expected Dice as a logistic function of the signals' log-odds, never falling in any of them."""

    names: tuple[str, ...]
    """The signals that it looks at, in the order of `weights`."""
    weights: Float[np.ndarray, " f"]
    intercept: float
    n_fitted: int

    def quality(self, found: Sequence[Signals]) -> Float[np.ndarray, " n"]:
        """Return the expected Dice of masks, 0 to 1."""
        return _logistic(_log_odds(_matrix(found, self.names)) @ self.weights + self.intercept)


def fit_calibrator(found: Sequence[Signals], true_dice: Float[np.ndarray, " n"]) -> Calibrator:
    """Learn what the signals are worth.

    Args:
        found: signals of at least `MIN_FITTED` masks; `head_dice` is used where all of them have it.
        true_dice: Dice of each with what a person made of it, 0 to 1.

    Raises:
        InvalidPrompt: too few masks, or a Dice that is missing or out of range.

    Source: logistic regression on a share, Papke & Wooldridge 1996 (J. Appl. Econometrics 11:619), by quasi-maximum
    likelihood, with a ridge of `RIDGE` and weights bound to be >= 0, which are ours: a sign of quality that counts
    against it in twenty masks does so by chance. O(n·f) an iteration of L-BFGS-B.
    """
    if len(found) < MIN_FITTED or len(true_dice) != len(found) or not ((true_dice >= 0) & (true_dice <= 1)).all():
        raise InvalidPrompt(
            f"calibration needs signals and Dice (0 to 1) of at least {MIN_FITTED} masks; got {len(found)} and "
            f"{len(true_dice)}; use fixed_quality until then"
        )
    names = tuple(name for name in SIGNALS if all(getattr(one, name) is not None for one in found))
    odds = _log_odds(_matrix(found, names))
    mean, spread = odds.mean(axis=0), odds.std(axis=0).clip(min=1e-6)
    scaled = (odds - mean) / spread

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        z = scaled @ theta[1:] + theta[0]
        missed = _logistic(z) - true_dice
        value = np.mean(np.logaddexp(0, z) - true_dice * z) + RIDGE / len(z) * (theta[1:] ** 2).sum() / 2
        slope = scaled.T @ missed / len(z) + RIDGE / len(z) * theta[1:]
        return float(value), np.concatenate([[missed.mean()], slope])

    bounds = [(-10.0, 10.0)] + [(0.0, None)] * len(names)
    theta = minimize(loss, np.zeros(1 + len(names)), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = theta[1:] / spread
    return Calibrator(names=names, weights=weights, intercept=float(theta[0] - weights @ mean), n_fitted=len(found))


def out_of_fold_quality(
    found: Sequence[Signals], true_dice: Float[np.ndarray, " n"], folds: Sequence[Int[np.ndarray, " _"]]
) -> Float[np.ndarray, " n"]:
    """Return each mask's quality by a calibrator that did not see its fold; the fixed formula's where too few are left.

    Args:
        found: signals of all masks.
        true_dice: their Dice.
        folds: rows of each fold, every row in one.
    """
    quality = np.full(len(found), np.nan)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(found)), fold)
        judged = [found[row] for row in fold]
        if len(rest) >= MIN_FITTED:
            quality[fold] = fit_calibrator([found[row] for row in rest], true_dice[rest]).quality(judged)
        else:
            quality[fold] = [fixed_quality(one) for one in judged]
    if np.isnan(quality).any():
        raise InvalidPrompt(f"{int(np.isnan(quality).sum())} of {len(found)} masks are in no fold; put each in one")
    return quality


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well a quality tells the true Dice."""

    spearman: float | None
    """Rank correlation; None where one of the two is the same for all masks."""
    mean_error: float
    """Mean of |quality - Dice|."""
    n: int


def fit_of(quality: Float[np.ndarray, " n"], true_dice: Float[np.ndarray, " n"]) -> Fit:
    """Compare qualities with the truth.

    Raises:
        InvalidPrompt: there is no mask.
    """
    from scipy.stats import spearmanr

    if not len(quality):
        raise InvalidPrompt("there is no mask to compare quality and Dice on; give at least one")
    varies = len(quality) > 1 and np.ptp(quality) > 0 and np.ptp(true_dice) > 0
    return Fit(
        spearman=float(spearmanr(quality, true_dice).statistic) if varies else None,
        mean_error=float(np.abs(quality - true_dice).mean()),
        n=len(quality),
    )


def _matrix(found: Sequence[Signals], names: Sequence[str]) -> np.ndarray:
    """Signals as rows, those of `names` as columns."""
    return np.array([[getattr(one, name) for name in names] for one in found], dtype=np.float64).reshape(-1, len(names))


def _log_odds(values: np.ndarray) -> np.ndarray:
    cut = np.clip(values, _EDGE, 1 - _EDGE)
    return np.log(cut / (1 - cut))


def _logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))
