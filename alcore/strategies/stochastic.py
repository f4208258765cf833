"""Batch rules that draw: noise on scores, and the best of many random batches."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.batch import Batch, check_positive, nonnegative_scores, open_rows
from alcore.strategies.quota import group_codes
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import scores_of
from alcore.types import PoolView, QueryResult

_HEAD = 4
"""Part of a random order, in batches, that is looked at first where groups have limits."""
_PAPER = "Kirsch et al., TMLR 2023 (arXiv:2106.12059)"


def power_keys(
    scores: Float64[np.ndarray, " n"], beta: float, *, rng: np.random.Generator
) -> Float64[np.ndarray, " n"]:
    """Return log score + Gumbel(0, 1/beta) noise: its top k are k draws without replacement, P ~ score^beta.

    Args:
        scores: acquisition scores, >= 0; a score of 0 gives -inf and comes last.
        beta: above 0; towards 0 all items are equally likely, towards infinity the ranking is that of the scores.
        rng: draws one number an item.

    Source: Kirsch et al. 2023, "power acquisition" (arXiv:2106.12059). O(n). No departure.
    """
    with np.errstate(divide="ignore"):
        return np.log(scores) + rng.gumbel(scale=1 / beta, size=len(scores))


def softmax_keys(
    scores: Float64[np.ndarray, " n"], beta: float, *, rng: np.random.Generator
) -> Float64[np.ndarray, " n"]:
    """Return score + Gumbel(0, 1/beta) noise: its top k are k draws without replacement, P ~ exp(beta·score).

    Arguments as in `power_keys`; scores may be negative. Source: Kirsch et al. 2023, "softmax acquisition". O(n).
    """
    return scores + rng.gumbel(scale=1 / beta, size=len(scores))


def softrank_keys(
    scores: Float64[np.ndarray, " n"], beta: float, *, rng: np.random.Generator
) -> Float64[np.ndarray, " n"]:
    """Return -log rank + Gumbel(0, 1/beta) noise: its top k are k draws without replacement, P ~ rank^-beta.

    The highest score has rank 1; equal scores are ranked by chance. Other arguments as in `power_keys`, scores may be
    negative. Source: Kirsch et al. 2023, "soft-rank acquisition". O(n log n).
    """
    order = np.lexsort((rng.random(len(scores)), -scores))
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    return -np.log(ranks) + rng.gumbel(scale=1 / beta, size=len(scores))


@register(
    "power",
    paper=_PAPER,
    phase="round",
    cost="O(n log n)",
    advice="The cheapest way to a less redundant batch; matches costly batch methods in its paper",
    is_nested=True,
)
def power(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    beta: float = 1.0,
) -> QueryResult:
    """Draw items with chances that grow with the score to the power of `beta`.

    Source: Kirsch et al. 2023 (arXiv:2106.12059): the top of log score + Gumbel(0, 1/beta) noise, which is drawing
    without replacement with P ~ score^beta. O(n log n). Items of score 0 come last, by chance. A negative score is
    refused. A group that is full is passed over.
    """
    scores = nonnegative_scores(acquisition, pool, strategy="power")
    batch = Batch(pool, batch_size, max_per_group)
    return _draw(pool, scores, power_keys, batch, acquisition=acquisition, beta=beta, rng=rng)


@register(
    "softmax_sampling",
    paper=_PAPER,
    phase="round",
    cost="O(n log n)",
    advice="For scores that may be negative; beta must suit their scale, which power and softrank do not mind",
    is_nested=True,
)
def softmax_sampling(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    beta: float = 1.0,
) -> QueryResult:
    """Draw items with chances that grow with the exponential of `beta` times the score.

    Source: Kirsch et al. 2023 (arXiv:2106.12059): the top of score + Gumbel(0, 1/beta) noise, which is drawing without
    replacement with P ~ exp(beta·score). O(n log n). A group that is full is passed over.
    """
    scores = scores_of(acquisition, pool).astype(np.float64)
    batch = Batch(pool, batch_size, max_per_group)
    return _draw(pool, scores, softmax_keys, batch, acquisition=acquisition, beta=beta, rng=rng)


@register(
    "softrank",
    paper=_PAPER,
    phase="round",
    cost="O(n log n)",
    advice="Asks nothing of the scores but their order; the calmest of the noisy rankings",
    is_nested=True,
)
def softrank(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    beta: float = 1.0,
) -> QueryResult:
    """Draw items with chances that fall with their rank to the power of `beta`.

    Source: Kirsch et al. 2023 (arXiv:2106.12059): the top of -log rank + Gumbel(0, 1/beta) noise, which is drawing
    without replacement with P ~ rank^-beta. O(n log n). Ranks are those among unlabeled items; a group that is full is
    passed over.
    """
    scores = scores_of(acquisition, pool).astype(np.float64)
    batch = Batch(pool, batch_size, max_per_group)
    return _draw(pool, scores, softrank_keys, batch, acquisition=acquisition, beta=beta, rng=rng)


@register(
    "stochastic_batches",
    paper="Gaillochet et al., MedIA 2023 (arXiv:2301.07670)",
    phase="round",
    cost="O(q·b) for q random batches; O(q·n log n) where groups cannot fill a batch",
    advice="As diverse as random, but more uncertain; made for medical segmentation",
)
def stochastic_batches(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    n_batches: int = 1000,
) -> QueryResult:
    """Draw many random batches and keep the one with the highest mean score.

    Source: Gaillochet, Desrosiers & Lombaert 2023 (arXiv:2301.07670). O(q·b). Departures: each of `n_batches` batches
    is drawn afresh from all unlabeled items; with a limit per group each batch honours it, as a random order from which
    items of full groups are struck.
    """
    if n_batches < 1:
        raise InvalidInput(f"n_batches must be >= 1; got {n_batches}")
    scores = scores_of(acquisition, pool).astype(np.float64)
    rows, mean = best_random_batch(
        scores,
        open_rows(pool),
        batch_size,
        codes=None if max_per_group is None or pool.groups is None else group_codes(pool.groups),
        max_per_group=max_per_group,
        n_batches=n_batches,
        rng=rng,
    )
    reason = f"in the best of {n_batches} random batches: mean {acquisition} {mean:.2f}"
    return QueryResult(rows=rows, scores=scores[rows], reasons=(reason,) * len(rows))


def best_random_batch(
    scores: Float64[np.ndarray, " n"],
    rows: Int64[np.ndarray, " m"],
    batch_size: int,
    *,
    codes: Int64[np.ndarray, " n"] | None,
    max_per_group: int | None,
    n_batches: int,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " b"], float]:
    """Return the random batch of highest mean score, best item first, and that mean.

    Args:
        scores: acquisition score of each item.
        rows: the items that may be drawn, at least one.
        batch_size: items in a batch; all of `rows` where there are fewer.
        codes: group number of each item, or None for no groups.
        max_per_group: with codes, the most that a batch holds of one group.
        n_batches: batches to draw, at least 1.
        rng: draws them.
    """
    best: Int64[np.ndarray, "_"] = rows[:0]
    best_mean = -np.inf
    for _ in range(n_batches):
        batch = _random_batch(rows, batch_size, codes, max_per_group, rng)
        mean = float(scores[batch].mean())
        if mean > best_mean:
            best, best_mean = batch, mean
    return best[np.argsort(-scores[best], kind="stable")], best_mean


def _random_batch(
    rows: Int64[np.ndarray, " m"],
    batch_size: int,
    codes: Int64[np.ndarray, " n"] | None,
    max_per_group: int | None,
    rng: np.random.Generator,
) -> Int64[np.ndarray, " b"]:
    """Draw one batch: the head of a random order, without what comes after its group is full."""
    if codes is None or max_per_group is None:
        return rng.choice(rows, size=min(batch_size, len(rows)), replace=False)
    # Most often the head of the random order will do; else it is continued with the rest, which is the same draw.
    head = rng.choice(rows, size=min(_HEAD * batch_size, len(rows)), replace=False)
    batch = _capped(head, codes, max_per_group)[:batch_size]
    if len(batch) == batch_size or len(head) == len(rows):
        return batch
    rest = rng.permutation(np.setdiff1d(rows, head, assume_unique=True))
    return _capped(np.concatenate([head, rest]), codes, max_per_group)[:batch_size]


def _capped(
    order: Int64[np.ndarray, " m"], codes: Int64[np.ndarray, " n"], max_per_group: int
) -> Int64[np.ndarray, " k"]:
    """Strike from an order what comes after its group is full."""
    by_group = np.argsort(codes[order], kind="stable")
    sorted_codes = codes[order][by_group]
    starts = np.flatnonzero(np.r_[True, sorted_codes[1:] != sorted_codes[:-1]])
    turn = np.empty(len(order), dtype=np.int64)
    turn[by_group] = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    return order[turn < max_per_group]


def _draw(
    pool: PoolView,
    scores: Float64[np.ndarray, " n"],
    keys_of: Callable[..., Float64[np.ndarray, " m"]],
    batch: Batch,
    *,
    acquisition: str,
    beta: float,
    rng: np.random.Generator,
) -> QueryResult:
    """Take the unlabeled rows with the highest keys, equal ones (scores of 0) by chance."""
    check_positive(beta=beta)
    rows = open_rows(pool)
    keys = keys_of(scores[rows], beta, rng=rng)
    order = rows[np.lexsort((rng.random(len(rows)), -keys))]
    batch.fill(order, lambda row: f"{acquisition} {scores[row]:.2f}, drawn with beta {beta:g}")
    return batch.result(scores)
