"""A ranking without near-twins."""

import numpy as np
from jaxtyping import Float, Int64

from alcore.errors import InvalidInput
from alcore.strategies.batch import Batch
from alcore.strategies.blocks import gathered, unit_scale
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import ranking, scores_of
from alcore.types import PoolView, QueryResult

_ROWS_AT_ONCE = 1024
_N_RELAXATIONS = 4


@register(
    "redundancy_filter",
    paper="common practice; Wang et al. 2024, section on sampling (arXiv:2310.14230)",
    phase="round",
    needs=frozenset({"embeddings"}),
    cost="O(n log n + m·b·d) for the m items looked at",
    advice="The least change to any ranking that keeps near-twins out, such as neighbouring slices",
    draws=False,
    is_nested=True,
)
def redundancy_filter(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    max_similarity: float = 0.95,
) -> QueryResult:
    """Take the highest scores, but skip what is too similar to an item chosen before.

    An item is skipped if its cosine to a chosen one is above `max_similarity`. Where too few are left the limit is
    moved half the way to 1 and the skipped are gone through again, up to 4 times; then similarity no longer counts.
    O(n log n + m·b·d) for the m items looked at, mostly a few times b. Labeled items are not compared.
    """
    if not -1 <= max_similarity <= 1:
        raise InvalidInput(f"max_similarity must lie in -1..1; got {max_similarity}")
    scores = scores_of(acquisition, pool)
    order = ranking(scores, pool, rng)
    batch = Batch(pool, batch_size, max_per_group)
    for row, similarity in without_twins(pool.embeddings, order, batch, max_similarity=max_similarity):
        nearest = "the first" if similarity == -np.inf else f"cosine to the chosen at most {similarity:.2f}"
        batch.note(row, f"{acquisition} {scores[row]:.2f}; {nearest}")
    return batch.result(scores)


def without_twins(
    embeddings: Float[np.ndarray, "n d"],
    order: Int64[np.ndarray, " m"],
    batch: Batch,
    *,
    max_similarity: float,
) -> list[tuple[int, float]]:
    """Choose rows of a ranking that are not too similar to one another; give each with its cosine to those before it.

    Args:
        embeddings: one row per pool item; lengths do not matter.
        order: rows, best first.
        batch: its quota says which rows are open, and is used up; the rows are left to the caller.
        max_similarity: highest cosine to a chosen row; relaxed as `redundancy_filter` says.
    """
    n_wanted, scale = batch.n_wanted, unit_scale(embeddings)
    chosen = np.empty((n_wanted, embeddings.shape[1]), dtype=np.float32)
    picks: list[tuple[int, float]] = []
    limits = [1 - (1 - max_similarity) / 2**halvings for halvings in range(_N_RELAXATIONS + 1)]
    for limit in (*limits, np.inf):
        left = order[batch.quota.open[order]]
        for start in range(0, len(left), _ROWS_AT_ONCE):
            if len(picks) == n_wanted:
                return picks
            rows = left[start : start + _ROWS_AT_ONCE]
            points = gathered(embeddings, rows, scale=scale)
            closest = (points @ chosen[: len(picks)].T).max(axis=1, initial=-np.inf)
            at = 0
            while len(picks) < n_wanted:
                fits = np.flatnonzero(batch.quota.open[rows[at:]] & (closest[at:] <= limit))
                if len(fits) == 0:
                    break
                at += int(fits[0])
                chosen[len(picks)] = points[at]
                picks.append((int(rows[at]), float(closest[at])))
                batch.quota.take(int(rows[at]))
                np.maximum(closest, points @ points[at], out=closest)
    return picks
