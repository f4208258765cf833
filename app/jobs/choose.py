"""Chooses a round's batch: some items at random for an honest curve, the rest by the round's strategy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alcore.strategies import STRATEGIES, select
from alcore.types import PoolView, RoundPlan
from app.jobs.learners import Fitted, Opinion
from app.jobs.pool import Pool
from app.jobs.progress import JobProgress
from app.store.database import Row

AUDIT_REASON = "drawn at random, to measure the model fairly"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One item of a batch."""

    row: Row
    reason: str
    score: float | None
    is_audit: bool


def choose(pool: Pool, plan: RoundPlan, fitted: Fitted | None, *, seed: int, progress: JobProgress) -> list[Choice]:
    """Choose the next batch among the items that are neither queued, labeled nor skipped.

    Of a pool larger than `settings.max_scored`, a random part is scored where the strategy ranks by the head.
    """
    settings = pool.ctx.settings
    rng = np.random.default_rng([seed, len(pool.answers)])
    free = [row for row in pool.items if row["state"] == "unqueued"]
    n_audit = min(round(plan.batch_size * settings.audit_share), len(free))
    audit = {int(i) for i in rng.permutation(len(free))[:n_audit]}
    rest = [row for i, row in enumerate(free) if i not in audit]
    n_chosen = min(plan.batch_size - n_audit, len(rest))
    chosen = [Choice(row=free[i], reason=AUDIT_REASON, score=None, is_audit=True) for i in sorted(audit)]
    if n_chosen:
        chosen = [*_by_strategy(pool, plan.strategy, rest, n_chosen, fitted, rng, progress), *chosen]
    order = rng.permutation(len(chosen)) if chosen and n_audit else np.arange(len(chosen))
    return [chosen[i] for i in order]


def _by_strategy(
    pool: Pool,
    strategy: str,
    free: Sequence[Row],
    n: int,
    fitted: Fitted | None,
    rng: np.random.Generator,
    progress: JobProgress,
) -> list[Choice]:
    """Let a query strategy choose among `free`; everything else counts as labeled."""
    ranks = STRATEGIES[strategy].phase == "round" or bool(STRATEGIES[strategy].needs & {"probabilities", "committee"})
    limit = pool.ctx.settings.max_scored
    if ranks and len(free) > limit:
        free = [free[i] for i in np.sort(rng.permutation(len(free))[:limit])]
    done = [row for row in pool.items if row["state"] != "unqueued"]
    rows = [*free, *done]
    opinion = Opinion()
    if ranks and fitted is not None:
        progress.stage("scoring the pool")
        opinion = fitted.score(free, progress)
    progress.stage(f"choosing with {strategy}")
    grouped = any(row["group_name"] is not None for row in rows)
    view = PoolView(
        embeddings=pool.store.vectors(pool.keys(rows)),
        labeled=np.array([False] * len(free) + [True] * len(done)),
        groups=np.array([row["group_name"] for row in rows], dtype=object) if grouped else None,
        probabilities=_padded(opinion.probabilities, len(done), axis=0),
        committee=_padded(opinion.committee, len(done), axis=1),
        uncertainty={name: np.concatenate([s, np.zeros(len(done))]) for name, s in opinion.uncertainty.items()},
    )
    quota = pool.ctx.settings.max_per_group if grouped else None
    result = select(strategy, view, n, rng=rng, max_per_group=quota)
    reasons = result.reasons or (f"chosen by {strategy}",) * len(result.rows)
    scores = result.scores if result.scores is not None else [None] * len(result.rows)
    return [
        Choice(row=rows[i], reason=reason, score=None if score is None else float(score), is_audit=False)
        for i, reason, score in zip(result.rows, reasons, scores, strict=True)
    ]


def _padded(array: np.ndarray | None, n: int, *, axis: int) -> np.ndarray | None:
    """Add n rows of even odds for items that cannot be chosen."""
    if array is None:
        return None
    shape = list(array.shape)
    shape[axis] = n
    return np.concatenate([array, np.full(shape, 1 / shape[-1], array.dtype)], axis=axis)
