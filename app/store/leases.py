"""Leases: who works on which item, handed out by one atomic statement.

A lease whose time has run out still belongs to its holder until someone else takes the item: work that was merely slow
is accepted. Once another annotator holds the item, the first one's token is worth nothing.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, case, delete, func, literal, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.errors import LeaseLost
from app.store.database import Row
from app.store.tables import items, leases


def take_next(
    connection: Connection,
    project_id: int,
    annotator: str,
    *,
    now: float,
    lease_s: float,
    exclude: Sequence[int] = (),
    resume: bool = True,
) -> int | None:
    """Lease the next queued item that nobody else holds, in one statement; None when there is none.

    Args:
        connection: a write transaction.
        project_id: whose queue.
        annotator: who asks. With `resume`, an item that this name holds already comes first, with its token kept: a
            reload of the page goes on where it was.
        now: the time, seconds since the epoch.
        lease_s: how long the lease lasts without a heartbeat.
        exclude: items that this caller does not want now.
        resume: False for a caller without a name of its own, who always gets a fresh item.
    """
    alive = and_(leases.c.item_id == items.c.id, leases.c.expires_at > now)
    mine = and_(leases.c.annotator == annotator, literal(resume))
    free = (
        select(items.c.id, literal(secrets.token_urlsafe(18)), literal(annotator), literal(now), literal(now + lease_s))
        .select_from(items.outerjoin(leases, alive))
        .where(
            items.c.project_id == project_id,
            items.c.state == "queued",
            leases.c.item_id.is_(None) | mine,
            items.c.id.not_in(exclude),
        )
        .order_by(case((mine, 0), else_=1), items.c.position, items.c.id)
        .limit(1)
    )
    return _take(connection, free, annotator=annotator, now=now, resume=resume)


def take_item(
    connection: Connection, item_id: int, annotator: str, *, now: float, lease_s: float, kind: str | None = None
) -> int | None:
    """Lease this very item, whatever its state; None when someone else holds it. `kind` is what it is held for."""
    wanted = select(
        items.c.id, literal(secrets.token_urlsafe(18)), literal(annotator), literal(now), literal(now + lease_s)
    ).where(items.c.id == item_id)
    return _take(connection, wanted, annotator=annotator, now=now, resume=True, kind=kind)


def _take(
    connection: Connection, source: Select[Any], *, annotator: str, now: float, resume: bool, kind: str | None = None
) -> int | None:
    """Insert the lease that `source` selects, or take over one that is dead or the caller's own."""
    statement = upsert(leases).from_select(
        ["item_id", "token", "annotator", "acquired_at", "expires_at"],
        source,
    )
    own = and_(leases.c.expires_at > now, leases.c.annotator == annotator, literal(resume))
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["item_id"],
        set_={
            "token": case((own, leases.c.token), else_=new.token),
            "acquired_at": case((own, leases.c.acquired_at), else_=new.acquired_at),
            "annotator": new.annotator,
            "expires_at": new.expires_at,
        },
        where=(leases.c.expires_at <= now) | own,
    )
    taken: int | None = connection.execute(statement.returning(leases.c.item_id)).scalar_one_or_none()
    if taken is not None:
        connection.execute(update(leases).where(leases.c.item_id == taken).values(kind=kind))
    return taken


def find(connection: Connection, item_id: int, token: str) -> Row | None:
    """The lease that this token stands for, alive or run out; None when it is not (or no longer) the item's."""
    query = select(leases).where(leases.c.item_id == item_id, leases.c.token == token)
    return connection.execute(query).mappings().one_or_none()


def holder(connection: Connection, item_id: int, token: str) -> Row:
    """The same.

    Raises:
        LeaseLost: the token is not (or no longer) the item's.
    """
    row = find(connection, item_id, token)
    if row is None:
        raise LeaseLost(
            f"item {item_id} is no longer yours: the lease ran out and was taken over, was released or was used up. "
            "What you drew is kept as a draft; open the item again to go on"
        )
    return row


def renew(connection: Connection, item_id: int, token: str, *, now: float, lease_s: float) -> float:
    """Extend a lease; returns its new end.

    Raises:
        LeaseLost: see `holder`.
    """
    holder(connection, item_id, token)
    end = now + lease_s
    mine = and_(leases.c.item_id == item_id, leases.c.token == token)
    connection.execute(update(leases).where(mine).values(expires_at=end))
    return end


def drop(connection: Connection, item_id: int) -> None:
    """Give an item back."""
    connection.execute(delete(leases).where(leases.c.item_id == item_id))


def live(connection: Connection, project_id: int, *, now: float) -> int:
    """Number of items of a project that someone holds."""
    query = (
        select(func.count())
        .select_from(leases.join(items, items.c.id == leases.c.item_id))
        .where(items.c.project_id == project_id, leases.c.expires_at > now)
    )
    return connection.execute(query).scalar_one()
