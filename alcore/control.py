"""Whether choosing pays: heads trained on chosen items against heads trained on as many that were drawn at random."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int64, Shaped

from alcore.errors import InvalidInput
from alcore.metrics import class_mean, resampled_means
from alcore.rounds import audit_is_enough

Verdict = Literal["pays", "undecided", "costs"]
MIN_CONTROL = 16
"""Fewer control items make halves of fewer than 8, from which a head learns next to nothing."""


@dataclass(frozen=True, kw_only=True)
class Halves:
    """Equally many items of each arm, drawn again and again: rows of the labeled items."""

    strategy: Int64[np.ndarray, "r m"]
    control: Int64[np.ndarray, "r m"]


@dataclass(frozen=True, kw_only=True)
class ArmComparison:
    """How much better heads are that learned from chosen items."""

    strategy: float
    """Mean value of the heads trained on items that the strategy chose."""
    control: float
    """Mean value of the heads trained on as many random ones."""
    difference: float
    """The first less the second; above 0 where choosing pays."""
    interval: tuple[float, float]
    """95 % interval of the difference."""

    @property
    def verdict(self) -> Verdict:
        """What the interval allows to say."""
        return verdict_of(self.interval)


def verdict_of(interval: tuple[float, float]) -> Verdict:
    """Say whether choosing pays, by the interval of the difference; `undecided` where it holds 0."""
    if interval[0] > 0:
        return "pays"
    return "costs" if interval[1] < 0 else "undecided"


def what_lacks(n_strategy: int, n_control: int, n_audit: int, n_audit_groups: int, *, min_audit: int) -> str:
    """Say what a comparison still needs, in words; nothing where it can be made. Counts are labeled items."""
    wants = []
    if n_control < MIN_CONTROL:
        wants.append(f"{n_control} of {MIN_CONTROL} control images are labeled")
    elif n_strategy < n_control // 2:
        wants.append(f"{n_strategy} of {n_control // 2} chosen images are labeled")
    if not audit_is_enough(n_audit, n_audit_groups, min_items=min_audit):
        wants.append(f"{n_audit} of {min_audit} audit images are labeled, of {n_audit_groups} patients")
    return "; ".join(wants)


def draw_halves(
    strategy: Int64[np.ndarray, " s"],
    control: Int64[np.ndarray, " k"],
    *,
    n_draws: int,
    rng: np.random.Generator,
    min_control: int = MIN_CONTROL,
) -> Halves:
    """Draw, `n_draws` times, half of the control items and as many of the strategy's.

    Args:
        strategy: rows of the labeled items that a strategy chose.
        control: rows of the labeled items that were drawn at random.
        n_draws: repetitions; each costs one head an arm.
        rng: the only source of chance.
        min_control: control items that it takes at least.

    Returns:
        Distinct rows in each repetition, `len(control) // 2` of each arm.

    Raises:
        InvalidInput: an arm has too few items, or a number is out of range.

    Source: half-sampling (McCarthy 1969, Rev. Int. Stat. Inst. 37): half of a sample, drawn without putting back,
    strays from the whole as the whole does from the population, so the spread over draws is the error of one sample,
    and no item counts twice in a training. What is compared are heads of half the control arm's labels.
    """
    if n_draws < 1 or min_control < 2:
        raise InvalidInput(f"need n_draws >= 1 and min_control >= 2; got {n_draws} and {min_control}")
    if len(control) < min_control or len(strategy) < len(control) // 2:
        raise InvalidInput(
            f"a comparison needs {min_control} labeled control items, and half as many that a strategy chose; "
            f"got {len(control)} and {len(strategy)}"
        )
    half = len(control) // 2

    def draws(rows: Int64[np.ndarray, " any"]) -> Int64[np.ndarray, "r m"]:
        return np.stack([np.sort(rng.choice(rows, size=half, replace=False)) for _ in range(n_draws)])

    return Halves(strategy=draws(strategy), control=draws(control))


def compare_arms(
    strategy: Float[np.ndarray, "r t"],
    control: Float[np.ndarray, "r t"],
    groups: Shaped[np.ndarray, " t"],
    classes: Int64[np.ndarray, " t"],
    *,
    rng: np.random.Generator,
    n_resamples: int = 2000,
) -> ArmComparison:
    """Compare heads of both arms on the same t items, which none of them was trained on.

    Args:
        strategy: goodness of each item, for the head of each of r draws; higher = better.
        control: likewise of the control arm.
        groups: patient of each item.
        classes: of each item; the value of a head is the mean over classes. All 0 for a plain mean.
        rng: of the bootstrap.
        n_resamples: bootstrap samples.

    Raises:
        InvalidInput: shapes differ, nothing to compare, or a number is not finite.

    Own construction. A bootstrap sample draws patients; of the control arm one head, as only one such sample was ever
    drawn; of the strategy's the mean over heads drawn anew, as there are more items to draw halves from. The interval
    holds for the items asked so far: control items are drawn from what is left of the pool, which is all but the whole
    pool as long as most of it is unasked. O(n_resamples·r·t).
    """
    if strategy.shape != control.shape or strategy.size == 0 or not len(groups) == len(classes) == strategy.shape[1]:
        raise InvalidInput(
            f"need as many heads and items in both arms, at least one; got {strategy.shape}, {control.shape}, "
            f"{len(groups)} groups and {len(classes)} classes"
        )
    values = np.concatenate([strategy, control]).astype(np.float64)
    if not np.isfinite(values).all():
        raise InvalidInput("values must be finite; leave out the items that say nothing")
    n_draws = len(strategy)
    means = resampled_means(values, groups, classes, rng, n_resamples)
    heads = rng.integers(n_draws, size=(n_resamples, n_draws))
    chosen = np.take_along_axis(means[:, :n_draws], heads, axis=1).mean(axis=1)
    random = means[np.arange(n_resamples), n_draws + rng.integers(n_draws, size=n_resamples)]
    low, high = np.percentile(chosen - random, [2.5, 97.5]).tolist()
    ours, theirs = (float(np.mean([class_mean(row, classes) for row in part])) for part in np.split(values, 2))
    return ArmComparison(strategy=ours, control=theirs, difference=ours - theirs, interval=(low, high))
