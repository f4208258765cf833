"""Trains a project's head, measures it on items it has not seen, and puts it in place of the old one if it may."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from alcore.heads.folds import group_folds
from alcore.metrics import bootstrap_ci95, brier, ece
from app.errors import NoLabels
from app.jobs.classification import ClassificationLearner
from app.jobs.diagnosis import diagnose
from app.jobs.learners import Fitted, ItemScores, Learner
from app.jobs.measure import agreement, coverage, is_enough, measured
from app.jobs.pool import Pool, group_of, model_file
from app.jobs.progress import JobProgress
from app.jobs.segmentation import SegmentationLearner
from app.service.bounds import bound_facts
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
    measures: dict[str, JsonValue]
    """How good the new head is by each way to measure it, and how far it agrees with the one before."""
    losses: dict[int, float]
    """1 less the goodness of each labeled item that was measured by a head that had not seen it, by item id."""
    earlier: Fitted | None
    """The head that was in use before, where it can still be asked."""


def learner_of(pool: Pool, items: Sequence[Row]) -> Learner:
    """A learner of the project's task over some labeled items."""
    kind = SegmentationLearner if pool.project["task"] == "segmentation" else ClassificationLearner
    return kind(pool, items)


def require_labels(pool: Pool, learner: Learner) -> None:
    """Refuse to train where there is nothing to train on.

    Raises:
        NoLabels: fewer than two answers, or answers of one class only.
    """
    if not learner.can_train():
        need = "two images" if pool.project["task"] == "segmentation" else "images of two classes"
        audited = len(pool.audited())
        beside = f", beside {audited} of the audit set, which are never trained on" if audited else ""
        raise NoLabels(f"training needs at least {need} annotated; {len(learner.items)} are so far{beside}")


def train_model(pool: Pool, learner: Learner, job_id: int, *, seed: int, progress: JobProgress) -> Trained:
    """Train on all labels but the audit set's, from scratch, and measure the head in two ways.

    By cross-fitting, each item by a head that has not seen its group; and on the audit set, once enough of it is
    labeled, which is then what counts. The new head is written to a file first, then one transaction records it and
    makes it the project's; a reader sees the old or the new, never half of one. It stays aside where it is worse than
    the old one on what neither was trained on.
    """
    ctx, project = pool.ctx, pool.project
    progress.stage("training the head")
    fitted, scores = learner.fit(_folds(pool, learner, seed), seed=seed, progress=progress)
    values = np.full(len(learner.items), np.nan) if scores is None else scores.values
    report, diagnosis = dict(fitted.facts), dict[str, JsonValue]()
    if scores is not None:
        report |= _calibration(scores) | bound_facts(scores.confidences, values)
        diagnosis = diagnose(scores)
    model_id = f"head-{project['id']}-{job_id}"
    fitted.save(model_file(ctx, model_id))
    old = _old_model(pool)
    earlier = None if old is None else learner.load(model_file(ctx, str(old["id"])))
    crossfit, audit = measured(learner, values, seed), None
    accepted, reason = True, "the first model of this project, encoder and classes"
    audited = pool.audited()
    if is_enough(ctx.settings, audited):
        judge = learner_of(pool, audited)
        on_audit = _on_all(judge, fitted)
        audit = measured(judge, on_audit, seed)
        if earlier is not None:
            accepted, reason = _verdict(pool, judge, on_audit, _on_all(judge, earlier), "audit")
    elif old is not None and earlier is not None:
        accepted, reason = _gate(pool, learner, set(old["item_ids"]), earlier, values)
    best = audit or crossfit
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
        "value": None if best is None else best.value,
        "ci_low": None if best is None else best.ci95[0],
        "ci_high": None if best is None else best.ci95[1],
        "metric_on": None if best is None else "crossfit" if audit is None else "audit",
        "accepted": int(accepted),
        "report": {**report, **diagnosis, "gate": reason},
    }
    with ctx.db.write() as connection:
        round_rows.add_model(connection, record)
        if accepted:
            project_rows.change(connection, project["id"], {"model_id": model_id})
    progress.log(reason)
    in_use = model_id if accepted or old is None else str(old["id"])
    facts: dict[str, JsonValue] = {
        "model_id": in_use,
        "trained_model_id": model_id,
        "accepted": accepted,
        "metric": learner.metric,
        "value": None if best is None else best.value,
        "ci95": None if best is None else list(best.ci95),
        "metric_on": record["metric_on"],
        "n_labeled": len(learner.items),
        **report,
        "gate": reason,
    }
    kept = fitted if in_use == model_id or earlier is None else earlier
    losses = {row["id"]: 1 - float(v) for row, v in zip(learner.items, values, strict=True) if not np.isnan(v)}
    measures: dict[str, JsonValue] = {
        "crossfit": None if crossfit is None else crossfit.as_json(),
        "audit": None if audit is None else audit.as_json(),
        "agreement": agreement(pool, fitted, earlier, progress),
        "coverage": coverage(pool),
    }
    return Trained(fitted=kept, model_id=in_use, facts=facts, measures=measures, losses=losses, earlier=earlier)


def _calibration(scores: ItemScores) -> dict[str, JsonValue]:
    """How far confidence can be trusted on items that the head has not seen, with temperature scaling and without."""
    return {
        "ece": round(ece(scores.probabilities, scores.targets), 4),
        "ece_uncalibrated": round(ece(scores.uncalibrated, scores.targets), 4),
        "brier": round(brier(scores.probabilities, scores.targets), 4),
        "brier_uncalibrated": round(brier(scores.uncalibrated, scores.targets), 4),
    }


def _folds(pool: Pool, learner: Learner, seed: int) -> list[np.ndarray]:
    """Folds to measure on, with groups whole; none where the labels are too few."""
    groups = np.array([group_of(row) for row in learner.items])
    if len(groups) < MIN_MEASURED or len(set(groups)) < 2:
        return []
    strata = np.array(learner.strata())
    return group_folds(groups, strata=strata, n_folds=pool.ctx.settings.crossfit_folds, seed=seed)


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


def _on_all(judge: Learner, fitted: Fitted) -> np.ndarray:
    """How good another learner's head is on each of a learner's items."""
    return judge.adopt(fitted).measure(np.arange(len(judge.items))).values


def _gate(pool: Pool, learner: Learner, seen: set[int], earlier: Fitted, values: np.ndarray) -> tuple[bool, str]:
    """Whether the new head replaces the earlier one, and why, by items that neither had seen when it judged them.

    `seen` are the ids that the earlier one learned from; `values` of the new one are NaN where it was not measured.
    """
    is_new = np.array([row["id"] not in seen for row in learner.items]) & ~np.isnan(values)
    rows = np.flatnonzero(is_new)
    if len(rows) < MIN_COMPARED:
        return True, f"too few new labels to compare ({len(rows)}); the model with more labels is taken"
    before = np.full(len(values), np.nan)
    before[rows] = earlier.measure(rows).values
    return _verdict(pool, learner, values, before, "new")


def _verdict(pool: Pool, learner: Learner, now: np.ndarray, before: np.ndarray, kind: str) -> tuple[bool, str]:
    """Compare two heads on the items of which both say something (not NaN).

    Worse is what is beyond the tolerance and beyond chance: the new head has more labels, and on a few items a better
    one often looks a little worse.
    """
    rows = np.flatnonzero(~(np.isnan(now) | np.isnan(before)))
    if not len(rows):
        return True, f"the {kind} labels show no object to compare on"
    groups = np.array([group_of(learner.items[row]) for row in rows.tolist()])
    new, last = float(now[rows].mean()), float(before[rows].mean())
    change = bootstrap_ci95(now[rows] - before[rows], np.random.default_rng(0), groups=groups)
    accepted = new >= last - pool.ctx.settings.gate_tolerance or change[1] >= 0
    verdict = "is taken" if accepted else "stays aside"
    return accepted, f"the new model {verdict}: {new:.3f} against {last:.3f} on {len(rows)} {kind} items"


def try_learner(pool: Pool) -> Learner | None:
    """The learner where there are labels to train on, else None."""
    learner = learner_of(pool, pool.taught())
    try:
        require_labels(pool, learner)
    except NoLabels:
        return None
    return learner
