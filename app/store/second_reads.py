"""Which items a second reader is wanted for, and what became of it; gold items with their references."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.store.database import Row
from app.store.tables import annotations, items
from app.store.tables_reads import gold, reads, second_reads


def want(connection: Connection, item_ids: Sequence[int], *, asked_by: str, now: float) -> list[int]:
    """Have items read a second time because a person asks it; what became of one so far stays.

    Returns:
        Ids that were not asked before. A wish takes the place of a draw by the share.
    """
    new = []
    for item_id in item_ids:
        values = {"item_id": item_id, "asked_by": asked_by, "created_at": now}
        made = upsert(second_reads).values(**values).on_conflict_do_nothing().returning(second_reads.c.item_id)
        if connection.execute(made).first() is not None:
            new.append(item_id)
        else:
            drawn = (second_reads.c.item_id == item_id, second_reads.c.asked_by.is_(None))
            connection.execute(update(second_reads).where(*drawn).values(asked_by=asked_by))
    return new


def draw(connection: Connection, item_ids: Sequence[int], *, now: float) -> None:
    """Want a second read of items that the share drew; those that have one stay as they are."""
    if item_ids:
        rows = [{"item_id": item_id, "created_at": now} for item_id in item_ids]
        connection.execute(upsert(second_reads).on_conflict_do_nothing(), rows)


def labeled(connection: Connection, project_id: int) -> list[int]:
    """Ids of the annotated items of a project."""
    query = select(items.c.id).where(items.c.project_id == project_id, items.c.state == "labeled")
    return list(connection.execute(query).scalars())


def drop_drawn(connection: Connection, project_id: int) -> None:
    """Forget the items that the share drew and nobody has read a second time yet."""
    own = select(items.c.id).where(items.c.project_id == project_id)
    connection.execute(
        delete(second_reads).where(
            second_reads.c.item_id.in_(own), second_reads.c.asked_by.is_(None), second_reads.c.second_id.is_(None)
        )
    )


def get(connection: Connection, item_id: int) -> Row | None:
    """What is known of an item's second read; None where none was asked."""
    return connection.execute(select(second_reads).where(second_reads.c.item_id == item_id)).mappings().one_or_none()


def change(connection: Connection, item_id: int, values: Mapping[str, Any]) -> None:
    """Note what became of an item's second read."""
    connection.execute(update(second_reads).where(second_reads.c.item_id == item_id).values(**values))


def of_project(connection: Connection, project_id: int) -> Sequence[Row]:
    """All second reads of a project, wanted or done, with both readers' labels and the item's facts."""
    query = (
        select(
            second_reads,
            items.c.name,
            items.c.group_name,
            items.c.state,
            items.c.spacing_row_mm.is_not(None).label("has_spacing"),
            annotations.c.label.label("first_label"),
            reads.c.label.label("second_label"),
        )
        .join(items, items.c.id == second_reads.c.item_id)
        .outerjoin(annotations, annotations.c.id == second_reads.c.first_id)
        .outerjoin(reads, reads.c.id == second_reads.c.second_id)
        .where(items.c.project_id == project_id)
        .order_by(second_reads.c.item_id)
    )
    return connection.execute(query).mappings().all()


def answer(connection: Connection, annotation_id: int) -> Row:
    """An annotation by its id."""
    return connection.execute(select(annotations).where(annotations.c.id == annotation_id)).mappings().one()


def mark_gold(connection: Connection, item_id: int, annotation_id: int, *, marked_by: str, now: float) -> None:
    """Make an item gold with this annotation as its reference, in place of the one before."""
    values = {"item_id": item_id, "annotation_id": annotation_id, "marked_by": marked_by, "created_at": now}
    statement = upsert(gold).values(**values)
    changed = {name: statement.excluded[name] for name in ("annotation_id", "marked_by", "created_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["item_id"], set_=changed))


def unmark_gold(connection: Connection, item_id: int) -> None:
    """Make an item ordinary again; the answers to it stay."""
    connection.execute(delete(gold).where(gold.c.item_id == item_id))


def gold_of(connection: Connection, item_id: int) -> Row | None:
    """The gold mark of an item."""
    return connection.execute(select(gold).where(gold.c.item_id == item_id)).mappings().one_or_none()


def gold_items(connection: Connection, project_id: int) -> Sequence[Row]:
    """The gold items of a project, oldest mark first."""
    query = (
        select(gold, items.c.name)
        .join(items, items.c.id == gold.c.item_id)
        .where(items.c.project_id == project_id)
        .order_by(gold.c.created_at, gold.c.item_id)
    )
    return connection.execute(query).mappings().all()
