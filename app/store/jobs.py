"""Jobs and their events. A project has at most one job that waits or runs; the database's index decides."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.errors import Busy, NotFound
from app.store.database import Row
from app.store.tables_jobs import job_events, jobs

ACTIVE = ("queued", "running")


def create(connection: Connection, project_id: int, kind: str, params: Mapping[str, JsonValue]) -> int:
    """Insert a job that waits for its worker.

    Raises:
        Busy: the project has one that waits or runs.
    """
    values = {"project_id": project_id, "kind": kind, "params": dict(params), "created_at": time.time()}
    try:
        done = connection.execute(insert(jobs).values(**values, state="queued").returning(jobs.c.id))
    except IntegrityError as error:
        raise Busy(f"project {project_id} has a job that is not done yet; wait for it or cancel it") from error
    return int(done.scalar_one())


def get(connection: Connection, job_id: int) -> Row:
    """One job.

    Raises:
        NotFound: there is none of this id.
    """
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no job {job_id}")
    return row


def active(connection: Connection) -> Sequence[Row]:
    """All jobs that wait or run."""
    return connection.execute(select(jobs).where(jobs.c.state.in_(ACTIVE)).order_by(jobs.c.id)).mappings().all()


def of_project(connection: Connection, project_id: int, *, limit: int) -> Sequence[Row]:
    """A project's jobs, newest first."""
    query = select(jobs).where(jobs.c.project_id == project_id).order_by(jobs.c.id.desc()).limit(limit)
    return connection.execute(query).mappings().all()


def log(connection: Connection, job_id: int) -> Sequence[Row]:
    """What a job told for good, oldest first; how far it was is left out."""
    query = select(job_events).where(job_events.c.job_id == job_id, job_events.c.type == "log")
    return connection.execute(query.order_by(job_events.c.id)).mappings().all()


def last_of(connection: Connection, project_id: int) -> int | None:
    """The project's newest job: the one that waits or runs, where there is one."""
    query = select(jobs.c.id).where(jobs.c.project_id == project_id).order_by(jobs.c.id.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def change(connection: Connection, job_id: int, values: Mapping[str, Any], *, only_active: bool = True) -> bool:
    """Set columns of a job; False (and nothing changed) when it has ended already."""
    statement = update(jobs).where(jobs.c.id == job_id)
    if only_active:
        statement = statement.where(jobs.c.state.in_(ACTIVE))
    return connection.execute(statement.values(**values)).rowcount > 0


def add_event(connection: Connection, job_id: int, kind: str, data: Mapping[str, JsonValue]) -> None:
    """Append a line to a job's stream."""
    row = {"job_id": job_id, "type": kind, "data": dict(data), "created_at": time.time()}
    connection.execute(insert(job_events).values(**row))


def end(connection: Connection, job_id: int, state: str, *, error: str | None = None, result: JsonValue = None) -> bool:
    """Close a job and its stream in one transaction; False when it was closed already."""
    values = {"state": state, "error": error[:4000] if error else None, "result": result, "ended_at": time.time()}
    if not change(connection, job_id, values):
        return False
    add_event(connection, job_id, "end", {"state": state, "error": values["error"], "result": result})
    return True


def events(connection: Connection, job_id: int, after: int, *, limit: int = 500) -> Sequence[Row]:
    """Events of a job after the one of this id, oldest first."""
    query = select(job_events).where(job_events.c.job_id == job_id, job_events.c.id > after)
    return connection.execute(query.order_by(job_events.c.id).limit(limit)).mappings().all()
