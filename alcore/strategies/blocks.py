"""Embeddings read block by block as float32: float16 files that are mapped into memory are never copied whole."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float32, Int64

BLOCK_ROWS = 8192


def blocks(
    embeddings: Float[np.ndarray, "n d"], rows: Int64[np.ndarray, " m"] | None = None
) -> Iterator[tuple[slice, Float32[np.ndarray, "b d"]]]:
    """Yield places and float32 rows, of all items or of some: `out[place]` belongs to the rows that come with it."""
    n = len(embeddings) if rows is None else len(rows)
    for start in range(0, n, BLOCK_ROWS):
        place = slice(start, min(start + BLOCK_ROWS, n))
        yield place, np.asarray(embeddings[place if rows is None else rows[place]], dtype=np.float32)


def products(embeddings: Float[np.ndarray, "n d"], vectors: Float[np.ndarray, "k d"]) -> Float32[np.ndarray, "n k"]:
    """Return the inner product of every item with each vector, O(n·k) memory."""
    out = np.empty((len(embeddings), len(vectors)), dtype=np.float32)
    right = np.asarray(vectors, dtype=np.float32).T
    for place, block in blocks(embeddings):
        np.matmul(block, right, out=out[place])
    return out


def squared_norms(embeddings: Float[np.ndarray, "n d"]) -> Float32[np.ndarray, " n"]:
    """Return the squared length of every item."""
    out = np.empty(len(embeddings), dtype=np.float32)
    for place, block in blocks(embeddings):
        out[place] = np.einsum("nd,nd->n", block, block)
    return out
