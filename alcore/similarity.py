"""Images that look alike: those nearest to one, and pairs that are nearly the same."""

import numpy as np
from jaxtyping import Float, Float32, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import blocks, unit_scale

SKETCH_DIMS = 32
"""Leading directions in which pairs are compared at first."""
_TILE = 1024
_SLACK = 1e-4
"""What rounding may take from a bound; a candidate is always measured in full."""


def most_similar(
    embeddings: Float[np.ndarray, "n d"], query: Float[np.ndarray, " d"], k: int
) -> tuple[Int64[np.ndarray, " m"], Float32[np.ndarray, " m"]]:
    """Find the rows with the largest cosine to a query.

    Args:
        embeddings: one row per item, of any length; one of length 0 is like nothing.
        query: a vector, of any length but 0.
        k: rows to find, at least 1.

    Returns:
        Rows, most similar first (the earlier of two equals first), and their cosines; `m = min(k, n)`.

    Raises:
        InvalidInput: a vector is not finite, the query has length 0, or `k < 1`.

    One pass in blocks of rows: O(n·d) time, O(n) memory.
    """
    length = float(np.linalg.norm(query.astype(np.float32)))
    if k < 1 or not (np.isfinite(length) and length > 0):
        raise InvalidInput(f"need k >= 1 and a query of finite length above 0; got k={k} and length {length}")
    unit = query.astype(np.float32) / length
    cosines = np.empty(len(embeddings), dtype=np.float32)
    for place, block in blocks(embeddings, scale=unit_scale(embeddings)):
        cosines[place] = block @ unit
    _check_finite(cosines)
    k = min(k, len(cosines))
    if k == 0:
        return np.zeros(0, dtype=np.int64), cosines
    least = np.partition(cosines, len(cosines) - k)[len(cosines) - k]
    rows = np.flatnonzero(cosines >= least)
    rows = rows[np.lexsort((rows, -cosines[rows]))][:k]
    return rows, cosines[rows]


def near_duplicates(
    embeddings: Float[np.ndarray, "n d"], threshold: float, *, max_pairs: int = 1_000_000
) -> tuple[Int64[np.ndarray, "p 2"], Float32[np.ndarray, " p"]]:
    """Find all pairs of rows whose cosine is at least a threshold.

    Args:
        embeddings: one row per item, of any length; one of length 0 is like nothing.
        threshold: the least cosine, above 0 and at most 1.
        max_pairs: more candidates than this are refused: such a list helps nobody.

    Returns:
        Pairs of rows (i, j) with i < j, most similar first, ties in order of rows, and their cosines.

    Raises:
        InvalidInput: a vector is not finite, the threshold is out of range, or pairs are too many.

    Source: exact search by an upper bound. A unit vector is sketched by its coordinates in the pool's leading
    directions and the length of the rest; by Cauchy and Schwarz the product of two sketches is at least their cosine,
    so only pairs whose sketches reach the threshold are measured. Rows are sorted along the coordinate that varies
    most, where those of a pair differ by at most sqrt(2 - 2 threshold): tiles farther apart are never looked at.
    O(n²·SKETCH_DIMS) time at worst, O(n·d) memory.
    """
    if not 0 < threshold <= 1:
        raise InvalidInput(f"a threshold must be above 0 and at most 1; got {threshold}")
    n = len(embeddings)
    unit = np.empty(embeddings.shape, dtype=np.float32)
    for place, block in blocks(embeddings, scale=unit_scale(embeddings)):
        unit[place] = block
        _check_finite(block)
    sketch = _sketch(unit)
    along = sketch[:, int(sketch.var(axis=0).argmax())] if n else np.zeros(0, dtype=np.float32)
    order = np.argsort(along, kind="stable")
    sketch, along = sketch[order], along[order]
    reach = float(np.sqrt(max(0.0, 2 - 2 * threshold))) + _SLACK
    lefts, rights, n_found = [], [], 0
    for start in range(0, n, _TILE):
        tile = sketch[start : start + _TILE]
        end = int(np.searchsorted(along, along[start + len(tile) - 1] + reach, side="right"))
        for other in range(start, end, _TILE):
            bounds = tile @ sketch[other : min(other + _TILE, end)].T
            found = np.flatnonzero(bounds.ravel() >= threshold - _SLACK)
            if not len(found):
                continue
            left, right = np.divmod(found, bounds.shape[1])
            left, right = left + start, right + other
            ahead = left < right
            lefts.append(left[ahead])
            rights.append(right[ahead])
            n_found += int(ahead.sum())
            if n_found > max_pairs:
                raise InvalidInput(f"more than {max_pairs:,} pairs may be above {threshold:g}; raise the threshold")
    pairs = np.stack([order[np.concatenate([np.zeros(0, np.int64), *side])] for side in (lefts, rights)], axis=1)
    pairs.sort(axis=1)
    cosines = np.empty(len(pairs), dtype=np.float32)
    for begin in range(0, len(pairs), _TILE):
        i, j = pairs[begin : begin + _TILE].T
        cosines[begin : begin + _TILE] = np.einsum("nd,nd->n", unit[i], unit[j])
    kept = np.flatnonzero(cosines >= np.float32(threshold) - np.float32(1e-6))
    kept = kept[np.lexsort((pairs[kept, 1], pairs[kept, 0], -cosines[kept]))]
    return pairs[kept], cosines[kept].clip(max=1)


def _sketch(unit: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n q"]:
    """Coordinates in the leading directions, and the length of the rest."""
    if unit.shape[1] <= SKETCH_DIMS:
        return unit
    squares = np.zeros((unit.shape[1],) * 2)
    for _, block in blocks(unit):
        squares += block.T @ block
    _, directions = np.linalg.eigh(squares)
    led = unit @ directions[:, -SKETCH_DIMS:].astype(np.float32)
    rest = np.sqrt((np.einsum("nd,nd->n", unit, unit) - np.einsum("nd,nd->n", led, led)).clip(0))
    return np.concatenate([led, rest[:, None]], axis=1)


def _check_finite(values: Float32[np.ndarray, "..."]) -> None:
    """Refuse what came of a NaN or an infinite value."""
    if not np.isfinite(values).all():
        raise InvalidInput("embeddings must be finite; at least one value is NaN or infinite")
