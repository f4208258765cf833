"""Chooses a round's batch: the audit set's and the control arm's share by chance, the rest by the round's strategy."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alcore.opinions import Opinion
from alcore.rounds import Arm, arm_sizes, asks_a_head, audit_set
from alcore.strategies import named, select
from alcore.types import RoundPlan
from app.jobs.pool import Pool, group_of
from app.jobs.progress import JobProgress
from app.jobs.train import Trained
from app.jobs.uncertainty import keep_uncertainty
from app.jobs.view import view_of
from app.store.database import Row

AUDIT_REASON = "drawn at random and never learned from, to measure the model fairly; so there is no suggestion"
CONTROL_REASON = "drawn at random, to see whether choosing pays"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One item of a batch."""

    row: Row
    reason: str
    score: float | None
    arm: Arm


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a round asks, and which items it adds to the audit set."""

    choices: Sequence[Choice]
    kept: Sequence[int]


def choose(pool: Pool, plan: RoundPlan, trained: Trained | None, *, seed: int, progress: JobProgress) -> Batch:
    """Choose the next batch among the items that are neither queued, labeled nor skipped.

    Items of the audit set are asked by chance alone, and strategies know nothing of them: what a strategy took for
    covered because it is measured on would be learned worse than the rest of the pool. Control items are drawn from all
    others, before the strategy looks. Of a pool larger than `settings.max_scored`, a random part is scored where the
    strategy ranks by the head.
    """
    settings = pool.ctx.settings
    rng = np.random.default_rng([seed, len(pool.answers)])
    audited = _audited(pool, rng)
    left = [row for row in pool.items if row["state"] == "unqueued"]
    held = [row for row in left if row["id"] in audited]
    free = [row for row in left if row["id"] not in audited]
    shares: dict[Arm, float] = {"audit": settings.audit_share, "control": settings.control_share}
    sizes = arm_sizes(plan.batch_size, Counter(pool.arms.values()), shares)
    n_audit = min(len(held), max(sizes["audit"], plan.batch_size - len(free)))  # at the pool's end, all that is left
    drawn = [held[i] for i in sorted(rng.permutation(len(held))[:n_audit])]
    by_chance = set(rng.permutation(len(free))[: min(sizes["control"], plan.batch_size - n_audit)].tolist())
    control = [row for i, row in enumerate(free) if i in by_chance]
    rest = [row for i, row in enumerate(free) if i not in by_chance]
    n_chosen = min(plan.batch_size - n_audit - len(control), len(rest))
    chosen: list[Choice] = []
    if n_chosen:
        done = [row for row in pool.items if row["state"] != "unqueued" and row["id"] not in audited]
        chosen = _by_strategy(pool, plan.strategy, rest, [*done, *control], n_chosen, trained, rng, progress)
    chosen += [Choice(row=row, reason=CONTROL_REASON, score=None, arm="control") for row in control]
    chosen += [Choice(row=row, reason=AUDIT_REASON, score=None, arm="audit") for row in drawn]
    order = rng.permutation(len(chosen)) if control or drawn else np.arange(len(chosen))
    known = {row["id"] for row in pool.items if row["is_audit"]}
    return Batch(choices=[chosen[i] for i in order], kept=sorted(audited - known))


def _audited(pool: Pool, rng: np.random.Generator) -> set[int]:
    """Ids of the audit set, with what joins it now."""
    kept = np.array([bool(row["is_audit"]) for row in pool.items], dtype=np.bool_)
    asked = np.array([row["state"] != "unqueued" for row in pool.items], dtype=np.bool_)
    groups = np.array([group_of(row) for row in pool.items], dtype=object)
    settings = pool.ctx.settings
    inside = audit_set(
        groups, kept, asked & ~kept, share=settings.audit_share, min_items=settings.min_audit, rng=rng
    )  # fmt: skip
    return {row["id"] for row, is_inside in zip(pool.items, inside, strict=True) if is_inside}


def _by_strategy(
    pool: Pool,
    strategy: str,
    free: Sequence[Row],
    done: Sequence[Row],
    n: int,
    trained: Trained | None,
    rng: np.random.Generator,
    progress: JobProgress,
) -> list[Choice]:
    """Let a query strategy choose among `free`; `done` counts as labeled, and the rest of the pool is not there."""
    entry = named(strategy).strategy
    ranks = asks_a_head(entry)
    limit = pool.ctx.settings.max_scored
    if ranks and len(free) > limit:
        free = [free[i] for i in np.sort(rng.permutation(len(free))[:limit])]
    opinion = Opinion()
    if ranks and trained is not None:
        progress.stage("scoring the pool")
        opinion = trained.fitted.score(free, progress)
        keep_uncertainty(pool, trained, free, opinion)
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
        Choice(row=free[i], reason=reason, score=None if score is None else float(score), arm="strategy")
        for i, reason, score in zip(result.rows, reasons, scores, strict=True)
    ]
