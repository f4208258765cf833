"""How well chosen items stand for all others: the objective of herding, facility location and ball covering."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import blocks, gathered
from alcore.strategies.engine import Engine, multiply

N_REFERENCE = 5000
"""Pools up to this size are covered exactly; of larger ones, so many items drawn at random are."""
_BLOCK_NUMBERS = 2**21
_KEPT_NUMBERS = 2**24
_TOLERANCE = 1e-6
"""Cosines of float32 rows are this far off, so that a ball of radius 0 holds its centre."""

Kernel = Callable[[Float32[np.ndarray, "m r"], Int64[np.ndarray, " m"]], None]
"""Turns cosines of some rows (m of them) to the reference items (r) into similarities, in place."""


def gaussian(sigma: float) -> Kernel:
    """Return exp(-|x - y|² / sigma²) on the unit sphere."""

    def apply(cosines: Float32[np.ndarray, "m r"], rows: Int64[np.ndarray, " m"]) -> None:
        cosines -= 1
        cosines *= np.float32(2 / sigma**2)
        np.exp(cosines, out=cosines)

    return apply


def top_hat(radius: float | Float[np.ndarray, " n"]) -> Kernel:
    """Return 1 within a Euclidean radius on the unit sphere, else 0; each row may have a radius of its own."""
    least = np.asarray(1 - np.square(radius) / 2 - _TOLERANCE, dtype=np.float32)

    def apply(cosines: Float32[np.ndarray, "m r"], rows: Int64[np.ndarray, " m"]) -> None:
        np.greater_equal(cosines, least if least.ndim == 0 else least[rows, None], out=cosines)

    return apply


def cosine(cosines: Float32[np.ndarray, "m r"], rows: Int64[np.ndarray, " m"]) -> None:
    """Leave cosines as they are, in -1..1."""


def similarity(caps: Float[np.ndarray, " r"] | None = None) -> Kernel:
    """Return cosines with negative ones as 0, and no more than each reference item's cap."""
    highest = 1 if caps is None else caps.astype(np.float32)

    def apply(cosines: Float32[np.ndarray, "m r"], rows: Int64[np.ndarray, " m"]) -> None:
        np.clip(cosines, 0, highest, out=cosines)

    return apply


def closeness(cosines: Float32[np.ndarray, "m r"], rows: Int64[np.ndarray, " m"]) -> None:
    """Return minus the Euclidean distance on the unit sphere, in -2..0."""
    np.negative(to_distances(cosines), out=cosines)


def to_distances(cosines: Float32[np.ndarray, "m r"]) -> Float32[np.ndarray, "m r"]:
    """Return the Euclidean distances of rows of length 1; overwrites their cosines."""
    cosines -= 1
    cosines *= -2
    return np.sqrt(np.maximum(cosines, 0, out=cosines), out=cosines)


def draw_reference(
    is_member: Bool[np.ndarray, " n"], n_reference: int, rng: np.random.Generator
) -> Int64[np.ndarray, " r"]:
    """Return all members, or `n_reference` of them drawn without replacement, in order."""
    if n_reference < 1:
        raise InvalidInput(f"n_reference must be >= 1; got {n_reference}")
    members = np.flatnonzero(is_member).astype(np.int64)
    return members if len(members) <= n_reference else np.sort(rng.choice(members, n_reference, replace=False))


class Coverage:
    """F(S) = weighted mean over reference items i of max over s in S of k(s, i); `floor` where S is empty.

    Monotone and submodular for every kernel not below the floor. Similarities are made block by block; those of the
    rows that a greedy search looks at again and again are kept, 64 MB of them at most. O(r·d + n) memory.
    """

    def __init__(
        self,
        embeddings: Float[np.ndarray, "n d"],
        reference: Int64[np.ndarray, " r"],
        kernel: Kernel,
        *,
        scale: Float32[np.ndarray, " n"],
        weights: Float[np.ndarray, " r"] | None = None,
        floor: float = 0.0,
        engine: Engine | None = None,
    ) -> None:
        """Begin with nothing chosen; `scale` brings rows to length 1, see `blocks.unit_scale`."""
        self._embeddings, self._scale, self._kernel, self._engine = embeddings, scale, kernel, engine
        self._step = max(16, _BLOCK_NUMBERS // max(1, len(reference)))
        self._points = np.ascontiguousarray(gathered(embeddings, reference, scale=scale).T)
        self._weights = np.ones(len(reference), np.float32) if weights is None else weights.astype(np.float32)
        self._total = max(float(self._weights.sum(dtype=np.float64)), 1e-30)
        self._floor = np.float32(floor)
        self.best = np.full(len(reference), self._floor, dtype=np.float32)
        """Similarity of each reference item to the nearest chosen one."""
        n_kept = min(len(embeddings), _KEPT_NUMBERS // max(1, len(reference)))
        self._kept = np.empty((n_kept, len(reference)), dtype=np.float32)
        self._slots = np.full(len(embeddings), -1, dtype=np.int32)
        self._n_kept = 0

    def gains(self, rows: Int64[np.ndarray, " m"]) -> Float64[np.ndarray, " m"]:
        """Return how much F would grow by each row alone."""
        out = np.empty(len(rows), dtype=np.float64)
        is_kept = self._slots[rows] >= 0
        for start in range(0, int(is_kept.sum()), self._step):
            some = np.flatnonzero(is_kept)[start : start + self._step]
            out[some] = self._growth(self._kept[self._slots[rows[some]]])
        new = np.flatnonzero(~is_kept)
        for place, similarity in self._similarities(rows[new]):
            self._keep(rows[new[place]], similarity, n_asked=len(new))
            out[new[place]] = self._growth(similarity)
        return out / self._total

    def _growth(self, similarity: Float32[np.ndarray, "m r"]) -> Float32[np.ndarray, " m"]:
        """Return the weighted sum of what exceeds the best so far; overwrites its argument."""
        similarity -= self.best
        np.maximum(similarity, 0, out=similarity)
        return similarity @ self._weights

    def _keep(self, rows: Int64[np.ndarray, " m"], similarity: Float32[np.ndarray, "m r"], *, n_asked: int) -> None:
        """Keep rows of a call that is small enough for all of them; where there is no room left, begin again."""
        if n_asked > len(self._kept):
            return
        if self._n_kept + len(rows) > len(self._kept):
            self._slots[:] = -1
            self._n_kept = 0
        self._slots[rows] = self._n_kept + np.arange(len(rows))
        self._kept[self._n_kept : self._n_kept + len(rows)] = similarity
        self._n_kept += len(rows)

    def add(self, row: int) -> None:
        """Choose a row."""
        self.add_all(np.asarray([row], dtype=np.int64))

    def add_all(self, rows: Int64[np.ndarray, " m"]) -> None:
        """Choose several rows."""
        for _, similarity in self._similarities(rows):
            np.maximum(self.best, similarity.max(axis=0), out=self.best)

    def reset(self) -> None:
        """Forget what was chosen."""
        self.best[:] = self._floor

    def _similarities(self, rows: Int64[np.ndarray, " m"]) -> Iterator[tuple[slice, Float32[np.ndarray, "b r"]]]:
        """Yield places and the similarities of the rows there to all reference items."""
        for outer, block in blocks(self._embeddings, rows, scale=self._scale):
            for start in range(0, len(block), self._step):
                part = block[start : start + self._step]
                place = slice(outer.start + start, outer.start + start + len(part))
                similarity = multiply(part, self._points, engine=self._engine)
                self._kernel(similarity, rows[place])
                yield place, similarity
