"""What training, measuring and suggesting need of a task; `segmentation.py` and `classification.py` give it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from pydantic import JsonValue

from alcore.types import Progress
from app.store.database import Row


@dataclass(frozen=True, kw_only=True)
class ItemScores:
    """How well a head does on items that it was not trained on."""

    values: np.ndarray
    """One goodness an item; NaN where the item says nothing."""
    probabilities: np.ndarray
    """(m, c) samples to judge calibration by."""
    targets: np.ndarray
    """(m,) the true classes of these."""


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a head thinks of n items, in the form that query strategies take."""

    probabilities: np.ndarray | None = None
    committee: np.ndarray | None = None
    uncertainty: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A starting point for an annotator."""

    item_id: int
    objects: list[dict[str, JsonValue]]
    label: dict[str, JsonValue] | None


class Fitted(Protocol):
    """A trained head together with the pool that it is asked about."""

    def save(self, file: Path) -> None:
        """Write it, whole or not at all."""
        ...

    def measure(self, rows: np.ndarray) -> ItemScores:
        """Measure it on labeled items, given by their position."""
        ...

    def score(self, items: Sequence[Row], progress: Progress) -> Opinion:
        """Ask it about any items."""
        ...

    def suggest(self, items: Sequence[Row], progress: Progress) -> list[Offer]:
        """Have it make starting points."""
        ...


class Learner(Protocol):
    """Trains heads of one task on labeled items; rows are positions in `items`."""

    @property
    def metric(self) -> str:
        """Name of what `value_of` returns."""
        ...

    @property
    def items(self) -> Sequence[Row]:
        """The labeled items."""
        ...

    def can_train(self, rows: np.ndarray) -> bool:
        """True when these are enough to train on."""
        ...

    def strata(self) -> list[str]:
        """A rough class of each labeled item, to be spread evenly over folds."""
        ...

    def fit(self, rows: np.ndarray, *, seed: int, n_members: int | None, progress: Progress) -> Fitted:
        """Train on these; None members is the head's own number."""
        ...

    def load(self, file: Path) -> Fitted:
        """Read a head that was saved."""
        ...

    def summands(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Numbers whose mean is the metric, out of the items' values."""
        ...
