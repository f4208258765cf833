"""Adaptations of a project's promptable model: every attempt, taken into use or not, and what came of which."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from app.store.database import Row
from app.store.tables import adaptations


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Record an attempt, accepted or not."""
    connection.execute(insert(adaptations).values(**values, created_at=time.time()))


def get(connection: Connection, adaptation_id: str) -> Row | None:
    """One attempt."""
    query = select(adaptations).where(adaptations.c.id == adaptation_id)
    return connection.execute(query).mappings().one_or_none()


def of_project(connection: Connection, project_id: int) -> Sequence[Row]:
    """All attempts of a project, oldest first."""
    query = select(adaptations).where(adaptations.c.project_id == project_id)
    return connection.execute(query.order_by(adaptations.c.created_at, adaptations.c.job_id)).mappings().all()


def last(connection: Connection, project_id: int, segmenter: str) -> Row | None:
    """The newest attempt on this model, accepted or not."""
    found = [row for row in of_project(connection, project_id) if row["segmenter"] == segmenter]
    return found[-1] if found else None


def lineage(connection: Connection, adaptation_id: str | None) -> list[Row]:
    """An adaptation and all that it came from, newest first; nothing for None."""
    found: list[Row] = []
    while adaptation_id is not None and (row := get(connection, adaptation_id)) is not None:
        found.append(row)
        adaptation_id = row["parent_id"]
    return found
