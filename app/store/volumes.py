"""Volumes of a project, and the slices that they are made of."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, and_, case, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.errors import NotFound
from app.store.database import Row
from app.store.tables import drafts, items, leases, suggestions
from app.store.tables_volumes import volumes


def add(connection: Connection, values: Mapping[str, object], slices: Iterable[Mapping[str, object]]) -> int | None:
    """Insert a volume with all its slices; None when the project has one with the same bytes already."""
    statement = upsert(volumes).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["project_id", "content_hash"])
    volume_id = connection.execute(statement.returning(volumes.c.id)).scalar_one_or_none()
    if volume_id is not None:
        connection.execute(insert(items), [{**row, "volume_id": volume_id} for row in slices])
    return volume_id


def name_of(connection: Connection, project_id: int, content_hash: str) -> str | None:
    """Name under which the project holds a volume of these bytes, if it does."""
    query = select(volumes.c.name).where(volumes.c.project_id == project_id, volumes.c.content_hash == content_hash)
    return connection.execute(query).scalar_one_or_none()


def get(connection: Connection, volume_id: int) -> Row:
    """One volume.

    Raises:
        NotFound: there is none of this id.
    """
    row = connection.execute(select(volumes).where(volumes.c.id == volume_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no volume {volume_id}")
    return row


def slices(connection: Connection, volume_id: int, *, now: float) -> Sequence[Row]:
    """All slices in their stored order, each with its live holder and whether a suggestion or a draft waits."""
    live = and_(leases.c.item_id == items.c.id, leases.c.expires_at > now)
    query = (
        select(
            items,
            leases.c.token,
            leases.c.annotator,
            suggestions.c.item_id.is_not(None).label("has_suggestion"),
            select(func.count()).where(drafts.c.item_id == items.c.id).scalar_subquery().label("n_drafts"),
        )
        .select_from(items.outerjoin(leases, live).outerjoin(suggestions, suggestions.c.item_id == items.c.id))
        .where(items.c.volume_id == volume_id)
        .order_by(items.c.slice_index)
    )
    return connection.execute(query).mappings().all()


def queue_first(connection: Connection, project_id: int, item_ids: Sequence[int], reason: str) -> None:
    """Queue items that are unqueued or queued before all others, in the order given.

    Those that a round has asked stay its own and keep its reason.
    """
    lowest = connection.execute(
        select(func.coalesce(func.min(items.c.position), 0)).where(
            items.c.project_id == project_id, items.c.state == "queued"
        )
    ).scalar_one()
    for position, item_id in enumerate(item_ids, start=lowest - len(item_ids)):
        mine = and_(items.c.id == item_id, items.c.state.in_(("unqueued", "queued")))
        why = case((items.c.state == "unqueued", reason), else_=items.c.reason)
        connection.execute(update(items).where(mine).values(state="queued", position=position, reason=why))
