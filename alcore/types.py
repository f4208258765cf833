"""Data that travels through `alcore`: frozen, arrays only, no behaviour beyond checks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from alcore.errors import InvalidInput
from alcore.pool import LinearHead, PoolView

__all__ = ["LinearHead", "MedicalImage", "PoolView", "Progress", "QueryResult", "RoundPlan", "Window"]

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
