"""Rounds with their items, trained models, and the starting masks that a model offers."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from app.store.database import Row
from app.store.tables import annotations, items, models, round_items, rounds, suggestions

if TYPE_CHECKING:
    from alcore.rounds import Arm


def last_number(connection: Connection, project_id: int) -> int:
    """Number of the newest round; 0 when there was none."""
    query = select(func.coalesce(func.max(rounds.c.number), 0)).where(rounds.c.project_id == project_id)
    return connection.execute(query).scalar_one()


def of_job(connection: Connection, job_id: int) -> Row | None:
    """The round that a job has made already, so that one which is run again makes no second."""
    return connection.execute(select(rounds).where(rounds.c.job_id == job_id)).mappings().one_or_none()


def add(connection: Connection, values: Mapping[str, Any], chosen: Sequence[Mapping[str, Any]]) -> int:
    """Insert a round and what it asked; entries of `chosen` hold `item_id`, `reason`, `score`, `arm`."""
    statement = insert(rounds).values(**values, created_at=time.time()).returning(rounds.c.id)
    round_id = int(connection.execute(statement).scalar_one())
    if chosen:
        rows = [{**row, "round_id": round_id, "position": i} for i, row in enumerate(chosen)]
        connection.execute(insert(round_items), rows)
    return round_id


def report(connection: Connection, project_id: int) -> Sequence[Row]:
    """All rounds with what they cost so far: seconds and clicks of every version, and items that are done."""
    asked = and_(round_items.c.round_id == rounds.c.id)
    answers = (
        select(
            round_items.c.round_id,
            func.coalesce(func.sum(annotations.c.seconds), 0.0).label("seconds_spent"),
            func.coalesce(func.sum(annotations.c.clicks), 0).label("clicks"),
        )
        .select_from(round_items.join(annotations, annotations.c.item_id == round_items.c.item_id))
        .group_by(round_items.c.round_id)
        .subquery("answers")
    )
    done = (
        select(func.count())
        .select_from(round_items.join(items, items.c.id == round_items.c.item_id))
        .where(asked, items.c.state.in_(("labeled", "skipped")))
        .correlate(rounds)
        .scalar_subquery()
    )
    drawn = [
        select(func.count())
        .where(asked, round_items.c.arm == arm)
        .correlate(rounds)
        .scalar_subquery()
        .label(f"n_{arm}")
        for arm in ("control", "audit")
    ]
    query = (
        select(
            rounds,
            *drawn,
            func.coalesce(answers.c.seconds_spent, 0.0).label("seconds_spent"),
            func.coalesce(answers.c.clicks, 0).label("clicks"),
            done.label("items_done"),
        )
        .select_from(rounds.outerjoin(answers, answers.c.round_id == rounds.c.id))
        .where(rounds.c.project_id == project_id)
        .order_by(rounds.c.number)
    )
    return connection.execute(query).mappings().all()


def arms(connection: Connection, project_id: int) -> "dict[int, Arm]":
    """The arm of every item that a round asked, by item id."""
    query = (
        select(round_items.c.item_id, round_items.c.arm)
        .join(rounds, rounds.c.id == round_items.c.round_id)
        .where(rounds.c.project_id == project_id)
    )
    return {int(row.item_id): row.arm for row in connection.execute(query)}


def labeled_arms(connection: Connection, project_id: int) -> dict[str, int]:
    """Labeled items by the arm that asked them."""
    query = (
        select(round_items.c.arm, func.count())
        .join(items, items.c.id == round_items.c.item_id)
        .where(items.c.project_id == project_id, items.c.state == "labeled")
        .group_by(round_items.c.arm)
    )
    return {str(row[0]): int(row[1]) for row in connection.execute(query)}


def add_model(connection: Connection, values: Mapping[str, Any]) -> None:
    """Record a trained model, accepted or not."""
    connection.execute(insert(models).values(**values, created_at=time.time()))


def model(connection: Connection, model_id: str) -> Row | None:
    """One trained model."""
    return connection.execute(select(models).where(models.c.id == model_id)).mappings().one_or_none()


def last_model(connection: Connection, project_id: int) -> Row | None:
    """The model that was trained last, accepted or not."""
    query = select(models).where(models.c.project_id == project_id).order_by(models.c.created_at.desc()).limit(1)
    return connection.execute(query).mappings().one_or_none()


def models_of(connection: Connection, project_id: int) -> Sequence[Row]:
    """All trained models, oldest first, each with the number of the round that trained it, if one did."""
    query = (
        select(models, rounds.c.number.label("round"))
        .select_from(models.outerjoin(rounds, rounds.c.job_id == models.c.job_id))
        .where(models.c.project_id == project_id)
        .order_by(models.c.created_at)
    )
    return connection.execute(query).mappings().all()


def put_suggestions(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Store starting masks, in place of older ones; rows hold all columns but `created_at`.

    What a head suggests leaves masks alone that were carried over from what a person drew on a neighbouring slice (rows
    with `from_item_id`); those, in turn, leave the head's map of uncertainty.
    """
    for row in rows:
        statement = upsert(suggestions).values(**row, created_at=time.time())
        is_carried = row.get("from_item_id") is not None
        names = ["model_id", "objects", "label", "created_at", "from_item_id" if is_carried else "uncertainty"]
        changed = {name: statement.excluded[name] for name in names}
        older = None if is_carried else suggestions.c.from_item_id.is_(None)
        connection.execute(statement.on_conflict_do_update(index_elements=["item_id"], set_=changed, where=older))


def suggestion(connection: Connection, item_id: int) -> Row | None:
    """What the head thinks of an item, if it was asked."""
    return connection.execute(select(suggestions).where(suggestions.c.item_id == item_id)).mappings().one_or_none()


def drop_suggestion(connection: Connection, item_id: int) -> None:
    """Forget an offer that was answered."""
    connection.execute(delete(suggestions).where(suggestions.c.item_id == item_id))
