"""Data that travels through `alcore`: frozen, arrays only, no behaviour beyond checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from alcore.errors import InvalidInput

Progress = Callable[[int, int], None]
"""Called with (done, total); raises `Cancelled` to stop the work."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """Display window in raw intensities: `level` is its centre, `width` (> 0) its full extent."""

    level: float
    width: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.level) and np.isfinite(self.width) and self.width > 0):
            raise InvalidInput(
                f"window needs a finite level and a width > 0; got level={self.level}, width={self.width}"
            )


@dataclass(frozen=True, kw_only=True)
class MedicalImage:
    """Raw pixels as stored, (H, W) grey or (H, W, 3) RGB, uint8 or uint16, with the window to show them in."""

    pixels: Shaped[np.ndarray, "..."]
    window: Window
    spacing_mm: tuple[float, float] | None = None
    """Row and column spacing where the file knows it."""


@dataclass(frozen=True, kw_only=True)
class PoolView:
    """What a query strategy may look at: one row per pool item, n rows in all."""

    embeddings: Float[np.ndarray, "n d"]
    """L2-normalised rows."""
    labeled: Bool[np.ndarray, " n"]
    """True where the oracle has answered, or where the item must not be asked."""
    groups: Shaped[np.ndarray, " n"] | None = None
    """Patient or volume of each item, any hashable type."""
    probabilities: Float[np.ndarray, "n c"] | None = None
    """Class probabilities, mean over the committee."""
    committee: Float[np.ndarray, "s n c"] | None = None
    """Class probabilities of each committee member or stochastic pass."""
    uncertainty: Mapping[str, Float[np.ndarray, " n"]] = field(default_factory=dict)
    """Scores pooled from pixel maps, by acquisition function; they stand in for probabilities in segmentation."""

    def __post_init__(self) -> None:
        n = len(self.labeled)
        if self.embeddings.ndim != 2 or len(self.embeddings) != n:
            raise InvalidInput(f"embeddings must be (n, d) with n = len(labeled) = {n}; got {self.embeddings.shape}")
        if self.labeled.dtype != np.bool_:
            raise InvalidInput(f"labeled must be a bool array; got {self.labeled.dtype}")
        if self.groups is not None and len(self.groups) != n:
            raise InvalidInput(f"groups must have {n} entries; got {len(self.groups)}")
        for name, array in (
            ("embeddings", self.embeddings),
            ("probabilities", self.probabilities),
            ("committee", self.committee),
        ):
            if array is not None and not _is_finite(array):
                raise InvalidInput(f"{name} must be finite; row(s) with NaN or infinity were passed")
        if self.probabilities is not None and (self.probabilities.ndim != 2 or len(self.probabilities) != n):
            raise InvalidInput(f"probabilities must be (n, c) with n = {n}; got {self.probabilities.shape}")
        if self.committee is not None and (self.committee.ndim != 3 or self.committee.shape[1] != n):
            raise InvalidInput(f"committee must be (s, n, c) with n = {n}; got {self.committee.shape}")
        for name, scores in self.uncertainty.items():
            if scores.shape != (n,) or not np.isfinite(scores).all():
                raise InvalidInput(f"uncertainty[{name!r}] must be {n} finite scores; got shape {scores.shape}")


def _is_finite(array: Float[np.ndarray, "..."]) -> bool:
    """Check block by block: a million embeddings would need 400 MB for the flags alone."""
    rows = array.reshape(-1, array.shape[-1])
    return all(bool(np.isfinite(rows[start : start + 65536]).all()) for start in range(0, len(rows), 65536))


@dataclass(frozen=True, kw_only=True)
class QueryResult:
    """Rows to ask next, in the order of choice, with a score (higher = ask sooner) and a reason each."""

    rows: Int[np.ndarray, " b"]
    scores: Float[np.ndarray, " b"] | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RoundPlan:
    """Which strategy chooses how many items next, and why."""

    strategy: str
    batch_size: int
    reason: str
