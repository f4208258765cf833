"""Use cases: accept an annotation, keep a draft, skip."""

import json
from collections.abc import Sequence
from uuid import uuid4

from pydantic import JsonValue
from sqlalchemy import Connection

from alcore.errors import InvalidInput
from alcore.masks import decode_rle
from app.api.schemas import Annotation, AnnotationIn, AnnotationReceipt, ObjectIn
from app.errors import TooLarge, VersionConflict
from app.service import blind, reads, windows
from app.service import items as item_cases
from app.service.context import Context
from app.store import annotations as rows
from app.store import items as item_rows
from app.store import leases as lease_rows
from app.store import projects as project_rows
from app.store import reads as read_rows
from app.store import rounds as round_rows
from app.store.database import Row

KEPT = {"label", "objects", "window", "labeled_window", "seconds", "clicks"}
"""What is stored of an answer as it came."""


def annotate(ctx: Context, item_id: int, body: AnnotationIn) -> AnnotationReceipt:
    """Accept an annotation as the item's next version, or a blind answer beside it. It is on disk when this returns.

    Raises:
        VersionConflict: someone else annotated the item since it was read.
        LeaseLost: someone else holds the item now.
        InvalidInput: a mask, class, label or window does not fit the item, or the window has nothing in common with
            that of an answer that it is to be compared with.
    """
    now = ctx.clock()
    with ctx.db.read() as connection:
        item = item_rows.get(connection, item_id, now=now)
        project = project_rows.get(connection, item["project_id"])
        classes = project_rows.class_rows(connection, item["project_id"])
        other = blind.counterpart(connection, item_id, lease_rows.find(connection, item_id, body.lease_token))
    _check(body, item, project["task"], classes)
    windows.check_answer(body, item, project["task"])
    values = {
        **body.model_dump(mode="json", include=KEPT),
        "submission_id": str(body.submission_id),
        "model_id": next((o.model_id for o in body.objects if o.model_id), None),
    }
    measured = None if other is None else blind.measure(project["task"], item, other, values)
    with ctx.db.write() as connection:
        version = rows.submitted(connection, body.submission_id, item_id)
        if version is None:
            version = read_rows.submitted(connection, body.submission_id, item_id)
        if version is None:
            version = _accept(connection, item_id, body, values, other=other, measured=measured, now=now)
    return AnnotationReceipt(item_id=item_id, version=version, submission_id=body.submission_id)


def _accept(
    connection: Connection,
    item_id: int,
    body: AnnotationIn,
    values: Row,
    *,
    other: Row | None,
    measured: blind.Measured | None,
    now: float,
) -> int:
    """Append the version, and let go of the lease, the draft and the suggestion it was made from."""
    item = item_rows.get(connection, item_id, now=0.0)
    lease = lease_rows.find(connection, item_id, body.lease_token)
    is_blind = lease is not None and lease["kind"] in read_rows.BLIND
    if item["version"] != body.base_version and not is_blind:  # says more than a lost lease, so it is said first
        rows.add(connection, item_id, base_version=body.base_version, values=values)
    lease = lease_rows.holder(connection, item_id, body.lease_token)
    if _id(blind.counterpart(connection, item_id, lease)) != _id(other):
        raise VersionConflict(f"item {item_id} was changed at the very moment when it was saved; send it again")
    if is_blind and other is not None:
        return blind.accept(
            connection, lease, values, base_version=body.base_version, against=other, measured=measured, now=now
        )
    annotator = lease["annotator"]
    decides = reads.redone(connection, item_id, lease)
    values = {**values, "annotator": annotator, "adjudicates": decides}
    version = rows.add(connection, item_id, base_version=body.base_version, values=values)
    lease_rows.drop(connection, item_id)
    rows.drop_draft(connection, item_id, annotator)
    reads.accepted(connection, item_id, measured=measured, now=now)
    return version


def _id(answer: Row | None) -> int | None:
    """What tells two answers apart."""
    return None if answer is None else int(answer["id"])


def history(ctx: Context, item_id: int) -> list[Annotation]:
    """All versions of an item's annotation, oldest first."""
    with ctx.db.read() as connection:
        item_rows.get(connection, item_id, now=ctx.clock())
        return [item_cases.annotation_view(row) for row in rows.history(connection, item_id)]


def save_draft(ctx: Context, item_id: int, lease_token: str, draft: JsonValue) -> None:
    """Keep unfinished work.

    Raises:
        TooLarge: it is over the limit.
        LeaseLost: someone else holds the item; what was kept before stays.
    """
    limit = ctx.settings.max_draft_mb * 1e6
    if (size := len(json.dumps(draft))) > limit:
        raise TooLarge(f"the draft has {size / 1e6:.1f} MB; at most {limit / 1e6:g} MB are kept")
    with ctx.db.write() as connection:
        item_rows.get(connection, item_id, now=ctx.clock())
        annotator = lease_rows.holder(connection, item_id, lease_token)["annotator"]
        rows.save_draft(connection, item_id, annotator, draft)


def draft(ctx: Context, item_id: int, annotator: str | None = None) -> JsonValue:
    """An annotator's draft of an item, or the newest of anyone; null when there is none."""
    with ctx.db.read() as connection:
        item_rows.get(connection, item_id, now=ctx.clock())
        return rows.draft(connection, item_id, annotator)


def skip(ctx: Context, item_id: int, lease_token: str, reason: str) -> None:
    """Put an item aside; it is never asked again unless it is opened by its id. A blind reader puts it aside alone."""
    with ctx.db.write() as connection:
        item_rows.get(connection, item_id, now=ctx.clock())
        lease = lease_rows.holder(connection, item_id, lease_token)
        if lease["kind"] in read_rows.BLIND:
            blind.skip(connection, lease, str(uuid4()), reason, now=ctx.clock())
        else:
            item_rows.skip(connection, item_id, reason, annotator=lease["annotator"], now=ctx.clock())
            lease_rows.drop(connection, item_id)
            round_rows.drop_suggestion(connection, item_id)


def _check(body: AnnotationIn, item: Row, task: str, classes: Sequence[Row]) -> None:
    """Refuse what does not fit the item or the task."""
    names = [c["name"] for c in classes]
    if task == "classification":
        if body.objects:
            raise InvalidInput("a classification project takes a label and no objects; leave `objects` empty")
        if body.label not in names:
            raise InvalidInput(f"label must be one of {names}; got {body.label!r}")
        return
    if body.label is not None:
        raise InvalidInput("a segmentation project takes objects and no label; leave `label` null")
    known = {c["class_id"] for c in classes}
    for number, entry in enumerate(body.objects):
        _check_object(number, entry, item, known)


def _check_object(number: int, entry: ObjectIn, item: Row, known: set[int]) -> None:
    """Refuse an object whose class is unknown or whose mask is not the image's."""
    if entry.class_id not in known:
        raise InvalidInput(f"objects[{number}]: unknown class_id {entry.class_id}; known: {sorted(known)}")
    size = (item["height"], item["width"])
    strokes = [] if entry.edits is None else [entry.edits.painted, entry.edits.erased]
    for mask in (entry.mask, *strokes):
        if mask.size != size:
            raise InvalidInput(
                f"objects[{number}]: the mask has size {list(mask.size)}, the image {list(size)}; both are [h, w]"
            )
        decode_rle(mask.model_dump())
