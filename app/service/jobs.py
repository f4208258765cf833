"""Use cases: start, watch and cancel long work; the rounds that came of it."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from app.api.schemas import Job, JobEvent, JobKind, Round
from app.errors import EmptyPool
from app.service.context import Context
from app.service.items import when
from app.store import jobs as rows
from app.store import projects as project_rows
from app.store import rounds as round_rows
from app.store.database import Row

MEASURES = ("audit", "crossfit", "agreement", "coverage")
"""What a round's `measures` hold; nothing in rounds of older versions."""


def start(ctx: Context, project_id: int, kind: JobKind, params: Mapping[str, JsonValue]) -> Job:
    """Insert a job and begin it in a process of its own.

    Raises:
        Busy: the project has a job that is not done.
        EmptyPool: a round was asked and no image is left to choose from.
    """
    with ctx.db.write() as connection:
        project_rows.get(connection, project_id)
        counts = project_rows.state_counts(connection, project_id, now=ctx.clock())
        if kind == "round" and not counts.get("unqueued"):
            raise EmptyPool(
                f"project {project_id} has no image left to choose: {counts.get('queued', 0)} queued, "
                f"{counts.get('labeled', 0)} labeled, {counts.get('skipped', 0)} skipped; import more, or export"
            )
        job_id = rows.create(connection, project_id, kind, params)
    ctx.runner.start(job_id)
    return get(ctx, job_id)


def get(ctx: Context, job_id: int) -> Job:
    """One job; one whose worker died is closed on the way."""
    with ctx.db.read() as connection:
        row = rows.get(connection, job_id)
    if row["state"] in rows.ACTIVE:
        ctx.runner.reap()
        with ctx.db.read() as connection:
            row = rows.get(connection, job_id)
    return view(row)


def view(row: Row) -> Job:
    """A job as the wire shows it."""
    names = set(Job.model_fields) - {"created_at", "started_at", "ended_at"}
    return Job(
        **{name: row[name] for name in names},
        created_at=when(row["created_at"]),
        started_at=None if row["started_at"] is None else when(row["started_at"]),
        ended_at=None if row["ended_at"] is None else when(row["ended_at"]),
    )


def cancel(ctx: Context, job_id: int) -> Job:
    """Ask a job to stop; it ends at its next step, or is stopped when it does not listen. One that ended stays."""
    with ctx.db.write() as connection:
        rows.get(connection, job_id)
        rows.change(connection, job_id, {"cancel_requested_at": ctx.clock()})
    ctx.runner.reap()
    return get(ctx, job_id)


def events(ctx: Context, job_id: int, after: int) -> list[JobEvent]:
    """Events of a job after the one of this id; each holds the job as it was then."""
    with ctx.db.read() as connection:
        job = rows.get(connection, job_id)
        found = rows.events(connection, job_id, after)
    return [JobEvent(id=r["id"], event=r["type"], data=view({**job, **_as_it_was(r)})) for r in found]


def _as_it_was(event: Row) -> dict[str, object]:
    """The job's columns at the time of an event."""
    running = {"state": "running", "error": None, "result": None, "ended_at": None}
    return {**(running if event["type"] != "end" else {}), **event["data"]}


def rounds(ctx: Context, project_id: int) -> list[Round]:
    """All rounds of a project, oldest first."""
    with ctx.db.read() as connection:
        project_rows.get(connection, project_id)
        return [round_view(row) for row in round_rows.report(connection, project_id)]


def round_view(row: Row) -> Round:
    """A round as the wire shows it."""
    values: dict[str, Any] = {name: (row["measures"] or {}).get(name) for name in MEASURES}
    values.update({name: row[name] for name in set(Round.model_fields) - {"ci95", "created_at", *MEASURES}})
    ci95 = None if row["ci_low"] is None else (row["ci_low"], row["ci_high"])
    return Round(**values, ci95=ci95, created_at=when(row["created_at"]))
