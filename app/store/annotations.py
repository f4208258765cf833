"""Annotations, which are only ever added (triggers refuse an update or delete), and drafts, which come and go."""

import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Connection, and_, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.errors import InvalidRequest, VersionConflict
from app.store import items as item_rows
from app.store.database import Row
from app.store.tables import annotations, drafts, items


def submitted(connection: Connection, submission_id: UUID, item_id: int) -> int | None:
    """Version that an earlier sending of this submission made; None when it is new.

    Raises:
        InvalidRequest: the id was used for another item.
    """
    query = select(annotations.c.item_id, annotations.c.version).where(
        annotations.c.submission_id == str(submission_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.item_id != item_id:
        raise InvalidRequest(f"submission_id {submission_id} was used for item {row.item_id}; make a new one per item")
    return int(row.version)


def add(connection: Connection, item_id: int, *, base_version: int, values: Mapping[str, Any]) -> int:
    """Append the next version of an item's annotation and mark the item labeled.

    Raises:
        VersionConflict: the newest version is not `base_version`.
    """
    item = item_rows.get(connection, item_id, now=time.time())
    if item["version"] != base_version:
        raise VersionConflict(
            f"item {item_id} is at version {item['version']}, the answer was made on version {base_version}: "
            "someone else annotated it since; load it again"
        )
    version = base_version + 1
    row = {**values, "item_id": item_id, "version": version, "round": item["round"], "created_at": time.time()}
    connection.execute(insert(annotations).values(**row))
    connection.execute(update(items).where(items.c.id == item_id).values(state="labeled", version=version))
    return version


def newest(connection: Connection, item_id: int) -> Row | None:
    """The annotation that counts: the newest version."""
    query = select(annotations).where(annotations.c.item_id == item_id).order_by(annotations.c.version.desc()).limit(1)
    return connection.execute(query).mappings().one_or_none()


def history(connection: Connection, item_id: int) -> Sequence[Row]:
    """All versions of an item's annotation, oldest first."""
    query = select(annotations).where(annotations.c.item_id == item_id).order_by(annotations.c.version)
    return connection.execute(query).mappings().all()


def of_project(connection: Connection, project_id: int) -> dict[int, Row]:
    """The newest annotation of every labeled item of a project, by item id in the order of import."""
    current = and_(annotations.c.item_id == items.c.id, annotations.c.version == items.c.version)
    query = (
        select(annotations)
        .select_from(items.join(annotations, current))
        .where(items.c.project_id == project_id, items.c.state == "labeled")
        .order_by(items.c.id)
    )
    return {int(row["item_id"]): row for row in connection.execute(query).mappings()}


def spent(connection: Connection, project_id: int) -> tuple[float, int]:
    """Annotator seconds and clicks of all versions of all annotations of a project."""
    query = (
        select(func.coalesce(func.sum(annotations.c.seconds), 0.0), func.coalesce(func.sum(annotations.c.clicks), 0))
        .select_from(annotations.join(items, items.c.id == annotations.c.item_id))
        .where(items.c.project_id == project_id)
    )
    seconds, clicks = connection.execute(query).one()
    return float(seconds), int(clicks)


def n_objects(connection: Connection, project_id: int) -> int:
    """Objects of the newest annotations of a project's labeled items."""
    current = and_(annotations.c.item_id == items.c.id, annotations.c.version == items.c.version)
    query = (
        select(func.coalesce(func.sum(func.json_array_length(annotations.c.objects)), 0))
        .select_from(items.join(annotations, current))
        .where(items.c.project_id == project_id, items.c.state == "labeled")
    )
    return int(connection.execute(query).scalar_one())


def save_draft(connection: Connection, item_id: int, annotator: str, draft: JsonValue) -> None:
    """Keep an annotator's unfinished work on an item, in place of what was kept before."""
    values = {"item_id": item_id, "annotator": annotator, "draft": draft, "updated_at": time.time()}
    statement = upsert(drafts).values(**values)
    changed = {"draft": statement.excluded.draft, "updated_at": statement.excluded.updated_at}
    connection.execute(statement.on_conflict_do_update(index_elements=["item_id", "annotator"], set_=changed))


def draft(connection: Connection, item_id: int, annotator: str | None) -> JsonValue:
    """An annotator's draft of an item, or for None the newest of anyone; null when there is none."""
    query = select(drafts.c.draft).where(drafts.c.item_id == item_id).order_by(drafts.c.updated_at.desc()).limit(1)
    if annotator is not None:
        query = query.where(drafts.c.annotator == annotator)
    found: JsonValue = connection.execute(query).scalar_one_or_none()
    return found


def drop_draft(connection: Connection, item_id: int, annotator: str) -> None:
    """Forget a draft that was accepted."""
    connection.execute(delete(drafts).where(drafts.c.item_id == item_id, drafts.c.annotator == annotator))
