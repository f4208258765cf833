"""How far each item is from the nearest of a growing set of centres, brought up to date only where it matters."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from alcore.strategies.blocks import blocks, gathered

_BLOCK_CENTRES = 512
_PROBE_ROWS = 128
_REFRESH_ROWS = 2048
_MAX_LAZY_SHARE = 0.1
"""Above this share of the pool one pass over all of it is cheaper than gathering rows."""
_SMALL_POOL = 2**22
"""Up to this many numbers a pool fits the cache: a pass over all of it is cheaper than finding out what to skip."""
_EAGER_PICKS = 8
"""After a lazy look that had to look at too much, so many picks are made without trying again."""


class NearestCentre:
    """Squared distances to the nearest centre, as upper bounds: a centre that comes later can only lower them.

    `farthest` refreshes just those bounds that could be the maximum, each block of rows against all centres that it has
    not seen yet, and so returns exactly what a full update after each centre would, rounding of products aside.
    """

    def __init__(self, embeddings: Float[np.ndarray, "n d"], *, scale: Float32[np.ndarray, " n"] | None = None) -> None:
        """Begin with no centre, all bounds infinite; rows are multiplied by `scale` where it is given."""
        if scale is not None and embeddings.size <= _SMALL_POOL:  # scale once, not at each look
            embeddings, scale = gathered(embeddings, np.arange(len(embeddings), dtype=np.int64), scale=scale), None
        self._embeddings, self._scale = embeddings, scale
        self.bounds = np.full(len(embeddings), np.inf, dtype=np.float32)
        self._norms = np.empty(len(embeddings), dtype=np.float32)
        for place, block in blocks(embeddings, scale=scale):
            np.einsum("nd,nd->n", block, block, out=self._norms[place])
        self._n_seen = np.zeros(len(embeddings), dtype=np.int32)
        self._centres: Int64[np.ndarray, " k"] = np.zeros(0, dtype=np.int64)
        self._eager_left = 0

    def add(self, rows: Int64[np.ndarray, " k"]) -> None:
        """Make these rows centres; their own distance is exactly 0."""
        self._centres = np.concatenate([self._centres, rows])
        self.bounds[rows] = 0

    def farthest(self, is_open: Bool[np.ndarray, " n"]) -> tuple[float, Int64[np.ndarray, " t"]]:
        """Return the largest squared distance among the open rows, and all rows that have it; one must be open."""
        is_small = self._embeddings.size <= _SMALL_POOL or len(self.bounds) <= _PROBE_ROWS
        if is_small or self._eager_left > 0:
            self._eager_left -= 1
            self._refresh_all()
        elif not self._refresh_what_matters(np.where(is_open, self.bounds, np.float32(-1))):
            self._eager_left = _EAGER_PICKS
            self._refresh_all()
        reachable = np.where(is_open, self.bounds, np.float32(-1))
        best = reachable.max()
        return float(best), np.flatnonzero(reachable == best)

    def _refresh_what_matters(self, reachable: Float32[np.ndarray, " n"]) -> bool:
        """Refresh some high bounds, then all that are not below the best of those; False where that is too many."""
        stride = len(reachable) // _PROBE_ROWS
        parts = reachable[: stride * _PROBE_ROWS].reshape(_PROBE_ROWS, stride)
        probe = parts.argmax(axis=1) + stride * np.arange(_PROBE_ROWS)
        probe = probe[reachable[probe] >= 0]
        if len(probe) == 0:
            return False
        self._refresh(probe)
        may_win = reachable >= self.bounds[probe].max()
        may_win &= self._n_seen < len(self._centres)
        if np.count_nonzero(may_win) > _MAX_LAZY_SHARE * len(reachable):
            return False
        self._refresh(np.flatnonzero(may_win))
        return True

    def exact(self) -> Float32[np.ndarray, " n"]:
        """Bring all distances up to date and return them, squared."""
        self._refresh_all()
        return self.bounds

    def _refresh_all(self) -> None:
        """Update every row, block after block in the order of the file."""
        first = int(self._n_seen.min())
        for start in range(first, len(self._centres), _BLOCK_CENTRES):
            centres = self._centres[start : start + _BLOCK_CENTRES]
            points = self._points(centres)
            for place, block in blocks(self._embeddings, scale=self._scale):
                self._lower(place, block, centres, points)
        self._n_seen[:] = len(self._centres)

    def _refresh(self, rows: Int64[np.ndarray, " m"]) -> None:
        """Update some rows, those that lag behind most together."""
        rows = rows[np.lexsort((rows, self._n_seen[rows]))]
        for start in range(0, len(rows), _REFRESH_ROWS):
            chunk = rows[start : start + _REFRESH_ROWS]
            centres = self._centres[self._n_seen[chunk[0]] :]
            if len(centres):
                self._lower(chunk, self._points(chunk), centres, self._points(centres))
        self._n_seen[rows] = len(self._centres)

    def _points(self, rows: Int64[np.ndarray, " m"]) -> Float32[np.ndarray, "m d"]:
        """Read some rows."""
        return gathered(self._embeddings, rows, scale=self._scale)

    def _lower(
        self,
        place: slice | Int64[np.ndarray, " m"],
        block: Float32[np.ndarray, "m d"],
        centres: Int64[np.ndarray, " k"],
        points: Float32[np.ndarray, "k d"],
    ) -> None:
        """Lower the bounds of one block by |x - y|² = |x|² - 2 x·y + |y|²."""
        cross = block @ points.T
        cross *= -2
        cross += self._norms[centres]
        best = cross[:, 0] if len(centres) == 1 else cross.min(axis=1)
        best += self._norms[place]
        self.bounds[place] = np.minimum(self.bounds[place], np.maximum(best, 0))
