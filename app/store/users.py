"""Accounts of people, and what each name has annotated. Accounts are never deleted: annotations keep their author."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, null, select, union_all, update
from sqlalchemy.exc import IntegrityError

from app.errors import AlreadyExists, NotFound
from app.store.database import Row
from app.store.tables import annotations, drafts, items, users


def all_of_them(connection: Connection) -> Sequence[Row]:
    """All accounts, oldest first."""
    return connection.execute(select(users).order_by(users.c.created_at, users.c.name)).mappings().all()


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Insert an account.

    Raises:
        AlreadyExists: the name is taken.
    """
    try:
        connection.execute(insert(users).values(**values))
    except IntegrityError as error:
        raise AlreadyExists(f"there is a user {values['name']!r} already") from error


def change(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Change an account.

    Raises:
        NotFound: there is none of this name.
    """
    if connection.execute(update(users).where(users.c.name == name).values(**values)).rowcount == 0:
        raise NotFound(f"there is no user {name!r}")


def work_done(connection: Connection) -> dict[str, Row]:
    """By annotator: `n_annotations` with all versions, `n_images`, and `last_at`, when they last saved anything."""
    saved = select(annotations.c.annotator, annotations.c.item_id, annotations.c.created_at.label("at"))
    skipped = select(items.c.skipped_by, null(), items.c.skipped_at).where(items.c.skipped_by.is_not(None))
    begun = select(drafts.c.annotator, null(), drafts.c.updated_at)
    acts = union_all(saved, skipped, begun).subquery("acts")
    query = select(
        acts.c.annotator,
        func.count(acts.c.item_id).label("n_annotations"),
        func.count(func.distinct(acts.c.item_id)).label("n_images"),
        func.max(acts.c.at).label("last_at"),
    ).group_by(acts.c.annotator)
    return {row["annotator"]: row for row in connection.execute(query).mappings()}
