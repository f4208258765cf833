"""Items (images) of a project, and the order in which they are asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, case, func, insert, literal_column, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.errors import NotFound
from app.store.database import Row
from app.store.tables import items, leases, suggestions
from app.store.tables_volumes import volumes

VOLUME_COLUMNS = ("name", "n_slices", "axes", "spacing_slice_mm", "slope", "intercept")
"""What an item's row says of its volume, each with `volume_` before its name."""


def add(connection: Connection, values: Mapping[str, object]) -> int | None:
    """Insert an item; None when the project has one with the same bytes already."""
    statement = upsert(items).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["project_id", "content_hash"])
    return connection.execute(statement.returning(items.c.id)).scalar_one_or_none()


def name_of(connection: Connection, project_id: int, content_hash: str) -> str | None:
    """Name under which the project holds these bytes, if it does."""
    query = select(items.c.name).where(items.c.project_id == project_id, items.c.content_hash == content_hash)
    return connection.execute(query).scalar_one_or_none()


def _with_lease(now: float) -> Select[Any]:
    """Items with their live lease and whether a suggestion waits."""
    live = and_(leases.c.item_id == items.c.id, leases.c.expires_at > now)
    return select(
        items,
        leases.c.token,
        leases.c.annotator,
        leases.c.expires_at,
        leases.c.kind,
        suggestions.c.item_id.is_not(None).label("has_suggestion"),
        suggestions.c.uncertainty.is_not(None).label("has_uncertainty"),
        *(volumes.c[name].label(f"volume_{name}") for name in VOLUME_COLUMNS),
    ).select_from(
        items.outerjoin(leases, live)
        .outerjoin(suggestions, suggestions.c.item_id == items.c.id)
        .outerjoin(volumes, volumes.c.id == items.c.volume_id)
    )


def get(connection: Connection, item_id: int, *, now: float) -> Row:
    """One item with its live lease.

    Raises:
        NotFound: there is none of this id.
    """
    row = connection.execute(_with_lease(now).where(items.c.id == item_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no item {item_id}")
    return row


def of_project(connection: Connection, project_id: int) -> Sequence[Row]:
    """All items of a project in the order of import, for jobs and exports."""
    query = select(items).where(items.c.project_id == project_id).order_by(items.c.id)
    return connection.execute(query).mappings().all()


def upcoming(connection: Connection, project_id: int, *, annotator: str | None, now: float, limit: int) -> list[int]:
    """Ids of the next queued items that nobody else holds."""
    mine = leases.c.annotator == annotator if annotator else literal_column("0")
    query = (
        select(items.c.id)
        .select_from(items.outerjoin(leases, and_(leases.c.item_id == items.c.id, leases.c.expires_at > now)))
        .where(items.c.project_id == project_id, items.c.state == "queued", leases.c.token.is_(None) | mine)
        .order_by(items.c.position, items.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def count(connection: Connection, project_id: int) -> int:
    """Number of items of a project."""
    query = select(func.count()).select_from(items).where(items.c.project_id == project_id)
    return connection.execute(query).scalar_one()


def enqueue(
    connection: Connection, project_id: int, rows: Sequence[Mapping[str, Any]], *, round_number: int | None
) -> list[int]:
    """Queue unqueued items in the order given, behind what is queued; rows hold `item_id` and `reason`.

    Items that a person picked belong to no round.

    Returns:
        Ids that were queued: one that is no longer unqueued is left as it is.
    """
    last = connection.execute(
        select(func.coalesce(func.max(items.c.position), 0)).where(items.c.project_id == project_id)
    ).scalar_one()
    queued = []
    for position, row in enumerate(rows, start=last + 1):
        done = connection.execute(
            update(items)
            .where(items.c.id == row["item_id"], items.c.project_id == project_id, items.c.state == "unqueued")
            .values(state="queued", position=position, round=round_number, reason=row["reason"])
        )
        if done.rowcount:
            queued.append(int(row["item_id"]))
    return queued


def keep_for_audit(connection: Connection, ids: Sequence[int]) -> None:
    """Add items to the audit set: they are only ever measured on. None leaves it."""
    if ids:
        change = update(items).where(items.c.id == bindparam("kept_id")).values(is_audit=1)
        connection.execute(change, [{"kept_id": item_id} for item_id in ids])


def audit_counts(connection: Connection, project_id: int) -> Row:
    """Size of a project's audit set: `n_items` of `n_groups`, and those answered: `n_labeled` of `n_labeled_groups`."""
    group = func.coalesce(items.c.group_name, literal_column("'item ' || items.id"))
    query = select(
        func.count().label("n_items"),
        func.count(func.distinct(group)).label("n_groups"),
        func.count(case((items.c.state == "labeled", 1))).label("n_labeled"),
        func.count(func.distinct(case((items.c.state == "labeled", group)))).label("n_labeled_groups"),
    ).where(items.c.project_id == project_id, items.c.is_audit == 1)
    return connection.execute(query).mappings().one()


def has_groups(connection: Connection, project_id: int) -> bool:
    """Whether any image of a project belongs to a group."""
    grouped = select(items.c.id).where(items.c.project_id == project_id, items.c.group_name.is_not(None)).limit(1)
    return connection.execute(grouped).first() is not None


def skip(connection: Connection, item_id: int, reason: str, *, annotator: str, now: float) -> None:
    """Put an item aside; it is never selected again."""
    values = {"state": "skipped", "skip_reason": reason, "skipped_by": annotator, "skipped_at": now}
    connection.execute(update(items).where(items.c.id == item_id).values(**values))


def add_many(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert items that are known to be new (used by tests and benchmarks)."""
    connection.execute(insert(items), list(rows))
