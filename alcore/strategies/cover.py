"""Lazy greedy maximisation of cover functions: no array of all pairs, the picks of the plain greedy."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from alcore.strategies.blocks import blocks
from alcore.strategies.quota import Quota

_ROWS_AT_ONCE = 512


class Cover:
    """F(A) = sum over references of the best similarity to a chosen item, plus a bonus an item.

    Args:
        embeddings: one row per pool item; similarity is the cosine, negative ones count as 0.
        references: what is to be covered, any vectors of the same space.
        caps: similarity from which on a reference counts as covered in full; None for no cap.
        bonus: what each item brings whatever else was chosen; None for nothing.

    Monotone and submodular: what an item adds only falls as others are chosen. O(r·d) memory for r references.
    """

    def __init__(
        self,
        embeddings: Float[np.ndarray, "n d"],
        references: Float[np.ndarray, "r d"],
        *,
        caps: Float[np.ndarray, " r"] | None = None,
        bonus: Float[np.ndarray, " n"] | None = None,
    ) -> None:
        self._embeddings, self._references = embeddings, unit_rows(references)
        self._caps, self._bonus = caps, bonus
        self._covered: Float32[np.ndarray, " r"] = np.zeros(len(references), dtype=np.float32)

    def gains(self, rows: Int64[np.ndarray, " m"]) -> Float64[np.ndarray, " m"]:
        """Return how much each row would add to F now, O(m·r·d)."""
        gains = np.empty(len(rows)) if self._bonus is None else self._bonus[rows].astype(np.float64)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            place = slice(start, start + _ROWS_AT_ONCE)
            similarities = self._similarities(rows[place])
            similarities -= self._covered
            added = np.maximum(similarities, 0, out=similarities).sum(axis=1, dtype=np.float64)
            gains[place] = added if self._bonus is None else gains[place] + added
        return gains

    def take(self, row: int) -> None:
        """Count one row as chosen."""
        np.maximum(self._covered, self._similarities(np.asarray([row], dtype=np.int64))[0], out=self._covered)

    def _similarities(self, rows: Int64[np.ndarray, " m"]) -> Float32[np.ndarray, "m r"]:
        """Return the capped similarity of some rows to the references."""
        similarities = unit_rows(self._embeddings[rows]) @ self._references.T
        return np.maximum(similarities, 0) if self._caps is None else np.clip(similarities, 0, self._caps)


def lazy_greedy(
    cover: Cover,
    quota: Quota,
    candidates: Int64[np.ndarray, " m"],
    *,
    n_wanted: int,
    rng: np.random.Generator,
    least: float = -np.inf,
) -> list[tuple[int, float]]:
    """Choose greedily the candidate that adds most, and give each with what it added.

    Args:
        cover: the function; it is used up.
        quota: only rows that it has open are chosen; it is used up.
        candidates: rows to choose from.
        n_wanted: rows to choose; fewer come back where no candidate is open any more.
        rng: breaks ties.
        least: stop where the best item adds less.

    Source: Minoux 1978. What an item added earlier bounds what it adds now, so only items whose bound is highest are
    looked at again, some hundreds in one product. O(n_wanted·m) for the search besides the gains themselves.
    """
    bounds = cover.gains(candidates)
    order = rng.permutation(len(candidates))  # the first of equals is then any of them
    rows, bounds = candidates[order], bounds[order]
    seen_at = np.zeros(len(rows), dtype=np.int64)
    picks: list[tuple[int, float]] = []
    while len(picks) < n_wanted:
        bounds[~quota.open[rows]] = -np.inf
        best = int(bounds.argmax())
        if bounds[best] == -np.inf:
            break
        while seen_at[best] < len(picks):
            top = np.argpartition(-bounds, min(_ROWS_AT_ONCE, len(rows)) - 1)[:_ROWS_AT_ONCE]
            stale = np.append(top, best)[np.append(seen_at[top] < len(picks), True)]
            stale = np.unique(stale[bounds[stale] > -np.inf])
            bounds[stale] = cover.gains(rows[stale])
            seen_at[stale] = len(picks)
            best = int(bounds.argmax())
        if bounds[best] < least:
            break
        picks.append((int(rows[best]), float(bounds[best])))
        quota.take(int(rows[best]))
        cover.take(int(rows[best]))
    return picks


def draw_references(
    embeddings: Float[np.ndarray, "n d"], rows: Int64[np.ndarray, " m"], n_references: int, *, rng: np.random.Generator
) -> Float32[np.ndarray, "r d"]:
    """Return the embeddings of `n_references` of the rows, drawn with equal chances; of all where there are fewer."""
    drawn = rows if len(rows) <= n_references else np.sort(rng.choice(rows, n_references, replace=False))
    out = np.empty((len(drawn), embeddings.shape[1]), dtype=np.float32)
    for place, block in blocks(embeddings, drawn):
        out[place] = block
    return out


def unit_rows(vectors: Float[np.ndarray, "m d"]) -> Float32[np.ndarray, "m d"]:
    """Return the vectors as float32 at length 1; zeros stay zeros."""
    rows = np.array(vectors, dtype=np.float32)
    lengths = np.sqrt(np.einsum("md,md->m", rows, rows))[:, None]
    return np.divide(rows, lengths, out=rows, where=lengths > 0)
