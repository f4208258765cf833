"""Core-set selection by farthest-first traversal."""

import numpy as np
from jaxtyping import Bool, Float, Int64

from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult

_BLOCK_ROWS, _BLOCK_CENTRES = 8192, 1024


@register(
    "k_center",
    paper="Sener & Savarese 2018 (arXiv:1708.00489)",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·(l+b)·d)",
    advice="Covers the pool's rim; takes artefacts and outliers first",
    draws=False,
    is_nested=True,
)
def k_center(
    pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None
) -> QueryResult:
    """Cover the pool: take what is farthest from all that is labeled or chosen. Fond of outliers.

    Source: Sener & Savarese 2018, Algorithm 1 (arXiv:1708.00489), exact farthest-first traversal from the labeled
    items; with none, the first is drawn. One pass over the embeddings a pick, O(n·(l+b)·d) time, O(n) memory. The
    paper's robust mixed-integer step is left out; a group that is full is passed over.
    """
    rows, distances = k_center_greedy(
        pool.embeddings, pool.labeled, Quota(pool, max_per_group), batch_size=batch_size, rng=rng
    )
    reasons = tuple(
        "drawn at random: nothing was labeled yet" if np.isinf(d) else f"farthest from all chosen: {d:.2f}"
        for d in distances.tolist()
    )
    return QueryResult(rows=rows, reasons=reasons)


def k_center_greedy(
    embeddings: Float[np.ndarray, "n d"],
    labeled: Bool[np.ndarray, " n"],
    quota: Quota,
    *,
    batch_size: int,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " b"], Float[np.ndarray, " b"]]:
    """Pick items so that no pool item is far from a labeled or picked one.

    Args:
        embeddings: one row per pool item.
        labeled: True where the oracle has answered; these rows are the first centres.
        quota: the rows that may be picked; it is used up.
        batch_size: items to pick, at least 1; fewer come back when the quota runs out.
        rng: breaks ties and picks the first centre of an unlabeled pool.

    Returns:
        Row indices in pick order and the distance of each to the nearest earlier centre (infinite for a first centre).

    Source: see `k_center`. Plain Euclidean distance, squares expanded so that each pick is one matrix-vector product.
    """
    norms = np.einsum("nd,nd->n", embeddings, embeddings)
    nearest = _squared_distance_to_labeled(embeddings, norms, labeled)
    rows: list[int] = []
    distances: list[float] = []
    while len(rows) < batch_size and quota.open.any():
        reachable = np.where(quota.open, nearest, -1)
        farthest = reachable.max()
        tied = np.flatnonzero(reachable == farthest)
        row = int(tied[0] if len(tied) == 1 else rng.choice(tied))
        quota.take(row)
        rows.append(row)
        distances.append(float(np.sqrt(farthest)))
        to_row = embeddings @ embeddings[row]
        to_row *= -2
        to_row += norms
        to_row += norms[row]
        np.minimum(nearest, np.maximum(to_row, 0, out=to_row), out=nearest)
        nearest[row] = 0
    return np.asarray(rows, dtype=np.int64), np.asarray(distances, dtype=np.float64)


def _squared_distance_to_labeled(
    embeddings: Float[np.ndarray, "n d"], norms: Float[np.ndarray, " n"], labeled: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Return each row's squared distance to the nearest labeled row, by matrix products over blocks."""
    nearest = np.full(len(embeddings), np.inf, dtype=embeddings.dtype)
    labeled_rows = np.flatnonzero(labeled)
    for first in range(0, len(labeled_rows), _BLOCK_CENTRES):
        centres = labeled_rows[first : first + _BLOCK_CENTRES]
        points, squares = embeddings[centres], norms[centres]
        for start in range(0, len(embeddings), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            products = embeddings[block] @ points.T
            products *= -2
            products += squares
            best = products.min(axis=1) + norms[block]
            np.minimum(nearest[block], np.maximum(best, 0), out=nearest[block])
    nearest[labeled_rows] = 0
    return nearest
