"""PT4AL: batches by the loss of a self-supervised task, the least confident of each."""

import numpy as np
from jaxtyping import Float, Int64

from alcore.acquisition import least_confidence
from alcore.errors import InvalidInput
from alcore.strategies.quota import Quota
from alcore.strategies.registry import has, register
from alcore.strategies.uncertainty import mean_probabilities
from alcore.types import PoolView, QueryResult


@register(
    "pt4al",
    paper="Yi et al. 2022 (ECCV, arXiv:2201.07459)",
    phase="any",
    needs=frozenset({"pretext_losses"}),
    cost="O(n·(log n + c))",
    advice="Needs the loss of a self-supervised task on each image, for instance of rotation or reconstruction",
    draws=False,
)
def pt4al(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_cycles: int | None = None,
    cycle: int = 0,
) -> QueryResult:
    """Split the items by pretext loss, hardest first, and take the least confident of each part.

    Settings: with `n_cycles` the pool, labeled items included, falls into as many parts and round `cycle` (0, 1, …)
    asks of its own part only, as in the paper; a part that runs out is followed by the next. Without (None) the
    unlabeled items fall into `batch_size` parts and each gives one: a batch then spans all losses.

    Source: Yi, Seo, Park & Choi 2022 (ECCV, arXiv:2201.07459): sort by pretext loss, split into one part a round,
    choose in it by the previous model's confidence. Departures: the default, for rounds that keep no count of
    themselves; before there is a model the hardest of a part are taken, where the paper's first round takes them
    evenly over its part. Ties by chance.
    """
    if n_cycles is not None and not (n_cycles >= 1 and 0 <= cycle < n_cycles):
        raise InvalidInput(f"need n_cycles >= 1 and 0 <= cycle < n_cycles; got {n_cycles} and {cycle}")
    assert pool.pretext_losses is not None  # `select` has checked
    with_head = has(pool, "probabilities")
    scores = least_confidence(mean_probabilities(pool)) if with_head else pool.pretext_losses
    quota = Quota(pool, max_per_group)
    if n_cycles is None:
        parts = pretext_parts(pool.pretext_losses, np.flatnonzero(quota.open), batch_size, rng=rng)
        order = _one_of_each(parts, scores)
    else:
        parts = pretext_parts(pool.pretext_losses, np.arange(len(pool.labeled)), n_cycles, rng=rng)
        order = np.concatenate([_highest_first(part, scores) for part in parts[cycle:] + parts[:cycle]])
    part_of = np.zeros(len(pool.labeled), dtype=np.int64)
    for number, part in enumerate(parts, start=1):
        part_of[part] = number
    rows = quota.take_in_order(order, batch_size)
    how = "least confident" if with_head else "hardest"
    reasons = tuple(f"{how} left in part {part} of {len(parts)} by pretext loss" for part in part_of[rows].tolist())
    return QueryResult(rows=rows, reasons=reasons)


def pretext_parts(
    losses: Float[np.ndarray, " n"], rows: Int64[np.ndarray, " m"], n_parts: int, *, rng: np.random.Generator
) -> list[Int64[np.ndarray, "_"]]:
    """Split rows into parts of almost equal size by falling loss, ties by chance; at most one part a row.

    Source: Yi et al. 2022, the batch split. O(m·log m).
    """
    order = rows[np.lexsort((rng.random(len(rows)), -losses[rows]))].astype(np.int64)
    return list(np.array_split(order, min(n_parts, len(rows))))


def _highest_first(part: Int64[np.ndarray, " k"], scores: Float[np.ndarray, " n"]) -> Int64[np.ndarray, " k"]:
    """Sort by falling score; equal ones keep their order."""
    return part[np.argsort(-scores[part], kind="stable")]


def _one_of_each(parts: list[Int64[np.ndarray, "_"]], scores: Float[np.ndarray, " n"]) -> Int64[np.ndarray, " m"]:
    """Order rows by turns: the best of each part, then the second best of each, and so on."""
    ranked = [_highest_first(part, scores) for part in parts]
    turn = np.concatenate([np.arange(len(part)) for part in ranked])
    return np.concatenate(ranked)[np.argsort(turn, kind="stable")]
