"""Comparisons of a project's arms: heads trained on chosen items against heads trained on random ones."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from app.store.database import Row
from app.store.tables import comparisons


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Record a comparison."""
    connection.execute(insert(comparisons).values(**values, created_at=time.time()))


def last(connection: Connection, project_id: int) -> Row | None:
    """The newest comparison of a project."""
    query = select(comparisons).where(comparisons.c.project_id == project_id)
    return connection.execute(query.order_by(comparisons.c.id.desc()).limit(1)).mappings().one_or_none()
