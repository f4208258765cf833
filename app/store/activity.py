"""What an annotator did last in a project, and how long it took."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, case, func, literal, select, union_all

from app.store.database import Row
from app.store.tables import annotations, drafts, items
from app.store.tables_reads import reads

SKIPPED = "skipped"


def recent(connection: Connection, project_id: int, annotator: str, *, limit: int) -> Sequence[Row]:
    """Items that a person annotated (blind or not), skipped or began to correct, the last one first, each once.

    Rows hold the item, `at`, `done` ('annotated', 'skipped' or 'begun') and `has_draft`.
    """
    newest = func.max(annotations.c.created_at)
    own = and_(items.c.project_id == project_id, annotations.c.annotator == annotator, items.c.state != SKIPPED)
    annotated = (
        select(annotations.c.item_id, newest.label("at"), literal("annotated").label("done"))
        .join(items, items.c.id == annotations.c.item_id)
        .where(own)
        .group_by(annotations.c.item_id)
    )
    last_read = select(func.max(reads.c.id)).where(reads.c.annotator == annotator).group_by(reads.c.item_id)
    read = (
        select(reads.c.item_id, reads.c.created_at, case((reads.c.skip_reason.is_(None), "annotated"), else_=SKIPPED))
        .join(items, items.c.id == reads.c.item_id)
        .where(
            items.c.project_id == project_id,
            items.c.state != SKIPPED,
            reads.c.id.in_(last_read),
            reads.c.item_id.not_in(annotated.with_only_columns(annotations.c.item_id)),
        )
    )
    put_aside = (items.c.project_id == project_id, items.c.state == SKIPPED, items.c.skipped_by == annotator)
    skipped = select(items.c.id, items.c.skipped_at, literal(SKIPPED)).where(*put_aside)
    begun = (
        select(drafts.c.item_id, drafts.c.updated_at, literal("begun"))
        .join(items, items.c.id == drafts.c.item_id)
        .where(
            items.c.project_id == project_id,
            drafts.c.annotator == annotator,
            items.c.state.in_(("labeled", SKIPPED)),  # what is queued comes back by itself
            drafts.c.item_id.not_in(annotated.with_only_columns(annotations.c.item_id)),
            drafts.c.item_id.not_in(read.with_only_columns(reads.c.item_id)),
            drafts.c.item_id.not_in(skipped.with_only_columns(items.c.id)),
        )
    )
    done = union_all(annotated, read, skipped, begun).subquery("done")
    mine = and_(drafts.c.item_id == items.c.id, drafts.c.annotator == annotator)
    query = (
        select(items, done.c.at, done.c.done, drafts.c.item_id.is_not(None).label("has_draft"))
        .select_from(done.join(items, items.c.id == done.c.item_id).outerjoin(drafts, mine))
        .order_by(done.c.at.desc(), items.c.id.desc())
        .limit(limit)
    )
    return connection.execute(query).mappings().all()


def last_seconds(connection: Connection, project_id: int, annotator: str, *, limit: int) -> list[float]:
    """Working seconds of a person's newest annotations in a project, newest first."""
    answers = [
        select(table.c.seconds, table.c.created_at, table.c.id)
        .join(items, items.c.id == table.c.item_id)
        .where(items.c.project_id == project_id, table.c.annotator == annotator)
        .order_by(table.c.created_at.desc(), table.c.id.desc())
        .limit(limit)
        for table in (annotations, reads)
    ]
    answers[1] = answers[1].where(reads.c.skip_reason.is_(None))
    both = union_all(*(select(answer.subquery()) for answer in answers)).subquery()
    query = select(both.c.seconds).order_by(both.c.created_at.desc(), both.c.id.desc()).limit(limit)
    return [float(seconds) for seconds in connection.execute(query).scalars()]


def n_done(connection: Connection, project_id: int, annotator: str, *, since: float) -> int:
    """Images of a project that a person annotated or skipped since a time, each once."""
    annotated = (
        select(annotations.c.item_id)
        .join(items, items.c.id == annotations.c.item_id)
        .where(
            items.c.project_id == project_id, annotations.c.annotator == annotator, annotations.c.created_at >= since
        )
    )
    skipped = select(items.c.id).where(
        items.c.project_id == project_id,
        items.c.state == SKIPPED,
        items.c.skipped_by == annotator,
        items.c.skipped_at >= since,
    )
    read = (
        select(reads.c.item_id)
        .join(items, items.c.id == reads.c.item_id)
        .where(items.c.project_id == project_id, reads.c.annotator == annotator, reads.c.created_at >= since)
    )
    done = annotated.union(skipped, read).subquery("n")
    return connection.execute(select(func.count()).select_from(done)).scalar_one()


def n_queued(connection: Connection, project_id: int) -> int:
    """Images of a project that are queued, held ones included."""
    query = select(func.count()).where(items.c.project_id == project_id, items.c.state == "queued")
    return connection.execute(query).scalar_one()
