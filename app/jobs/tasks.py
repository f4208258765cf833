"""Jobs of the loop: embed, train, round."""

from collections.abc import Sequence

import numpy as np
from pydantic import JsonValue

from alcore.rounds import plan_round
from alcore.types import RoundPlan
from app.errors import EmptyPool
from app.jobs.adapt import adapt_if_due
from app.jobs.choose import Batch, choose
from app.jobs.compare import compare_if_cheap
from app.jobs.judge import with_qualities
from app.jobs.learners import Fitted, Offer
from app.jobs.pool import Pool, open_pool
from app.jobs.progress import JobProgress
from app.jobs.train import Trained, learner_of, require_labels, train_model, try_learner
from app.jobs.uncertainty import look_at_all
from app.service.context import Context
from app.service.jobs import round_view
from app.store import items as item_rows
from app.store import rounds as round_rows
from app.store.database import Row

Result = dict[str, JsonValue]


def embed(ctx: Context, job: Row, progress: JobProgress) -> Result:
    """Encode all images that are not encoded yet."""
    pool, n_new = open_pool(ctx, job["project_id"], progress)
    return {"embedded": n_new, "items": len(pool.items), "encoder_id": pool.store.encoder_id}


def train(ctx: Context, job: Row, progress: JobProgress) -> Result:
    """Train the head on all labels, and renew the starting masks of what is queued."""
    pool, _ = open_pool(ctx, job["project_id"], progress)
    pool, judged = with_qualities(pool, progress)
    learner = learner_of(pool, pool.taught())
    require_labels(pool, learner)
    trained = train_model(pool, learner, job["id"], seed=_seed(job), progress=progress)
    look_at_all(pool, trained, progress)
    queued = [row for row in pool.items if row["state"] == "queued" and not row["is_audit"]]
    offers = _offers(trained.fitted, queued, progress)
    with ctx.db.write() as connection:
        round_rows.put_suggestions(connection, [_stored(offer, trained.model_id) for offer in offers])
    return {**trained.facts, **judged}


def ask_round(ctx: Context, job: Row, progress: JobProgress) -> Result:
    """Embed, train where there are labels, choose a batch, make its starting masks, queue it; then compare and adapt.

    All that the round changes becomes visible in one transaction; a job that is run again makes no second round.
    """
    pool, n_embedded = open_pool(ctx, job["project_id"], progress)
    pool, judged = with_qualities(pool, progress)
    learner = try_learner(pool)
    trained = None if learner is None else train_model(pool, learner, job["id"], seed=_seed(job), progress=progress)
    if trained is not None:
        look_at_all(pool, trained, progress)
    plan = plan_round(
        pool.project["task"],
        len(pool.answers) if trained else 0,
        job["params"].get("strategy"),
        pool.project["cold_start"],
        pool.project["strategy"],
        job["params"].get("n") or pool.project["batch_size"],
    )
    batch = choose(pool, plan, trained, seed=_seed(job), progress=progress)
    if not batch.choices:
        raise EmptyPool("every image is queued, labeled or skipped by now; import more, or export")
    # What is only measured on comes without a suggestion: one that was accepted as it is would measure itself.
    offered = [choice.row for choice in batch.choices if choice.arm != "audit"]
    offers = _offers(trained.fitted, offered, progress) if trained else []
    number = _queue(pool, job, plan, batch, trained, offers)
    facts: Result = {**trained.facts, **judged} if trained else {"model_id": None}
    compared = compare_if_cheap(pool, learner, job, progress) if learner else None
    if compared is not None:
        facts["comparison"] = compared
    adapted = adapt_if_due(ctx, job, progress) if trained else None
    if adapted is not None:
        facts["adaptation"] = adapted
    return {**facts, "embedded": n_embedded, "round": _round_json(ctx, pool.project["id"], number)}


def _queue(
    pool: Pool,
    job: Row,
    plan: RoundPlan,
    batch: Batch,
    trained: Trained | None,
    offers: Sequence[Offer],
) -> int:
    """Record the round, its batch and the starting masks at once; returns the round's number."""
    project_id = pool.project["id"]
    with pool.ctx.db.write() as connection:
        made = round_rows.of_job(connection, job["id"])
        if made is not None:
            return int(made["number"])
        number = round_rows.last_number(connection, project_id) + 1
        asked = [
            {"item_id": c.row["id"], "reason": c.reason[:1000], "score": c.score, "arm": c.arm} for c in batch.choices
        ]
        queued = set(item_rows.enqueue(connection, project_id, asked, round_number=number))
        asked = [entry for entry in asked if entry["item_id"] in queued]
        item_rows.keep_for_audit(connection, batch.kept)
        values = {
            "project_id": project_id,
            "number": number,
            "job_id": job["id"],
            "strategy": plan.strategy,
            "reason": plan.reason,
            "seed": _seed(job),
            "n_selected": len(asked),
            "n_labeled_before": len(pool.answers),
            "seconds_before": pool.seconds_spent,
            "clicks_before": pool.clicks_spent,
            **_measured(trained),
        }
        round_rows.add(connection, values, asked)
        if trained:
            round_rows.put_suggestions(connection, [_stored(offer, trained.model_id) for offer in offers])
    return number


def _measured(trained: Trained | None) -> dict[str, JsonValue]:
    """The columns of a round that tell how good its model is."""
    if trained is None:
        return {}
    facts = trained.facts
    ci95 = facts["ci95"]
    low, high = ci95 if isinstance(ci95, list) else (None, None)
    return {
        "metric": facts["metric"],
        "value": facts["value"],
        "ci_low": low,
        "ci_high": high,
        "metric_on": facts["metric_on"],
        "model_id": trained.model_id,
        "measures": trained.measures,
    }


def _offers(fitted: Fitted, rows: Sequence[Row], progress: JobProgress) -> list[Offer]:
    """Starting masks of some items."""
    progress.stage("making starting masks")
    return fitted.suggest(rows, progress)


def _stored(offer: Offer, model_id: str) -> dict[str, object]:
    """An offer as the store keeps it."""
    return {
        "item_id": offer.item_id,
        "model_id": model_id,
        "objects": offer.objects,
        "label": offer.label,
        "uncertainty": offer.uncertainty,
    }


def _round_json(ctx: Context, project_id: int, number: int) -> JsonValue:
    """A round as the wire shows it."""
    with ctx.db.read() as connection:
        row = next(r for r in round_rows.report(connection, project_id) if r["number"] == number)
    shown: JsonValue = round_view(row).model_dump(mode="json")
    return shown


def _seed(job: Row) -> int:
    """The seed that the caller gave."""
    return int(np.int64(job["params"].get("seed") or 0))
