"""What a model's report says beside its metric: how good it is at each class, and how far its confidence is true."""

import numpy as np
from pydantic import JsonValue

from alcore.calibration import reliability
from alcore.metrics import class_scores
from app.jobs.learners import ItemScores

DIGITS = 4


def diagnose(scores: ItemScores) -> dict[str, JsonValue]:
    """Scores of each class and a reliability diagram, by heads that had not seen what they judged.

    In segmentation the samples are pixels, and class 0 is the background.
    """
    n_classes = scores.probabilities.shape[1]
    table = class_scores(scores.probabilities.argmax(axis=1), scores.targets, n_classes)
    names = ("n", "precision", "recall", "f1")
    return {
        "per_class": [dict(zip(names, map(_number, row), strict=True)) for row in table],
        "reliability": _bins(scores.probabilities, scores.targets),
        "reliability_uncalibrated": _bins(scores.uncalibrated, scores.targets),
    }


def _bins(probabilities: np.ndarray, targets: np.ndarray) -> JsonValue:
    """The bins of a reliability diagram that hold anything."""
    found = reliability(probabilities, targets)
    return [
        {"count": int(count), "confidence": _number(sure), "accuracy": _number(right)}
        for count, sure, right in zip(found.counts, found.confidence, found.accuracy, strict=True)
        if count
    ]


def _number(value: float) -> float | None:
    """A number as JSON knows it."""
    return None if np.isnan(value) else round(float(value), DIGITS)
