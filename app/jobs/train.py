"""Trains a project's head, measures it on items it has not seen, and puts it in place of the old one if it may."""

from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from alcore.heads.folds import group_folds
from alcore.metrics import bootstrap_ci95, ece
from app.errors import NoLabels
from app.jobs.classification import ClassificationLearner
from app.jobs.learners import Fitted, Learner
from app.jobs.pool import Pool, group_of, model_file
from app.jobs.progress import JobProgress
from app.jobs.segmentation import SegmentationLearner
from app.store import projects as project_rows
from app.store import rounds as round_rows
from app.store.database import Row

MIN_MEASURED = 4
MIN_COMPARED = 3


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training gave: the head in use from now on, and how good the new one is."""

    fitted: Fitted
    model_id: str
    """The head in use: the new one, or the old one where that stays."""
    facts: dict[str, JsonValue]
    """What the job's result and the round say about it."""
    losses: dict[int, float]
    """1 less the goodness of each labeled item that was measured by a head that had not seen it, by item id."""
    earlier: Fitted | None
    """The head that was in use before, where it can still be asked."""


def learner_of(pool: Pool) -> Learner:
    """The learner of the project's task, over what is labeled."""
    return SegmentationLearner(pool) if pool.project["task"] == "segmentation" else ClassificationLearner(pool)


def require_labels(pool: Pool, learner: Learner) -> None:
    """Refuse to train where there is nothing to train on.

    Raises:
        NoLabels: fewer than two answers, or answers of one class only.
    """
    if not learner.can_train():
        need = "two images" if pool.project["task"] == "segmentation" else "images of two classes"
        raise NoLabels(f"training needs at least {need} annotated; {len(learner.items)} are so far")


def train_model(pool: Pool, learner: Learner, job_id: int, *, seed: int, progress: JobProgress) -> Trained:
    """Train on all labels, from scratch. Measured by cross-fitting: each item by a head that has not seen its group.

    The new head is written to a file first, then one transaction records it and makes it the project's; a reader sees
    the old or the new, never half of one. It stays aside where it is worse than the old one on what neither was trained
    on.
    """
    ctx, project = pool.ctx, pool.project
    progress.stage("training the head")
    fitted, scores = learner.fit(_folds(pool, learner, seed), seed=seed, progress=progress)
    values = np.full(len(learner.items), np.nan) if scores is None else scores.values
    report: dict[str, JsonValue] = {}
    if scores is not None:
        report["ece"] = round(ece(scores.probabilities, scores.targets), 4)
    report.update(learner.notes)
    model_id = f"head-{project['id']}-{job_id}"
    fitted.save(model_file(ctx, model_id))
    measured = _summary(pool, learner, values, seed)
    old = _old_model(pool)
    accepted, reason = _gate(pool, learner, old, values)
    record = {
        "id": model_id,
        "project_id": project["id"],
        "job_id": job_id,
        "file": model_file(ctx, model_id).name,
        "encoder_id": pool.store.encoder_id,
        "class_ids": [c["class_id"] for c in pool.classes],
        "n_labeled": len(learner.items),
        "item_ids": [row["id"] for row in learner.items],
        "metric": learner.metric,
        **measured,
        "accepted": int(accepted),
        "report": {**report, "gate": reason},
    }
    with ctx.db.write() as connection:
        round_rows.add_model(connection, record)
        if accepted:
            project_rows.change(connection, project["id"], {"model_id": model_id})
    progress.log(reason)
    in_use = model_id if accepted or old is None else str(old["id"])
    ci95: JsonValue = None if measured["ci_low"] is None else [measured["ci_low"], measured["ci_high"]]
    facts: dict[str, JsonValue] = {
        "model_id": in_use,
        "trained_model_id": model_id,
        "accepted": accepted,
        "metric": learner.metric,
        "value": measured["value"],
        "ci95": ci95,
        "metric_on": measured["metric_on"],
        "n_labeled": len(learner.items),
        **report,
        "gate": reason,
    }
    earlier = None if old is None else learner.load(model_file(ctx, str(old["id"])))
    kept = fitted if in_use == model_id or earlier is None else earlier
    losses = {row["id"]: 1 - float(v) for row, v in zip(learner.items, values, strict=True) if not np.isnan(v)}
    return Trained(fitted=kept, model_id=in_use, facts=facts, losses=losses, earlier=earlier)


def _folds(pool: Pool, learner: Learner, seed: int) -> list[np.ndarray]:
    """Folds to measure on, with groups whole; none where the labels are too few."""
    groups = np.array([group_of(row) for row in learner.items])
    if len(groups) < MIN_MEASURED or len(set(groups)) < 2:
        return []
    strata = np.array(learner.strata())
    return group_folds(groups, strata=strata, n_folds=pool.ctx.settings.crossfit_folds, seed=seed)


def _summary(pool: Pool, learner: Learner, values: np.ndarray, seed: int) -> dict[str, float | str | None]:
    """The metric with its interval: on the random audit items where there are enough, else on all labeled ones."""
    audit = np.array([bool(row["is_audit"]) for row in learner.items])
    known = ~np.isnan(values)
    on_audit = int((audit & known).sum()) >= pool.ctx.settings.min_audit
    rows = np.flatnonzero(known & audit if on_audit else known)
    summands = learner.summands(values[rows], rows) if len(rows) else values[:0]
    if not len(summands):
        return {"value": None, "ci_low": None, "ci_high": None, "metric_on": None}
    low, high = bootstrap_ci95(summands, np.random.default_rng(seed))
    return {
        "value": float(summands.mean()),
        "ci_low": max(0.0, low),
        "ci_high": min(1.0, high),
        "metric_on": "audit" if on_audit else "crossfit",
    }


def _old_model(pool: Pool) -> Row | None:
    """The model in use, if it can be asked: same encoder, same classes, its file there."""
    model_id = pool.project["model_id"]
    if model_id is None:
        return None
    with pool.ctx.db.read() as connection:
        old = round_rows.model(connection, model_id)
    classes = [c["class_id"] for c in pool.classes]
    same = old is not None and old["encoder_id"] == pool.store.encoder_id and old["class_ids"] == classes
    return old if same and model_file(pool.ctx, model_id).is_file() else None


def _gate(pool: Pool, learner: Learner, old: Row | None, values: np.ndarray) -> tuple[bool, str]:
    """Whether the new head replaces the old one, and why, by items that neither has seen when it judged them."""
    if old is None:
        return True, "the first model of this project, encoder and classes"
    seen = set(old["item_ids"])
    rows = np.array(
        [i for i, row in enumerate(learner.items) if row["id"] not in seen and not np.isnan(values[i])], int
    )
    if len(rows) < MIN_COMPARED:
        return True, f"too few new labels to compare ({len(rows)}); the model with more labels is taken"
    before = learner.load(model_file(pool.ctx, old["id"])).measure(rows).values
    both = ~np.isnan(before)
    if not both.any():
        return True, "the new labels show no object to compare on"
    new, last = float(values[rows][both].mean()), float(before[both].mean())
    accepted = new >= last - pool.ctx.settings.gate_tolerance
    verdict = "is taken" if accepted else "stays aside"
    return accepted, f"the new model {verdict}: {new:.3f} against {last:.3f} on {int(both.sum())} new items"


def try_learner(pool: Pool) -> Learner | None:
    """The learner where there are labels to train on, else None."""
    learner = learner_of(pool)
    try:
        require_labels(pool, learner)
    except NoLabels:
        return None
    return learner
