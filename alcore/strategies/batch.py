"""A batch as it grows: rows, their reasons, and what is still open."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int64

from alcore.errors import InvalidInput
from alcore.strategies.quota import Quota
from alcore.strategies.uncertainty import scores_of
from alcore.types import PoolView, QueryResult


class Batch:
    """Collects rows with a reason each until it is full or nothing is open."""

    def __init__(self, pool: PoolView, batch_size: int, max_per_group: int | None = None) -> None:
        self.quota = Quota(pool, max_per_group)
        self.batch_size = batch_size
        self._rows: list[int] = []
        self._reasons: list[str] = []

    @property
    def rows(self) -> Int64[np.ndarray, " b"]:
        """What was taken, in the order of choice."""
        return np.asarray(self._rows, dtype=np.int64)

    @property
    def n_wanted(self) -> int:
        """Rows that may still be taken, so far as groups and pool have any."""
        return min(self.batch_size - len(self._rows), int(self.quota.open.sum()))

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be taken."""
        return len(self._rows) == self.batch_size or not self.quota.open.any()

    def take(self, row: int, reason: str) -> None:
        """Add one row, which must be open."""
        self.quota.take(row)
        self.note(row, reason)

    def note(self, row: int, reason: str) -> None:
        """Add one row that was taken from the quota already."""
        self._rows.append(row)
        self._reasons.append(reason)

    def fill(self, order: Int64[np.ndarray, " m"], reason: Callable[[int], str], *, at_most: int | None = None) -> None:
        """Add the rows of a ranking that are open when their turn comes, until the batch is full or `at_most` came."""
        room = self.batch_size - len(self._rows)
        taken = self.quota.take_in_order(order, room if at_most is None else min(room, at_most)).tolist()
        self._rows += taken
        self._reasons += map(reason, taken)

    def result(self, scores: Float[np.ndarray, " n"] | None = None) -> QueryResult:
        """Give the batch, with the scores of its rows where items have scores."""
        rows = self.rows
        return QueryResult(rows=rows, scores=None if scores is None else scores[rows], reasons=tuple(self._reasons))


def open_rows(pool: PoolView) -> Int64[np.ndarray, " m"]:
    """Return the unlabeled rows."""
    return np.flatnonzero(~pool.labeled).astype(np.int64)


def nonnegative_scores(acquisition: str, pool: PoolView, *, strategy: str) -> Float[np.ndarray, " n"]:
    """Score all rows in float64; refuse an acquisition function that goes below 0 on an unlabeled row."""
    scores = scores_of(acquisition, pool).astype(np.float64)
    lowest = scores[~pool.labeled].min()
    if lowest < 0:
        raise InvalidInput(
            f"{strategy} needs scores >= 0; acquisition {acquisition!r} goes down to {lowest:.3g}; "
            "rank by another, or take softrank or redundancy_filter, which do not mind"
        )
    return scores


def check_positive(**settings: float) -> None:
    """Refuse settings that are not finite or not above 0."""
    for name, value in settings.items():
        if not (np.isfinite(value) and value > 0):
            raise InvalidInput(f"{name} must be a finite number above 0; got {value}")


def check_share(**settings: float) -> None:
    """Refuse settings outside 0..1."""
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise InvalidInput(f"{name} must lie in 0..1; got {value}")
