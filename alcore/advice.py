"""Whether the next batch is worth its time: what the learning curve forecasts, and whether predictions still move."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from alcore.errors import InvalidInput
from alcore.stopping import StoppingCheck, marginal_gain

Action = Literal["wait", "go_on", "consider", "stop"]
MIN_POINTS = 4
"""A law of three numbers says nothing about fewer points."""
_SECONDS_A_MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One sentence, and what it rests on."""

    action: Action
    """`wait`: too early to say; `consider`: one of two signs of the end is there; `stop`: both are."""
    sentence: str
    checks: tuple[StoppingCheck, ...]


def next_batch_gain(
    seconds: Sequence[float], values: Sequence[float], *, next_s: float, min_gain: float, rng: np.random.Generator
) -> StoppingCheck | None:
    """Forecast how much the next batch raises the value, from the learning curve.

    Args:
        seconds: annotator seconds spent at each point, never falling; points at 0, and all but the last of those at the
            same second, are left out.
        values: quality there, higher = better.
        next_s: annotator seconds that the next batch is going to take, above 0.
        min_gain: gain that makes a batch worth its time, in units of the value.
        rng: of the bootstrap.

    Returns:
        The gain with its 95 % interval, met where even its upper end lies below `min_gain`; None below four points.

    Raises:
        InvalidInput: `next_s` is not above 0, or the curve is not one.

    `marginal_gain` over the span of one batch; see there for the law and for what its interval leaves out.
    """
    if len(seconds) != len(values) or not next_s > 0:
        raise InvalidInput(
            f"need as many seconds as values, and next_s above 0; got {len(seconds)}, {len(values)} and {next_s}"
        )
    after = [*seconds, np.inf][1:]
    points = [(s, v) for s, v, following in zip(seconds, values, after, strict=True) if 0 < s != following]
    if len(points) < MIN_POINTS:
        return None
    x, y = np.asarray(points, dtype=np.float64).T
    minutes = next_s / _SECONDS_A_MINUTE
    rate = marginal_gain(x, y, threshold=min_gain / minutes, horizon_s=next_s, rng=rng)
    gain, low, high = (minutes * number for number in (rate.value, *(rate.interval or (rate.value, rate.value))))
    return replace(
        rate,
        name="next_batch_gain",
        value=gain,
        threshold=min_gain,
        interval=(low, high),
        advice=f"the next batch is likely to bring {gain:+.3f} ({low:+.3f} to {high:+.3f})",
    )


def advise(
    gain: StoppingCheck | None,
    stability: StoppingCheck | None,
    others: Sequence[StoppingCheck] = (),
    *,
    metric: str,
    n_next: int,
    n_points: int,
) -> Advice:
    """Put the checks into one sentence.

    Args:
        gain: of `next_batch_gain`; None where the curve is too short.
        stability: of `alcore.stopping.stability`; None before a second head.
        others: checks that are shown and decide nothing, such as the coverage of the pool.
        metric: name of the value.
        n_next: images of the next batch.
        n_points: points of the curve.

    Own rule: `stop` where even the upper end of the forecast is not worth a batch and predictions are stable, for
    stabilising predictions were the most reliable sign in Pullar-Strecker et al. 2022 (Machine Learning), and a curve
    that is level for a while may rise again; `consider` where one of the two holds. It is advice: the costs of labels
    and of errors are not known here.
    """
    checks = tuple(check for check in (gain, stability, *others) if check is not None)
    if gain is None:
        missing = f"a forecast needs {MIN_POINTS} measured rounds, and {n_points} are there"
        return Advice(action="wait", sentence=f"Too early to advise: {missing}.", checks=checks)
    low, high = gain.interval or (gain.value, gain.value)
    name = metric.replace("_", " ")
    forecast = f"the next {n_next} images are likely to raise {name} by {gain.value:.3f} ({low:.3f} to {high:.3f})"
    is_stable = stability is not None and stability.is_met
    if gain.is_met and is_stable:
        return Advice(action="stop", sentence=f"You may stop: {forecast}, and predictions hardly move.", checks=checks)
    if gain.is_met:
        sentence = f"Little more to gain: {forecast}, but predictions still move. One more round will tell."
        return Advice(action="consider", sentence=sentence, checks=checks)
    if is_stable:
        sentence = f"Predictions hardly move, yet a gain is not ruled out: {forecast}."
        return Advice(action="consider", sentence=sentence, checks=checks)
    return Advice(action="go_on", sentence=f"Go on: {forecast}.", checks=checks)
