"""Core-set selection by farthest-first traversal."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from alcore.strategies.blocks import unit_scale
from alcore.strategies.nearest import NearestCentre
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, Progress, QueryResult


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
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    progress: Progress | None = None,
) -> QueryResult:
    """Cover the pool: take what is farthest from all that is labeled or chosen. Fond of outliers.

    Source: Sener & Savarese 2018, Algorithm 1 (arXiv:1708.00489), exact farthest-first traversal from the labeled
    items; with none, the first is drawn. O(n·(l+b)·d) time at worst, O(n) memory; distances that cannot be the largest
    are not brought up to date, which leaves the picks as they are. The paper's robust mixed-integer step is left out; a
    group that is full is passed over.
    """
    rows, distances = k_center_greedy(
        pool.embeddings,
        pool.labeled,
        Quota(pool, max_per_group),
        batch_size=batch_size,
        rng=rng,
        progress=progress,
    )
    return _result(rows, distances)


@register(
    "k_center_cosine",
    paper="Sener & Savarese 2018 (arXiv:1708.00489), cosine distance",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·(l+b)·d)",
    advice="As k_center where the lengths of embeddings mean nothing",
    draws=False,
    is_nested=True,
)
def k_center_cosine(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    progress: Progress | None = None,
) -> QueryResult:
    """Cover the pool as k_center does, by 1 - cosine similarity.

    Source: the cosine variant of core-set in the code of Wang et al.'s survey (Medical Image Analysis 2024). On rows of
    length 1 half the squared Euclidean distance is 1 - cosine, so this is k-center on rows brought to that length; with
    normalised embeddings it picks what k_center picks. Cost and departures as there. A zero row is at distance 0.5 from
    all others.
    """
    rows, distances = k_center_greedy(
        pool.embeddings,
        pool.labeled,
        Quota(pool, max_per_group),
        batch_size=batch_size,
        rng=rng,
        scale=unit_scale(pool.embeddings),
        progress=progress,
    )
    return _result(rows, distances**2 / 2)


def k_center_greedy(
    embeddings: Float[np.ndarray, "n d"],
    labeled: Bool[np.ndarray, " n"],
    quota: Quota,
    *,
    batch_size: int,
    rng: np.random.Generator,
    scale: Float32[np.ndarray, " n"] | None = None,
    progress: Progress | None = None,
) -> tuple[Int64[np.ndarray, " b"], Float[np.ndarray, " b"]]:
    """Pick items so that no pool item is far from a labeled or picked one.

    Args:
        embeddings: one row per pool item; float16 and memory-mapped files are read block by block.
        labeled: True where the oracle has answered; these rows are the first centres.
        quota: the rows that may be picked; it is used up.
        batch_size: items to pick, at least 1; fewer come back when the quota runs out.
        rng: breaks ties and picks the first centre of an unlabeled pool.
        scale: multiplies each row, see `blocks.unit_scale`.
        progress: called after each pick.

    Returns:
        Row indices in pick order and the distance of each to the nearest earlier centre (infinite for a first centre).

    Source: see `k_center`. Plain Euclidean distance, squares expanded so that it is a matrix product.
    """
    nearest = NearestCentre(embeddings, scale=scale)
    nearest.add(np.flatnonzero(labeled).astype(np.int64))
    rows: list[int] = []
    distances: list[float] = []
    while len(rows) < batch_size and quota.open.any():
        squared, tied = nearest.farthest(quota.open)
        row = int(tied[0] if len(tied) == 1 else rng.choice(tied))
        quota.take(row)
        nearest.add(np.asarray([row], dtype=np.int64))
        rows.append(row)
        distances.append(float(np.sqrt(squared)))
        if progress is not None:
            progress(len(rows), batch_size)
    return np.asarray(rows, dtype=np.int64), np.asarray(distances, dtype=np.float64)


def _result(rows: Int64[np.ndarray, " b"], distances: Float[np.ndarray, " b"]) -> QueryResult:
    """Say how far each pick was."""
    reasons = tuple(
        "drawn at random: nothing was labeled yet" if np.isinf(d) else f"farthest from all chosen: {d:.2f}"
        for d in distances.tolist()
    )
    return QueryResult(rows=rows, reasons=reasons)
