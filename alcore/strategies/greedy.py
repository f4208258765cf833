"""Lazy greedy maximisation of a set function whose gains can only shrink."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float64, Int64

from alcore.strategies.quota import Quota
from alcore.types import Progress

Gains = Callable[[Int64[np.ndarray, " m"]], Float64[np.ndarray, " m"]]
"""What each of some rows would add to what is chosen already."""

_FIRST_LOOK = 64
_SWEEP_ROWS = 65536


def sweep(
    gains: Gains, is_open: Bool[np.ndarray, " n"], *, progress: Progress | None = None
) -> Float64[np.ndarray, " n"]:
    """Return the gain of every open row, and minus infinity for the others; `progress` gets (0, 1) now and then."""
    bounds = np.full(len(is_open), -np.inf)
    rows = np.flatnonzero(is_open).astype(np.int64)
    for start in range(0, len(rows), _SWEEP_ROWS):
        some = rows[start : start + _SWEEP_ROWS]
        bounds[some] = gains(some)
        if progress is not None:
            progress(0, 1)
    return bounds


def lazy_greedy(
    bounds: Float64[np.ndarray, " n"],
    gains: Gains,
    add: Callable[[int], None],
    quota: Quota,
    *,
    batch_size: int,
    rng: np.random.Generator,
    above: float = -np.inf,
    among: Bool[np.ndarray, " n"] | None = None,
    until: Callable[[], bool] | None = None,
    progress: Progress | None = None,
) -> tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, " b"]]:
    """Take again and again the row of the largest gain.

    Args:
        bounds: for each row, no less than its gain now; see `sweep`.
        gains: the gains now; for a row they must not grow when others are chosen (submodularity).
        add: told each chosen row, before the gains of the next pick are asked for.
        quota: the rows that may be picked; it is used up.
        batch_size: rows to pick; fewer come back when the quota runs out or no gain is left.
        rng: breaks ties.
        above: stop when the largest gain is not above this.
        among: only these rows may be picked.
        until: asked after each pick; stop when true.
        progress: called after each pick.

    Returns:
        Row indices in pick order and the gain of each.

    Source: Minoux 1978, accelerated greedy. The picks are those of plain greedy: a gain is computed anew only while the
    old one, an upper bound, could still be the largest; rows are looked at highest bound first, in doubling numbers,
    because many rows at once cost little more than one. O(n) memory.
    """
    bounds = bounds.copy()
    rows: list[int] = []
    found: list[float] = []
    while len(rows) < batch_size:
        is_open = quota.open if among is None else quota.open & among
        if not is_open.any():
            break
        best, tied = _largest(bounds, gains, is_open)
        if best <= above:
            break
        row = int(tied[0] if len(tied) == 1 else rng.choice(tied))
        quota.take(row)
        add(row)
        rows.append(row)
        found.append(best)
        if progress is not None:
            progress(len(rows), batch_size)
        if until is not None and until():
            break
    return np.asarray(rows, dtype=np.int64), np.asarray(found, dtype=np.float64)


def _largest(
    bounds: Float64[np.ndarray, " n"], gains: Gains, is_open: Bool[np.ndarray, " n"]
) -> tuple[float, Int64[np.ndarray, " t"]]:
    """Return the largest gain of the open rows and all rows that have it; lowers `bounds` on the way."""
    is_stale = is_open.copy()
    best, size = -np.inf, _FIRST_LOOK
    while len(rows := np.flatnonzero(is_stale & (bounds >= best))):
        if len(rows) > size:
            rows = np.sort(rows[np.argpartition(-bounds[rows], size)[:size]])
        bounds[rows] = np.minimum(bounds[rows], gains(rows))
        is_stale[rows] = False
        best = max(best, float(bounds[rows].max()))
        size *= 2
    return best, np.flatnonzero(is_open & ~is_stale & (bounds == best))
