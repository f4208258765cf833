"""CAL: items that lie near labeled ones and yet are predicted otherwise."""

import numpy as np
from jaxtyping import Float, Float64, Int64

from alcore.acquisition.probability import check_probabilities
from alcore.errors import InvalidInput
from alcore.strategies.batch import Batch, open_rows
from alcore.strategies.blocks import blocks
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import mean_probabilities, ranking
from alcore.types import PoolView, QueryResult

_SMALLEST = 1e-7
"""Probabilities are held above this, so that the divergence stays finite."""
_N_STAND_INS = 1000


@register(
    "contrastive_al",
    paper="Margatina et al. (CAL), EMNLP 2021 (arXiv:2109.03764)",
    phase="round",
    needs=frozenset({"embeddings", "probabilities"}),
    cost="O(n·l·d)",
    advice="Looks along the head's boundary where labels are near; needs labels all over the pool",
    draws=False,
    is_nested=True,
)
def contrastive_al(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_neighbours: int = 10,
) -> QueryResult:
    """Take items whose prediction differs most from the predictions for their nearest labeled items.

    Source: Margatina et al. 2021, Algorithm 1 (arXiv:2109.03764): the mean of KL(p(neighbour) || p(item)) over the
    `n_neighbours` nearest labeled items, plain Euclidean. Exact, by FAISS block by block: O(n·l·d) time, O(n + l·d)
    memory. Departures: probabilities are held above 1e-7; with fewer labeled items all are neighbours; with none, up to
    1000 items of the pool, drawn, stand in for them, no item for itself. A group that is full is passed over.
    """
    if n_neighbours < 1:
        raise InvalidInput(f"n_neighbours must be >= 1; got {n_neighbours}")
    probabilities = mean_probabilities(pool)
    check_probabilities(probabilities)
    rows = open_rows(pool)
    known, kind = np.flatnonzero(pool.labeled).astype(np.int64), "labeled"
    if len(known) == 0:
        known = np.sort(rng.choice(rows, min(_N_STAND_INS, len(rows)), replace=False))
        kind = "unlabeled (there is no label yet)"
    scores = np.zeros(len(pool.labeled))
    scores[rows] = neighbour_divergence(pool.embeddings, probabilities, rows, known, n_neighbours=n_neighbours)
    batch = Batch(pool, batch_size, max_per_group)
    count = min(n_neighbours, len(known))
    batch.fill(
        ranking(scores, pool, rng), lambda row: f"divergence {scores[row]:.2f} from its {count} nearest {kind} items"
    )
    return batch.result(scores)


def neighbour_divergence(
    embeddings: Float[np.ndarray, "n d"],
    probabilities: Float[np.ndarray, "n c"],
    rows: Int64[np.ndarray, " m"],
    known: Int64[np.ndarray, " l"],
    *,
    n_neighbours: int,
) -> Float64[np.ndarray, " m"]:
    """Return the mean of KL(p(neighbour) || p(row)), in nats, over the nearest of the known rows.

    Args:
        embeddings: one row per pool item.
        probabilities: class probabilities of each item.
        rows: items to score.
        known: items that may be neighbours, at least one; a row is no neighbour of itself, and scores 0 where it would
            be the only one.
        n_neighbours: neighbours of each row, at least 1; all where fewer are known.
    """
    import faiss

    references = np.ascontiguousarray(embeddings[known], dtype=np.float32)
    reference_p = _held_above_zero(probabilities[known])
    negative_entropy = (reference_p * np.log(reference_p)).sum(axis=1)
    out = np.zeros(len(rows))
    for place, block in blocks(embeddings, rows):
        n_asked = min(n_neighbours + 1, len(known))  # one more: the row itself may be among them
        _, found = faiss.knn(np.ascontiguousarray(block), references, n_asked)
        is_other = known[found] != rows[place, None]
        is_other &= np.cumsum(is_other, axis=1) <= n_neighbours
        log_p = np.log(_held_above_zero(probabilities[rows[place]]))
        for nth in range(n_asked):
            at = found[:, nth]
            divergence = negative_entropy[at] - (reference_p[at] * log_p).sum(axis=1)
            out[place] += np.where(is_other[:, nth], divergence, 0)
        out[place] /= np.maximum(is_other.sum(axis=1), 1)
    return out


def _held_above_zero(probabilities: Float[np.ndarray, "m c"]) -> Float64[np.ndarray, "m c"]:
    """Return probabilities of at least 1e-7 that sum to 1."""
    held = np.maximum(probabilities.astype(np.float64), _SMALLEST)
    return held / held.sum(axis=1, keepdims=True)
