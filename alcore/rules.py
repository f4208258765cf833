"""Rules for which kind of strategy suits the labels so far: pure functions over measured numbers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from alcore.errors import InvalidInput

Regime = Literal["low", "high", "undecided"]


@dataclass(frozen=True, kw_only=True)
class SwitchAdvice:
    """Whether uncertainty can be trusted yet."""

    is_ready: bool
    """True where every condition holds: go on by uncertainty."""
    lacking: tuple[str, ...]
    """What does not hold yet, one sentence a condition."""
    advice: str


def switch_to_uncertainty(
    labels_per_class: Int[np.ndarray, " c"],
    score: float,
    *,
    chance: float,
    ece: float,
    min_labels: int = 3,
    min_gain: float = 0.1,
    max_ece: float = 0.15,
) -> SwitchAdvice:
    """Say whether to go on from representative to uncertain items.

    Args:
        labels_per_class: labels so far of each known class.
        score: cross-validated quality of the head, higher = better: balanced accuracy, or mean Dice.
        chance: that of guessing: 1/c for balanced accuracy; 0.2 with the default gain asks for a Dice above 0.3.
        ece: expected calibration error on the held-out folds after temperature scaling, 0..1.
        min_labels: every class needs at least as many.
        min_gain: the score must be above chance by more than this.
        max_ece: the calibration error must be below this.

    Raises:
        InvalidInput: there is no class, or a number is not finite.

    Own rule from published parts: every class is there, as in the start rule of nnActive (TMLR 2025); the head beats
    guessing; its probabilities mean something (Guo et al. 2017). Its thresholds are ours, and no study backs them.
    """
    if len(labels_per_class) == 0 or not np.isfinite([score, chance, ece]).all():
        raise InvalidInput(f"need at least one class and finite numbers; got score={score}, chance={chance}, ece={ece}")
    lacking = []
    rarest = int(np.min(labels_per_class))
    if rarest < min_labels:
        lacking.append(f"class {int(np.argmin(labels_per_class))} has {rarest} label(s) of {min_labels}")
    if not score > chance + min_gain:
        lacking.append(f"the head scores {score:.2f}, not above {chance + min_gain:.2f}")
    if not ece < max_ece:
        lacking.append(f"its calibration error is {ece:.2f}, not below {max_ece:.2f}")
    advice = "ask what is uncertain" if not lacking else f"go on with representative items: {'; '.join(lacking)}"
    return SwitchAdvice(is_ready=not lacking, lacking=tuple(lacking), advice=advice)


@dataclass(frozen=True, kw_only=True)
class RemovalVerdict:
    """Which kind of labeled items the head can spare least."""

    regime: Regime
    damage: dict[str, float]
    """Mean loss of quality when items of each kind are removed, beyond removing random ones."""
    advice: str


def removal_test(
    without_random: Float[np.ndarray, " a"],
    without_typical: Float[np.ndarray, " b"],
    without_uncertain: Float[np.ndarray, " r"],
    *,
    n_errors: float = 1.0,
) -> RemovalVerdict:
    """Tell the low-budget from the high-budget regime by what removing a few labels does.

    Args:
        without_random: quality (higher = better) of heads retrained without a random small part of the labels, one
            value a repetition.
        without_typical: likewise without as many typical ones, of a strategy for low budgets.
        without_uncertain: likewise without as many uncertain ones, of a strategy for high budgets.
        n_errors: standard errors by which a difference must stand out.

    Returns:
        `low` where removing typical labels hurts most: ask for typical items; `high` where removing uncertain ones
        does: ask for uncertain items; `undecided` where neither stands out: draw at random, or mix.

    Raises:
        InvalidInput: a group is empty or not finite.

    Source: Hacohen & Weinshall 2023 (NeurIPS), SelectAL's derivative test: the strategy whose removed set costs most
    is the one to use, random counting as a third. Departure: a difference must exceed `n_errors` standard errors
    (Welch; 0 where each has one repetition), where the authors compare means.
    """
    groups = {"random": without_random, "typical": without_typical, "uncertain": without_uncertain}
    for name, values in groups.items():
        if len(values) == 0 or not np.isfinite(values).all():
            raise InvalidInput(f"without_{name} must hold at least one finite value; got {values}")
    means = {name: float(np.mean(values)) for name, values in groups.items()}
    errors = {name: float(np.var(v, ddof=1) / len(v)) if len(v) > 1 else 0.0 for name, v in groups.items()}
    worst, second = sorted(means, key=lambda name: means[name])[:2]
    stands_out = means[second] - means[worst] > n_errors * np.sqrt(errors[worst] + errors[second])
    damage = {name: means["random"] - means[name] for name in ("typical", "uncertain")}
    if stands_out and worst == "typical":
        return RemovalVerdict(regime="low", damage=damage, advice="typical labels matter most: ask for typical items")
    if stands_out and worst == "uncertain":
        return RemovalVerdict(
            regime="high", damage=damage, advice="uncertain labels matter most: ask for uncertain items"
        )
    return RemovalVerdict(regime="undecided", damage=damage, advice="no kind stands out: draw at random, or mix")
