"""Learning curves of simulated runs: area over a common budget, time to a target, summary over seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alcore.metrics import aubc, bootstrap_ci95

BOOTSTRAP_SEED = 0
TARGET_SHARE = 0.95


def runs_of_seed(curves: Mapping[str, list[dict[str, Any]]], *, cold_start: str, seed: int) -> list[dict[str, Any]]:
    """Make the run entries of one seed, with AUBC over the span of seconds that all its curves cover."""
    horizon = min(curve[-1]["seconds"] for curve in curves.values())
    return [
        {
            "strategy": name,
            "cold_start": cold_start,
            "seed": seed,
            "curve": curve,
            "aubc": aubc_until([point["seconds"] for point in curve], [point["value"] for point in curve], horizon),
        }
        for name, curve in curves.items()
    ]


def aubc_until(seconds: Sequence[float], values: Sequence[float], horizon: float) -> float:
    """Return the AUBC up to `horizon` seconds, cutting the curve there on its straight line."""
    inside = [i for i, at in enumerate(seconds) if at < horizon]
    x = [seconds[i] for i in inside] + [horizon]
    y = [values[i] for i in inside] + [float(np.interp(horizon, seconds, values))]
    return aubc(x, y)


def seconds_until(seconds: Sequence[float], values: Sequence[float], target: float) -> float | None:
    """Return when the straight lines between points first reach `target`; None if they never do."""
    if values[0] >= target:
        return float(seconds[0])
    for i in range(1, len(values)):
        if values[i] >= target:
            part = (target - values[i - 1]) / (values[i] - values[i - 1])
            return float(seconds[i - 1] + part * (seconds[i] - seconds[i - 1]))
    return None


def summarise(runs: Sequence[Mapping[str, Any]], full_value: float) -> dict[str, Any]:
    """Sum up the runs of one strategy."""
    areas = [run["aubc"] for run in runs]
    times = [
        seconds_until(
            [point["seconds"] for point in run["curve"]],
            [point["value"] for point in run["curve"]],
            TARGET_SHARE * full_value,
        )
        for run in runs
    ]
    reached = [time for time in times if time is not None]
    return {
        "aubc_mean": float(np.mean(areas)),
        "aubc_ci95": list(bootstrap_ci95(areas, np.random.default_rng(BOOTSTRAP_SEED))),
        "seconds_to_95pct": float(np.mean(reached)) if len(reached) == len(times) else None,
    }
