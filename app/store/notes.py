"""Notes on items: comments and flags, only ever added; `items.is_flagged` says whether the newest flag still stands."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from app.store.database import Row
from app.store.tables import items, notes


def add(connection: Connection, values: Mapping[str, Any]) -> Row:
    """Append a note; a flag goes up with `flag` and comes down with `resolve`."""
    if values["kind"] != "comment":
        raised = int(values["kind"] == "flag")
        connection.execute(update(items).where(items.c.id == values["item_id"]).values(is_flagged=raised))
    return connection.execute(insert(notes).values(**values).returning(notes)).mappings().one()


def of_item(connection: Connection, item_id: int) -> Sequence[Row]:
    """All notes of an item, oldest first."""
    query = select(notes).where(notes.c.item_id == item_id).order_by(notes.c.id)
    return connection.execute(query).mappings().all()
