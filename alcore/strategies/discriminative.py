"""Discriminative active learning: ask what can be told apart from the labeled items."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import blocks
from alcore.strategies.networks import Adam, Discriminator, draw_rows, sigmoid, standardizer_of
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult

_HALF_BATCH = 64
_RATE, _DECAY = 3e-3, 1e-2

UnlabeledLogits = Callable[[Bool[np.ndarray, " n"]], Float[np.ndarray, " n"]]
"""From the labeled flags to a score of each item that is higher the less it looks labeled."""


@register(
    "discriminative_al",
    paper="Gissin & Shalev-Shwartz 2019 (arXiv:1907.06347)",
    phase="any",
    needs=frozenset({"embeddings"}),
    cost="O(q·(s·h + n·h)·d) for q mini-queries, s training rows, h hidden units",
    advice="Makes the labeled set look like the pool; no head is needed",
)
def discriminative_al(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_queries: int = 10,
    n_steps: int = 200,
) -> QueryResult:
    """Take the items that a classifier of labeled against unlabeled is surest to be unlabeled, in mini-queries.

    Settings: `n_queries` mini-queries a batch; `n_steps` gradient steps each.

    Source: Gissin & Shalev-Shwartz 2019 (arXiv:1907.06347). After each mini-query its items count as labeled and the
    classifier starts anew. Departures: one hidden layer of 64 units on the frozen embeddings, trained for a fixed
    number of steps on 64 + 64 rows each (the paper's has three layers of 256, and stops early by its accuracy);
    ranked by the logit, which does not saturate as the probability does; with nothing labeled the first mini-query is
    drawn at random. Cost: s = 128 · n_steps training rows and one pass over the pool a mini-query.
    """
    if n_queries < 1 or n_steps < 1:
        raise InvalidInput(f"n_queries and n_steps must be >= 1; got {n_queries} and {n_steps}")
    rows, logits = mini_queries(
        lambda labeled: unlabeled_logits(pool.embeddings, labeled, n_steps=n_steps, rng=rng),
        pool.labeled,
        Quota(pool, max_per_group),
        batch_size=batch_size,
        n_queries=n_queries,
        rng=rng,
    )
    reasons = tuple(
        "drawn at random: nothing was labeled yet"
        if np.isnan(p)
        else f"unlike the labeled: {p:.2f} sure that it is unlabeled"
        for p in sigmoid(logits).tolist()
    )
    return QueryResult(rows=rows, reasons=reasons)


def mini_queries(
    logits_of: UnlabeledLogits,
    labeled: Bool[np.ndarray, " n"],
    quota: Quota,
    *,
    batch_size: int,
    n_queries: int,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, " b"]]:
    """Split a batch into mini-queries, each by a discriminator to which the earlier picks are labeled.

    Args:
        logits_of: trains a discriminator on labeled flags and scores all items, higher = less like the labeled.
        labeled: True where the oracle has answered.
        quota: the rows that may be picked; it is used up.
        batch_size: rows to pick; fewer come back when the quota runs out.
        n_queries: mini-queries; more than `batch_size` mean one item each.
        rng: breaks ties; draws the first mini-query where nothing is labeled.

    Returns:
        Rows in pick order and the score of each; NaN where it was drawn.

    Source: Gissin & Shalev-Shwartz 2019, Algorithm 1. Cost: one call of `logits_of` and one sort a mini-query.
    """
    labeled = labeled.copy()
    target = min(batch_size, int(quota.open.sum()))
    rows: list[int] = []
    scores: list[float] = []
    for part in np.array_split(np.arange(target), min(n_queries, target)):
        if not quota.open.any():  # groups are full
            break
        logits = np.full(len(labeled), np.nan)
        if labeled.any():
            logits = np.asarray(logits_of(labeled), dtype=np.float64)
        candidates = np.flatnonzero(quota.open)
        order = candidates[np.lexsort((rng.random(len(candidates)), -logits[candidates]))]
        taken = quota.take_in_order(order.astype(np.int64), len(part))
        rows += taken.tolist()
        scores += logits[taken].tolist()
        labeled[taken] = True
    return np.asarray(rows, dtype=np.int64), np.asarray(scores, dtype=np.float64)


def unlabeled_logits(
    embeddings: Float[np.ndarray, "n d"],
    labeled: Bool[np.ndarray, " n"],
    *,
    n_hidden: int = 64,
    n_steps: int = 200,
    rng: np.random.Generator,
) -> Float32[np.ndarray, " n"]:
    """Train a discriminator of unlabeled against labeled items and score all.

    Args:
        embeddings: one row per pool item, shifted and scaled here.
        labeled: True for the one class; both must occur, or all scores are 0.
        n_hidden: units of the hidden layer.
        n_steps: Adam steps, on as many labeled as unlabeled rows.
        rng: first weights and mini-batches.

    Returns:
        The logit of being unlabeled, of every item.

    Cost: O((128·n_steps + n)·d·n_hidden) time, O(n) memory.
    """
    yes, no = np.flatnonzero(~labeled), np.flatnonzero(labeled)
    scores = np.zeros(len(labeled), dtype=np.float32)
    if len(yes) == 0 or len(no) == 0:
        return scores
    scaled = standardizer_of(embeddings, rng)
    network = Discriminator(embeddings.shape[1], n_hidden, rng)
    optimizer = Adam(network.parameters, _RATE, decay=_DECAY)
    targets = np.repeat(np.asarray([1, 0], np.float32), _HALF_BATCH)
    for _ in range(n_steps):
        halves = [draw_rows(embeddings, rows, _HALF_BATCH, rng)[1] for rows in (yes, no)]
        gradients, _ = network.backward(scaled(np.concatenate(halves)), targets)
        optimizer.step(gradients)
    for place, block in blocks(embeddings):
        scores[place] = network.logits(scaled(block))
    return scores
