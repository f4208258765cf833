"""What starting masks are worth at least: learned when a head is trained, said beside each of its masks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import JsonValue

from alcore.conformal import LowerBound, lower_bound

ERROR_RATE = 0.1
"""One starting mask in ten may be worth less than its bound."""
KEY = "lower_bound"
"""Under which a model's report keeps what was learned."""
_DUST = 1e-6
"""Rounding down must not take 0.87 for a little less."""


def bound_facts(confidences: np.ndarray | None, values: np.ndarray) -> dict[str, JsonValue]:
    """What a training learns about its starting masks, for the model's report.

    Args:
        confidences: the Dice that heads expected of each labeled item, each by one that had not seen it; NaN where it
            offered no mask. None of heads that make no masks.
        values: the Dice that it turned out to have; NaN where the item says nothing.

    Returns:
        `lower_bound` with its `margin` (null where too few items are known to promise anything), `error_rate` and the
        number of items `n`; nothing where there are no masks.
    """
    if confidences is None:
        return {}
    known = ~(np.isnan(confidences) | np.isnan(values))
    found = lower_bound(confidences[known], values[known], error_rate=ERROR_RATE)
    margin = round(found.margin, 4) if math.isfinite(found.margin) else None
    return {KEY: {"margin": margin, "error_rate": found.error_rate, "n": found.n}}


def bound_of(report: Mapping[str, Any] | None, objects: Sequence[Mapping[str, Any]]) -> float | None:
    """The least mean Dice that an image's starting masks have, nine times in ten.

    Args:
        report: of the model that made them; None where no head did.
        objects: as the store keeps them.

    Returns:
        None where nothing is offered or nothing above 0 can be promised: the model has none learned, or had too few
        answers to learn from.
    """
    learned = None if report is None else report.get(KEY)
    expected = [float(e["expected_dice"]) for e in objects if e.get("expected_dice") is not None]
    if not learned or learned["margin"] is None or not expected or len(expected) < len(objects):
        return None
    bound = LowerBound(margin=learned["margin"], error_rate=learned["error_rate"], n=learned["n"])
    least = math.floor(float(bound.at(np.mean(expected, keepdims=True))[0]) * 1e4 + _DUST) / 1e4
    return least if least > 0 else None
