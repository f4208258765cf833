"""Whether choosing pays in a project: heads trained on chosen items against heads trained on random ones."""

from collections import Counter

import numpy as np
from pydantic import JsonValue

from alcore.control import compare_arms, draw_halves, what_lacks
from alcore.errors import AlcoreError, Cancelled
from app.errors import FewclickError, NoLabels
from app.jobs.learners import Learner
from app.jobs.pool import Pool, group_of, open_pool
from app.jobs.progress import JobProgress
from app.jobs.train import learner_of
from app.service.context import Context
from app.store import comparisons as comparison_rows
from app.store.database import Row

N_DRAWS = {"classification": 10, "segmentation": 5}
"""Heads an arm."""
CHEAP = frozenset({"classification"})
"""Tasks whose heads train in moments: their rounds compare by themselves. Decoders do it when they are asked to."""


def compare(ctx: Context, job: Row, progress: JobProgress) -> dict[str, JsonValue]:
    """Compare the arms of a project, on its audit set.

    Raises:
        NoLabels: the control arm or the audit set is too small yet.
    """
    pool, _ = open_pool(ctx, job["project_id"], progress)
    lacking = lacks(pool)
    if lacking:
        raise NoLabels(f"too few labels yet to compare chosen with random images: {lacking}")
    return compare_pool(pool, learner_of(pool, pool.taught()), job, progress)


def compare_if_cheap(pool: Pool, learner: Learner, job: Row, progress: JobProgress) -> dict[str, JsonValue] | None:
    """Compare after a round, where heads train in moments and labels are enough.

    What goes wrong, or is cancelled, here does not undo the round that came before it: it is logged.
    """
    if pool.project["task"] not in CHEAP or lacks(pool):
        return None
    try:
        return compare_pool(pool, learner, job, progress)
    except (AlcoreError, FewclickError) as error:
        reason = "it was cancelled" if isinstance(error, Cancelled) else str(error)
        progress.log(f"chosen and random images were not compared: {reason}")
        return None


def lacks(pool: Pool) -> str:
    """What a comparison still needs; empty where it can be made."""
    settings, audited = pool.ctx.settings, pool.audited()
    labeled = Counter(pool.arms.get(row["id"]) for row in pool.taught())
    n_groups = len({group_of(row) for row in audited})
    return what_lacks(labeled["strategy"], labeled["control"], len(audited), n_groups, min_audit=settings.min_audit)


def compare_pool(pool: Pool, learner: Learner, job: Row, progress: JobProgress) -> dict[str, JsonValue]:
    """Train halves of both arms, measure them on the audit set, and record what came of it."""
    seed = int(job["params"].get("seed") or 0)
    rng = np.random.default_rng([seed, len(pool.answers)])
    arms = np.array([pool.arms.get(row["id"], "") for row in learner.items])
    n_draws = N_DRAWS[pool.project["task"]]
    chosen, random = (np.flatnonzero(arms == arm) for arm in ("strategy", "control"))
    halves = draw_halves(chosen, random, n_draws=n_draws, rng=rng)
    progress.stage("training on chosen and on random images")
    heads = learner.fit_parts([*halves.strategy, *halves.control], seed=seed, progress=progress)
    judge = learner_of(pool, pool.audited())
    everything = np.arange(len(judge.items))
    values = np.stack([judge.adopt(head).measure(everything).values for head in heads])
    rows = np.flatnonzero(~np.isnan(values).any(axis=0))  # items on which all heads say something
    if not len(rows):
        raise NoLabels("the audit set shows no object to compare on")
    groups = np.array([group_of(judge.items[row]) for row in rows.tolist()])
    found = compare_arms(values[:n_draws, rows], values[n_draws:, rows], groups, judge.classes(rows), rng=rng)
    record: dict[str, JsonValue] = {
        "metric": learner.metric,
        "n_trained": halves.control.shape[1],
        "n_measured": len(rows),
        "n_draws": n_draws,
        "strategy": found.strategy,
        "control": found.control,
        "difference": found.difference,
        "ci_low": found.interval[0],
        "ci_high": found.interval[1],
    }
    with pool.ctx.db.write() as connection:
        comparison_rows.add(connection, {**record, "project_id": pool.project["id"], "job_id": job["id"]})
    return record
