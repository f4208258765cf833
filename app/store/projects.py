"""Projects and their classes."""

import time
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.errors import AlreadyExists, NotFound
from app.store.database import Row
from app.store.tables import classes, items, leases, projects

COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#999999")
"""Okabe and Ito's palette: told apart by colour-blind people too; taken in order, then from the start again."""


def create(connection: Connection, values: Mapping[str, object], class_names: Sequence[str]) -> int:
    """Insert a project with its classes, numbered from 1.

    Raises:
        AlreadyExists: the name is taken.
    """
    try:
        row = connection.execute(insert(projects).values(**values, created_at=time.time()).returning(projects.c.id))
    except IntegrityError as error:
        raise AlreadyExists(f"there is a project named {values['name']!r} already; choose another name") from error
    project_id = int(row.scalar_one())
    add_classes(connection, project_id, class_names, first_id=1)
    return project_id


def add_classes(connection: Connection, project_id: int, names: Sequence[str], *, first_id: int) -> None:
    """Append classes; ids go on from `first_id` and never change."""
    rows = [
        {"project_id": project_id, "class_id": i, "name": name, "color": COLORS[(i - 1) % len(COLORS)]}
        for i, name in enumerate(names, start=first_id)
    ]
    if rows:
        connection.execute(insert(classes), rows)


def get(connection: Connection, project_id: int) -> Row:
    """One project.

    Raises:
        NotFound: there is none of this id.
    """
    row = connection.execute(select(projects).where(projects.c.id == project_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no project {project_id}")
    return row


def ids(connection: Connection) -> list[int]:
    """Ids of all projects, oldest first."""
    return list(connection.execute(select(projects.c.id).order_by(projects.c.id)).scalars())


def class_rows(connection: Connection, project_id: int) -> Sequence[Row]:
    """Classes of a project in order of id."""
    query = select(classes).where(classes.c.project_id == project_id).order_by(classes.c.class_id)
    return connection.execute(query).mappings().all()


def change(connection: Connection, project_id: int, values: Mapping[str, object]) -> None:
    """Set columns of a project.

    Raises:
        AlreadyExists: the new name is taken.
    """
    if not values:
        return
    try:
        connection.execute(update(projects).where(projects.c.id == project_id).values(**values))
    except IntegrityError as error:
        raise AlreadyExists(f"there is a project named {values.get('name')!r} already; choose another name") from error


def state_counts(connection: Connection, project_id: int, *, now: float) -> dict[str, int]:
    """Number of items by stored state, and under `leased` those of the queued ones that someone holds."""
    query = select(items.c.state, func.count()).where(items.c.project_id == project_id).group_by(items.c.state)
    counts = {str(row[0]): int(row[1]) for row in connection.execute(query)}
    held = (
        select(func.count())
        .select_from(leases.join(items, items.c.id == leases.c.item_id))
        .where(items.c.project_id == project_id, items.c.state == "queued", leases.c.expires_at > now)
    )
    return {**counts, "leased": connection.execute(held).scalar_one()}
