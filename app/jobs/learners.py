"""What training, measuring and suggesting need of a task; `segmentation.py` and `classification.py` give it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from pydantic import JsonValue

from alcore.heads.registry import best_of
from alcore.metrics import class_mean
from alcore.opinions import Opinion
from alcore.types import Progress
from app.store.database import Row


@dataclass(frozen=True, kw_only=True)
class ItemScores:
    """How well a head does on items that it was not trained on."""

    values: np.ndarray
    """One goodness an item; NaN where the item says nothing."""
    probabilities: np.ndarray
    """(m, c) samples to judge calibration by."""
    uncalibrated: np.ndarray
    """(m, c) the same at temperature 1."""
    targets: np.ndarray
    """(m,) the true classes of these."""
    confidences: np.ndarray | None = None
    """What the head itself takes the value of each item to be, NaN where it offers nothing; None of heads of images."""


def joined_scores(n: int, folds: Sequence[np.ndarray], parts: Iterable[ItemScores]) -> ItemScores | None:
    """The scores of n items out of those of folds, each measured by its own head; None where there is no fold."""
    scores = list(parts)
    if not scores:
        return None
    values, confidences = np.full(n, np.nan), np.full(n, np.nan)
    for fold, part in zip(folds, scores, strict=True):
        values[fold] = part.values
        if part.confidences is not None:
            confidences[fold] = part.confidences
    return ItemScores(
        values=values,
        probabilities=np.concatenate([part.probabilities for part in scores]),
        uncalibrated=np.concatenate([part.uncalibrated for part in scores]),
        targets=np.concatenate([part.targets for part in scores]),
        confidences=None if scores[0].confidences is None else confidences,
    )


def best_trial(learner: "Learner", trials: Mapping[str, ItemScores]) -> tuple[str, dict[str, JsonValue]]:
    """The head with the best out-of-fold metric, and the metric of each that was tried (None where it has none)."""
    metric = {}
    for name, scores in trials.items():
        rows = np.flatnonzero(~np.isnan(scores.values))
        metric[name] = class_mean(scores.values[rows], learner.classes(rows)) if len(rows) else float("nan")
    return best_of(metric), {name: None if np.isnan(value) else round(value, 4) for name, value in metric.items()}


def part_of(progress: Progress, part: int, n_parts: int) -> Progress:
    """The progress of one of several parts that take about the same time."""
    return lambda done, total: progress(part * total + done, n_parts * total)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A starting point for an annotator."""

    item_id: int
    objects: list[dict[str, JsonValue]]
    label: dict[str, JsonValue] | None
    uncertainty: bytes | None = None
    """How unsure the head is of each pixel, see `uncertainty_map`; None of a head that does not look at pixels."""


class Fitted(Protocol):
    """A trained head together with the pool that it is asked about."""

    @property
    def facts(self) -> dict[str, JsonValue]:
        """What the report says about the head itself: its name, its temperature, what it was chosen over."""
        ...

    def save(self, file: Path) -> None:
        """Write it, whole or not at all."""
        ...

    def measure(self, rows: np.ndarray) -> ItemScores:
        """Measure it on labeled items, given by their position."""
        ...

    def score(self, items: Sequence[Row], progress: Progress) -> Opinion:
        """Ask it about any items."""
        ...

    def decide(self, items: Sequence[Row], progress: Progress) -> np.ndarray:
        """The most likely class of each item (n,), or of each of its pixels (n, S, S)."""
        ...

    def suggest(self, items: Sequence[Row], progress: Progress) -> list[Offer]:
        """Have it make starting points."""
        ...


class Learner(Protocol):
    """Trains heads of one task on labeled items; rows are positions in `items`."""

    @property
    def metric(self) -> str:
        """Name of the mean of the items' values, over `classes`."""
        ...

    @property
    def items(self) -> Sequence[Row]:
        """The labeled items that it was made for."""
        ...

    def can_train(self) -> bool:
        """True when the labels are enough to train on."""
        ...

    def strata(self) -> list[str]:
        """A rough class of each labeled item, to be spread evenly over folds."""
        ...

    def fit(self, folds: Sequence[np.ndarray], *, seed: int, progress: Progress) -> tuple[Fitted, ItemScores | None]:
        """Train on all labeled items, and measure each one that is in a fold by a head that has not seen this fold.

        Returns:
            The head to keep, and the scores of all labeled items, NaN where one was not measured; None for no folds.
        """
        ...

    def fit_parts(self, parts: Sequence[np.ndarray], *, seed: int, progress: Progress) -> list[Fitted]:
        """Train a head of its own on each part of the labeled items, to be compared and not to be kept.

        All are of the first kind that the project's head can mean: one that was chosen by what some part's images say
        would favour that part.
        """
        ...

    def adopt(self, fitted: Fitted) -> Fitted:
        """Make a head that another learner of this task trained one to be measured on this one's items."""
        ...

    def load(self, file: Path) -> Fitted:
        """Read a head that was saved."""
        ...

    def classes(self, rows: np.ndarray) -> np.ndarray:
        """Classes of items that weigh alike in the metric, which is the mean over them of the items' mean values."""
        ...
