"""Blind answers: second reads and answers to gold items. They are only ever added, and never count as annotations.

They lie in a table of their own, so that nothing which learns from, exports or shows annotations can meet one.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, exists, func, insert, literal_column, select

from app.errors import InvalidRequest
from app.store.database import Row
from app.store.tables import annotations, items, leases
from app.store.tables_reads import gold, reads, second_reads

SECOND, GOLD, ADJUDICATION = "second", "gold", "adjudication"
BLIND = (SECOND, GOLD)
"""Kinds of leases whose holder sees nothing that somebody else has done to the item."""
_WAITING = select(second_reads.c.item_id).where(second_reads.c.second_id.is_(None))


def submitted(connection: Connection, submission_id: UUID, item_id: int) -> int | None:
    """Version that an earlier sending of this blind answer made; None when it is new.

    Raises:
        InvalidRequest: the id was used for another item.
    """
    query = select(reads.c.item_id, reads.c.version).where(reads.c.submission_id == str(submission_id))
    row = connection.execute(query).one_or_none()
    if row is not None and row.item_id != item_id:
        raise InvalidRequest(f"submission_id {submission_id} was used for item {row.item_id}; make a new one per item")
    return None if row is None else int(row.version)


def add(connection: Connection, values: Mapping[str, Any]) -> int:
    """Append a blind answer; returns its id."""
    return int(connection.execute(insert(reads).values(**values).returning(reads.c.id)).scalar_one())


def get(connection: Connection, read_id: int) -> Row:
    """One blind answer."""
    return connection.execute(select(reads).where(reads.c.id == read_id)).mappings().one()


def own(connection: Connection, item_id: int, annotator: str) -> Row | None:
    """The newest blind answer of an annotator to an item."""
    query = (
        select(reads)
        .where(reads.c.item_id == item_id, reads.c.annotator == annotator)
        .order_by(reads.c.version.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().one_or_none()


def wrote(connection: Connection, item_id: int, annotator: str) -> bool:
    """Whether an annotator made a version of the item's annotation: they are no stranger to it."""
    query = select(annotations.c.id).where(annotations.c.item_id == item_id, annotations.c.annotator == annotator)
    return connection.execute(query.limit(1)).first() is not None


def held(
    connection: Connection, project_id: int, annotator: str, *, now: float, exclude: Sequence[int]
) -> tuple[int, str] | None:
    """Item and kind of a blind lease that an annotator holds and has not answered."""
    query = (
        select(leases.c.item_id, leases.c.kind)
        .where(
            leases.c.annotator == annotator,
            leases.c.kind.in_(BLIND),
            leases.c.expires_at > now,
            leases.c.item_id.not_in(exclude),
            select(items.c.project_id).where(items.c.id == leases.c.item_id).scalar_subquery() == project_id,
            ~_read_by(annotator, leases.c.item_id),
        )
        .order_by(leases.c.acquired_at)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (int(row.item_id), str(row.kind))


def waiting_ids(connection: Connection, project_id: int, annotator: str, *, now: float, limit: int) -> list[int]:
    """Ids of the items that wait for a second read and that this annotator may read, in the order of import."""
    query = _strange(_WAITING, project_id, annotator, now=now)
    return list(connection.execute(query.limit(limit)).scalars())


def n_waiting(connection: Connection, project_id: int, annotator: str, *, now: float) -> int:
    """Number of the items that wait for a second read and that this annotator may read."""
    query = _strange(_WAITING, project_id, annotator, now=now).order_by(None)
    return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def free_second(
    connection: Connection, project_id: int, annotator: str, *, now: float, exclude: Sequence[int]
) -> int | None:
    """The first item that waits for a second read and that this annotator may read."""
    query = _strange(_WAITING, project_id, annotator, now=now).where(items.c.id.not_in(exclude))
    return connection.execute(query.limit(1)).scalar_one_or_none()


def free_gold(
    connection: Connection, project_id: int, annotator: str, *, now: float, exclude: Sequence[int]
) -> int | None:
    """A gold item that this annotator has neither made nor answered, and that waits for no second read."""
    query = _strange(select(gold.c.item_id), project_id, annotator, now=now)
    query = query.where(items.c.id.not_in(exclude), items.c.id.not_in(_WAITING))
    return connection.execute(query.limit(1)).scalar_one_or_none()


def n_answers(connection: Connection, project_id: int, annotator: str) -> int:
    """Number of answers, blind or not, that an annotator has given in a project."""
    return sum(
        connection.execute(
            select(func.count())
            .select_from(table.join(items, items.c.id == table.c.item_id))
            .where(items.c.project_id == project_id, table.c.annotator == annotator)
        ).scalar_one()
        for table in (annotations, reads)
    )


def of_kind(connection: Connection, project_id: int, kind: str) -> Sequence[Row]:
    """The newest blind answer of each annotator to each item of a project, in the order given."""
    newest = select(func.max(reads.c.id)).group_by(reads.c.item_id, reads.c.annotator)
    query = (
        select(reads, items.c.group_name)
        .join(items, items.c.id == reads.c.item_id)
        .where(items.c.project_id == project_id, reads.c.kind == kind, reads.c.id.in_(newest))
        .order_by(reads.c.id)
    )
    return connection.execute(query).mappings().all()


def _strange(among: Select[Any], project_id: int, annotator: str, *, now: float) -> Select[Any]:
    """Ids of those items that are annotated, that nobody holds and that this annotator has never answered.

    `among` is a query of ids, which are few: the plus before the columns keeps SQLite from going through all items of
    the project instead.
    """
    live = exists().where(leases.c.item_id == items.c.id, leases.c.expires_at > now)
    wrote_it = exists().where(annotations.c.item_id == items.c.id, annotations.c.annotator == annotator)
    return (
        select(items.c.id)
        .where(
            items.c.id.in_(among),
            literal_column("+items.project_id") == project_id,
            literal_column("+items.state") == "labeled",
            ~live,
            ~wrote_it,
            ~_read_by(annotator, items.c.id),
        )
        .order_by(items.c.id)
    )


def _read_by(annotator: str, item_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether an annotator has a blind answer to an item."""
    return exists().where(reads.c.item_id == item_id, reads.c.annotator == annotator)
