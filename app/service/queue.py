"""Use cases: hand out items under a lease, renew it, give it back."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from app.api.schemas import Item
from app.api.schemas_work import Batch, Heartbeats, HeldLease
from app.errors import LeaseLost
from app.service import blind
from app.service import items as item_cases
from app.service.context import Context
from app.store import items as item_rows
from app.store import leases as rows
from app.store import projects as project_rows
from app.store import reads as read_rows
from app.store.database import Row


def next_item(ctx: Context, project_id: int, annotator: str | None, exclude: Sequence[int]) -> Item | None:
    """Lease the next queued item, and have the ones after it encoded ahead.

    Args:
        ctx: the workspace.
        project_id: whose queue.
        annotator: a person's name: the item that this person holds already comes first. Without one, every call gets
            a fresh item.
        exclude: items that the caller holds on another page and does not want now.
    """
    now = ctx.clock()
    name = annotator or f"anonymous-{secrets.token_hex(4)}"
    with ctx.db.write() as connection:
        project = project_rows.get(connection, project_id)
        item_id = _take(ctx, connection, project, name, exclude, resume=annotator is not None)
        if item_id is None:
            return None
        row = dict(item_rows.get(connection, item_id, now=now))
        item = item_cases.view(connection, row, show_token=True)
        ahead = _ahead(ctx, connection, project_id, name, item_id)
    if project["task"] == "segmentation" and ctx.settings.prefetch_items:
        for following in (row, *ahead):
            ctx.prompter.prepare(following, item_cases.segmenter_in(ctx, project))
    return item


def _take(
    ctx: Context,
    connection: Connection,
    project: Row,
    name: str,
    exclude: Sequence[int],
    *,
    resume: bool = True,
    n_taken: int = 0,
) -> int | None:
    """Lease what comes next: an item to be answered blind where one is due, else the next of the queue.

    Who has no name of their own (`resume` False) gets no blind items: nobody could tell them from the first reader.
    """
    now, lease_s = ctx.clock(), ctx.settings.lease_s
    chosen = blind.choose(connection, project, name, now=now, exclude=exclude, n_taken=n_taken) if resume else None
    if chosen is not None:
        item_id, kind = chosen
        return rows.take_item(connection, item_id, name, now=now, lease_s=lease_s, kind=kind)
    return rows.take_next(connection, project["id"], name, now=now, lease_s=lease_s, exclude=exclude, resume=resume)


def _ahead(ctx: Context, connection: Connection, project_id: int, name: str, item_id: int) -> list[dict[str, object]]:
    """Rows of the items that are likely to come next."""
    now, n = ctx.clock(), ctx.settings.prefetch_items
    following = _upcoming(connection, project_id, name, now=now, limit=n + 1)
    return [dict(item_rows.get(connection, i, now=now)) for i in following if i != item_id][:n]


def upcoming(ctx: Context, project_id: int, annotator: str | None, *, limit: int = 5) -> list[int]:
    """Ids of the items that are likely to come next; no lease is taken."""
    with ctx.db.read() as connection:
        project_rows.get(connection, project_id)
        return _upcoming(connection, project_id, annotator, now=ctx.clock(), limit=limit)


def _upcoming(connection: Connection, project_id: int, annotator: str | None, *, now: float, limit: int) -> list[int]:
    """What waits for a second read by this annotator, then the queue."""
    second = read_rows.waiting_ids(connection, project_id, annotator, now=now, limit=limit) if annotator else []
    return [*second, *item_rows.upcoming(connection, project_id, annotator=annotator, now=now, limit=limit)][:limit]


def next_batch(ctx: Context, project_id: int, annotator: str, n: int, exclude: Sequence[int]) -> Batch:
    """Lease the next `n` items in one transaction; those that this person holds already come first.

    Each item has a lease and a token of its own: they are answered, given back and run out one by one.
    """
    now = ctx.clock()
    with ctx.db.write() as connection:
        project, taken = project_rows.get(connection, project_id), list[int]()
        while len(taken) < n:
            left_out = [*exclude, *taken]
            item_id = _take(ctx, connection, project, annotator, left_out, n_taken=len(taken))
            if item_id is None:
                break
            taken.append(item_id)
        found = [item_rows.get(connection, i, now=now) for i in taken]
        in_order = sorted(found, key=lambda row: (row["position"], row["id"]))
        items = [item_cases.view(connection, row, show_token=True) for row in in_order]
    return Batch(items=items)


def heartbeats(ctx: Context, project_id: int, leases: Sequence[HeldLease]) -> Heartbeats:
    """Extend many leases; one that is lost keeps no other from being extended."""
    now, lost = ctx.clock(), []
    with ctx.db.write() as connection:
        project_rows.get(connection, project_id)
        for held in leases:
            try:
                rows.renew(connection, held.item_id, held.lease_token, now=now, lease_s=ctx.settings.lease_s)
            except LeaseLost:
                lost.append(held.item_id)
    return Heartbeats(expires_at=item_cases.when(now + ctx.settings.lease_s), lost=lost)


def lease(ctx: Context, item_id: int, annotator: str | None) -> Item:
    """Lease this very item, to look at it again or to correct it; blind where `blind.kind_for` says so.

    Raises:
        LeaseLost: someone else holds it.
    """
    with ctx.db.write() as connection:
        row = item_rows.get(connection, item_id, now=ctx.clock())
        return take(ctx, connection, item_id, annotator, blind.kind_for(connection, row, annotator))


def take(ctx: Context, connection: Connection, item_id: int, annotator: str | None, kind: str | None) -> Item:
    """Lease this very item for what `kind` says.

    Raises:
        LeaseLost: someone else holds it.
    """
    now, name = ctx.clock(), annotator or f"anonymous-{secrets.token_hex(4)}"
    if rows.take_item(connection, item_id, name, now=now, lease_s=ctx.settings.lease_s, kind=kind) is None:
        row = item_rows.get(connection, item_id, now=now)
        raise LeaseLost(f"item {item_id} is held by {row['annotator']}; try again when they are done")
    return item_cases.view(connection, item_rows.get(connection, item_id, now=now), show_token=True)


def heartbeat(ctx: Context, item_id: int, lease_token: str) -> datetime:
    """Extend a lease; returns its new end."""
    with ctx.db.write() as connection:
        item_rows.get(connection, item_id, now=ctx.clock())
        end = rows.renew(connection, item_id, lease_token, now=ctx.clock(), lease_s=ctx.settings.lease_s)
    return item_cases.when(end)


def release(ctx: Context, item_id: int, lease_token: str) -> None:
    """Give an item back unanswered; its draft stays."""
    with ctx.db.write() as connection:
        item_rows.get(connection, item_id, now=ctx.clock())
        rows.holder(connection, item_id, lease_token)
        rows.drop(connection, item_id)
