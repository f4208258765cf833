"""Repository of batches: which items a round asked, and why."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from app.store.database import Row
from app.store.tables import items, round_items, rounds


def of_round(connection: Connection, project_id: int, number: int) -> Sequence[Row]:
    """The items of one round in the order in which they are asked, with score and reason."""
    query = (
        select(items.c.id, items.c.name, round_items.c.score, round_items.c.reason, round_items.c.arm)
        .join(round_items, round_items.c.item_id == items.c.id)
        .join(rounds, rounds.c.id == round_items.c.round_id)
        .where(rounds.c.project_id == project_id, rounds.c.number == number)
        .order_by(round_items.c.position)
    )
    return connection.execute(query).mappings().all()
