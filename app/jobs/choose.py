"""Chooses a round's batch: some items at random for an honest curve, the rest by the round's strategy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alcore.opinions import Opinion
from alcore.rounds import asks_a_head
from alcore.strategies import STRATEGIES, select
from alcore.types import RoundPlan
from app.jobs.pool import Pool
from app.jobs.progress import JobProgress
from app.jobs.train import Trained
from app.jobs.view import view_of
from app.store.database import Row

AUDIT_REASON = "drawn at random, to measure the model fairly"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One item of a batch."""

    row: Row
    reason: str
    score: float | None
    is_audit: bool


def choose(pool: Pool, plan: RoundPlan, trained: Trained | None, *, seed: int, progress: JobProgress) -> list[Choice]:
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
        chosen = [*_by_strategy(pool, plan.strategy, rest, n_chosen, trained, rng, progress), *chosen]
    order = rng.permutation(len(chosen)) if chosen and n_audit else np.arange(len(chosen))
    return [chosen[i] for i in order]


def _by_strategy(
    pool: Pool,
    strategy: str,
    free: Sequence[Row],
    n: int,
    trained: Trained | None,
    rng: np.random.Generator,
    progress: JobProgress,
) -> list[Choice]:
    """Let a query strategy choose among `free`; everything else counts as labeled."""
    entry = STRATEGIES[strategy]
    ranks = asks_a_head(entry)
    limit = pool.ctx.settings.max_scored
    if ranks and len(free) > limit:
        free = [free[i] for i in np.sort(rng.permutation(len(free))[:limit])]
    done = [row for row in pool.items if row["state"] != "unqueued"]
    opinion = Opinion()
    if ranks and trained is not None:
        progress.stage("scoring the pool")
        opinion = trained.fitted.score(free, progress)
        if "previous_probabilities" in entry.needs and trained.earlier is not None:
            earlier = trained.earlier.score(free, progress).probabilities
            opinion = replace(opinion, previous_probabilities=earlier)
    progress.stage(f"choosing with {strategy}")
    view = view_of(pool, free, done, opinion, trained.losses if trained else {}, entry.needs)
    quota = pool.ctx.settings.max_per_group if view.groups is not None else None
    result = select(strategy, view, n, rng=rng, max_per_group=quota)
    reasons = result.reasons or (f"chosen by {strategy}",) * len(result.rows)
    scores = result.scores if result.scores is not None else [None] * len(result.rows)
    return [
        Choice(row=free[i], reason=reason, score=None if score is None else float(score), is_audit=False)
        for i, reason, score in zip(result.rows, reasons, scores, strict=True)
    ]
