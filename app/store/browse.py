"""Finds items of a project by what is asked of them, and reads of many items at once what the overview shows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, distinct, exists, func, or_, select

from app.store.database import Row
from app.store.tables import annotations, items, leases

_NEWEST = and_(annotations.c.item_id == items.c.id, annotations.c.version == items.c.version)


def find(
    connection: Connection,
    project_id: int,
    *,
    state: str | None = None,
    class_id: int | None = None,
    class_name: str | None = None,
    round: int | None = None,
    group: str | None = None,
    name: str | None = None,
    audit: bool | None = None,
    flagged: bool | None = None,
    newest_first: bool = False,
    limit: int | None = None,
    offset: int = 0,
    now: float,
) -> tuple[list[int], int]:
    """Ids of the items that fit all that is given, in the order of import, or the last answered first; how many fit.

    `leased` means queued with a live lease; a class, given by id and name, is that of the newest answer. Of those that
    fit, `limit` come from `offset` on; None gives all.
    """
    wanted: list[ColumnElement[bool]] = [items.c.project_id == project_id]
    held = exists().where(leases.c.item_id == items.c.id, leases.c.expires_at > now)
    if state in ("leased", "queued"):
        wanted += [items.c.state == "queued", held if state == "leased" else ~held]
    elif state is not None:
        wanted.append(items.c.state == state)
    if round is not None:
        wanted.append(items.c.round == round)
    if group is not None:
        wanted.append(items.c.group_name == group)
    if name is not None:
        wanted.append(func.lower(items.c.name).contains(name.lower(), autoescape=True))
    if audit is not None:
        wanted.append(items.c.is_audit == int(audit))
    if flagged is not None:
        wanted.append(items.c.is_flagged == int(flagged))
    query = select(items.c.id).where(*wanted)
    if class_name is not None:
        shown = func.json_each(annotations.c.objects).table_valued("value")
        has_object = exists(
            select(1).select_from(shown).where(func.json_extract(shown.c.value, "$.class_id") == class_id)
        )
        query = query.join(annotations, _NEWEST).where(or_(annotations.c.label == class_name, has_object))
    # An index counts the items of a state; of other filters every item is looked at, which is done once.
    by_index = all(asked is None for asked in (class_name, round, group, name, audit, flagged))
    total = connection.execute(query.with_only_columns(func.count())).scalar_one() if by_index and limit else None
    if newest_first:
        query = query if class_name is not None else query.outerjoin(annotations, _NEWEST)
        query = query.order_by(annotations.c.created_at.desc().nulls_last())
    query = query.order_by(items.c.id)
    if total is not None:
        return list(connection.execute(query.limit(limit).offset(offset)).scalars()), int(total)
    found = list(connection.execute(query).scalars())
    return found[offset : None if limit is None else offset + limit], len(found)


def has_group(connection: Connection, project_id: int, group: str) -> bool:
    """Whether an item of the project is of this group."""
    query = select(items.c.id).where(items.c.project_id == project_id, items.c.group_name == group).limit(1)
    return connection.execute(query).first() is not None


def summaries(connection: Connection, item_ids: Sequence[int], *, now: float) -> dict[int, Row]:
    """What a list shows of some items, by id; `class_ids` are those of the newest answer's objects, apart by commas."""
    shown = func.json_each(annotations.c.objects).table_valued("value")
    class_ids = (
        select(func.group_concat(distinct(func.json_extract(shown.c.value, "$.class_id"))))
        .select_from(shown)
        .scalar_subquery()
    )
    found: dict[int, Row] = {}
    for start in range(0, len(item_ids), 500):  # SQLite takes so many parameters, and more
        query = _with_state(now).add_columns(
            items.c.name, items.c.project_id, items.c.is_audit, items.c.is_flagged,
            annotations.c.label, annotations.c.created_at.label("answered_at"), class_ids.label("class_ids"),
        )  # fmt: skip
        rows = connection.execute(query.where(items.c.id.in_(item_ids[start : start + 500]))).mappings()
        found.update((int(row["id"]), row) for row in rows)
    return found


def overview(connection: Connection, project_id: int, *, now: float) -> Sequence[Any]:
    """(id, state, is_held, round, group, label, class of the first object) of all items, in the order of import."""
    first = func.json_extract(annotations.c.objects, "$[0].class_id")
    query = _with_state(now).add_columns(annotations.c.label, first)
    return connection.execute(query.where(items.c.project_id == project_id).order_by(items.c.id)).all()


def keys(connection: Connection, project_id: int) -> Sequence[Any]:
    """(id, content_hash, level, window_width) of all items, in the order of import: what names an embedding."""
    query = select(items.c.id, items.c.content_hash, items.c.level, items.c.window_width)
    return connection.execute(query.where(items.c.project_id == project_id).order_by(items.c.id)).all()


def extent(connection: Connection, project_id: int) -> tuple[int, int]:
    """How many items a project has, and the last one's id: items are only ever added, so these two tell pools apart."""
    query = select(func.count(), func.coalesce(func.max(items.c.id), 0)).where(items.c.project_id == project_id)
    n, last = connection.execute(query).one()
    return int(n), int(last)


def _with_state(now: float) -> Select[Any]:
    """Items with whether someone holds them, beside their newest answer."""
    live = and_(leases.c.item_id == items.c.id, leases.c.expires_at > now)
    return select(
        items.c.id, items.c.state, leases.c.item_id.is_not(None).label("is_held"), items.c.round, items.c.group_name
    ).select_from(items.outerjoin(leases, live).outerjoin(annotations, _NEWEST))
