"""Greedy determinantal point process: good items that span a large volume."""

import numpy as np
from jaxtyping import Float, Float64

from alcore.errors import InvalidInput
from alcore.strategies.batch import Batch, nonnegative_scores
from alcore.strategies.blocks import products, squared_norms
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult


@register(
    "dpp",
    paper="Chen et al., NeurIPS 2018 (arXiv:1709.05135)",
    phase="round",
    needs=frozenset({"embeddings"}),
    cost="O(n·b·d)",
    advice="Trades score for spread in one objective; similarity says how strongly twins are shunned",
    draws=False,
    is_nested=True,
)
def dpp(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    similarity: float = 0.99,
) -> QueryResult:
    """Take greedily what adds most volume: high scores, at wide angles to one another.

    Source: greedy MAP inference for a determinantal point process, Chen, Zhang & Zhou 2018 (arXiv:1709.05135), with the
    kernel L = diag(q)·S·diag(q) of Kulesza & Taskar 2012: q the scores, S the cosines. The same picks as the paper's
    updates of a Cholesky factor, in O(n·b·d) time and O(n) memory instead of O(n·b): with features known, a rank-one
    update of a d × d matrix does. Departures: off the diagonal S is `similarity` times the cosine, so that L has full
    rank for any batch; the number of items is given, so that the gain may fall below 0; a score of 0 counts as 1e-12
    of the largest. Negative scores are refused; a group that is full is passed over.
    """
    if not 0 <= similarity < 1:
        raise InvalidInput(f"similarity must lie in 0..1, 1 excluded; got {similarity}")
    scores = nonnegative_scores(acquisition, pool, strategy="dpp")
    batch = Batch(pool, batch_size, max_per_group)
    greedy_map(pool.embeddings, scores, batch, similarity=similarity, rng=rng, name=acquisition)
    return batch.result(scores)


def greedy_map(
    embeddings: Float[np.ndarray, "n d"],
    quality: Float64[np.ndarray, " n"],
    batch: Batch,
    *,
    similarity: float,
    rng: np.random.Generator,
    name: str = "quality",
) -> None:
    """Take, until the batch is full, the open row that adds most to the log-determinant of the chosen rows' kernel.

    Args:
        embeddings: one row per pool item; their lengths do not matter, and a row of zeros is like no other.
        quality: q, >= 0.
        batch: gets the rows; only rows open in its quota are taken.
        similarity: a in S = a·cosine + (1 - a)·identity, in [0, 1).
        rng: breaks ties.
        name: what the quality is called in the reasons.

    With unit rows f, S = (1 - a)·(I + r·F·F') for r = a / (1 - a), and the gain of item i over the chosen rows C is
    log q_i² + log(1 - a) + log(1 + r·f_i'·M·f_i) with M = (I + r·F_C'·F_C)^-1. Taking j changes f_i'·M·f_i by
    -r·(f_i'·M·f_j)² / (1 + r·f_j'·M·f_j), one product of all rows with the vector M·f_j (Sherman & Morrison).
    """
    lengths = np.sqrt(squared_norms(embeddings).astype(np.float64))
    inverse_lengths = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    ratio = similarity / (1 - similarity)
    spread = (lengths > 0).astype(np.float64)
    inverse = np.eye(embeddings.shape[1])
    floor = max(1e-12 * float(quality.max(initial=0)), np.finfo(np.float64).tiny)
    log_quality = 2 * np.log(np.maximum(quality, floor))
    while not batch.is_full:
        gains = np.where(batch.quota.open, log_quality + np.log1p(ratio * spread), -np.inf)
        row = int(rng.choice(np.flatnonzero(gains == gains.max())))
        left = (1 - similarity) * (1 + ratio * spread[row])
        batch.take(row, f"{name} {quality[row]:.2f}, {left:.0%} of its variance new to the batch")
        direction = inverse @ (embeddings[row].astype(np.float64) * inverse_lengths[row])
        scale = ratio / (1 + ratio * spread[row])
        along = products(embeddings, direction[None])[:, 0] * inverse_lengths
        spread = np.maximum(spread - scale * along**2, 0)
        inverse -= scale * np.outer(direction, direction)
