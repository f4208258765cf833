"""Use cases: see where two readers are apart, and decide. The decision is the item's next version."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from alcore.agreement import match_objects
from alcore.errors import InvalidInput
from alcore.masks import decode_rle, encode_rle
from alcore.metrics import dice
from app.api.schemas import Item, ObjectIn, Rle
from app.api.schemas_reads import (
    Adjudicated,
    AdjudicateIn,
    Adjudication,
    Adjudications,
    ClassMeasure,
    Dispute,
    Pair,
    Reading,
    Side,
)
from app.errors import Conflict, NotFound
from app.service import queue
from app.service.blind import draw
from app.service.context import Context
from app.service.reads import ANONYMOUS, accepted, is_apart, unit_of
from app.service.windows import shared_window, window_of_answer
from app.store import annotations as annotation_rows
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store import reads as read_rows
from app.store import second_reads as second_rows
from app.store.database import Row

JOINS = {"union": np.logical_or, "intersection": np.logical_and}


def listing(ctx: Context, project_id: int) -> Adjudications:
    """The items whose two readers are apart, furthest first."""
    with ctx.db.read() as connection:
        project = project_rows.get(connection, project_id)
        found = second_rows.of_project(connection, project_id)
    waiting = sorted((row for row in found if is_apart(row, project)), key=lambda row: (row["score"], row["item_id"]))
    return Adjudications(
        waiting=[
            Dispute(
                item_id=row["item_id"],
                name=row["name"],
                score=row["score"],
                distance=row["distance"],
                unit=unit_of(row["has_spacing"]),
            )
            for row in waiting
        ],
        n_decided=sum(row["decision_id"] is not None for row in found),
    )


def view(ctx: Context, item_id: int) -> Adjudication:
    """Both readings of an item.

    Raises:
        NotFound: it has not been read twice.
    """
    with ctx.db.read() as connection:
        item = item_rows.get(connection, item_id, now=ctx.clock())
        second, sides = _read_twice(connection, item)
    decided = second["decision_id"] is not None
    return Adjudication(
        item_id=item_id,
        name=item["name"],
        version=item["version"],
        second_id=second["second_id"],
        a=_reading(sides["a"]),
        b=_reading(sides["b"]),
        pairs=pairs_of(sides["a"]["objects"], sides["b"]["objects"]),
        classes=[ClassMeasure(**entry) for entry in second["classes"]],
        score=second["score"],
        distance=second["distance"],
        unit=unit_of(item["spacing_row_mm"] is not None),
        decided=decided,
        names=_names(sides) if decided else None,
    )


def decide(ctx: Context, item_id: int, body: AdjudicateIn) -> Adjudicated:
    """Take one reader's answer, or both joined, as the item's next version.

    Raises:
        NotFound: the item has not been read twice.
        Conflict: it was decided before, or a reader corrected their answer meanwhile.
        VersionConflict: the item was annotated since the two were looked at.
        InvalidInput: labels cannot be joined, or `objects` does not fit the pairs.
    """
    with ctx.db.read() as connection:
        item = item_rows.get(connection, item_id, now=ctx.clock())
        task = project_rows.get(connection, item["project_id"])["task"]
        second, sides = _read_twice(connection, item)
    values = _decided(task, sides, body)  # joining masks takes a while: no transaction waits for it
    with ctx.db.write() as connection:
        version = annotation_rows.submitted(connection, body.submission_id, item_id)
        if version is None:
            now = second_rows.get(connection, item_id)
            if now is None or now["decision_id"] is not None:
                raise Conflict(f"item {item_id} was decided before; its newest version is the decision")
            if not now["second_id"] == second["second_id"] == body.second_id:
                raise Conflict(f"item {item_id}: a reader corrected their answer meanwhile; look at it again")
            values = {
                **values,
                "submission_id": str(body.submission_id),
                "annotator": body.annotator or ANONYMOUS,
                "seconds": body.seconds,
                "clicks": 1,
                "adjudicates": {
                    "act": _recorded(body, item),
                    "first_id": second["first_id"],
                    "second_id": second["second_id"],
                },
            }
            version = annotation_rows.add(connection, item_id, base_version=body.base_version, values=values)
            accepted(connection, item_id, measured=None, now=ctx.clock())
    return Adjudicated(item_id=item_id, version=version, names=_names(sides))


def redo(ctx: Context, item_id: int, annotator: str | None) -> Item:
    """Lease an item whose readers are apart, with nothing drawn: what is accepted decides.

    Raises:
        NotFound: it has not been read twice.
        Conflict: it was decided before.
        LeaseLost: someone else holds it.
    """
    with ctx.db.write() as connection:
        item = item_rows.get(connection, item_id, now=ctx.clock())
        if _read_twice(connection, item)[0]["decision_id"] is not None:
            raise Conflict(f"item {item_id} was decided before; open it to correct it")
        return queue.take(ctx, connection, item_id, annotator, read_rows.ADJUDICATION)


def pairs_of(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> list[Pair]:
    """Which object of the one is which of the other, class by class."""
    found: list[Pair] = []
    for class_id in sorted({entry["class_id"] for entry in (*a, *b)}):
        rows = [[i for i, entry in enumerate(side) if entry["class_id"] == class_id] for side in (a, b)]
        masks = [[decode_rle(side[i]["mask"]) for i in of] for side, of in zip((a, b), rows, strict=True)]
        for i, j in match_objects(*masks):
            overlap = 0.0 if i is None or j is None else dice(masks[0][i], masks[1][j])
            found.append(
                Pair(
                    class_id=class_id,
                    a=None if i is None else rows[0][i],
                    b=None if j is None else rows[1][j],
                    dice=overlap,
                )
            )
    return found


def joined(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None, act: str) -> Mapping[str, Any] | None:
    """What is left of a pair of objects; None for nothing. One reader's object keeps what it was made from."""
    if act in ("a", "b", "none"):
        return {"a": a, "b": b}.get(act)
    if a is None or b is None:
        return (a or b) if act == "union" else None
    mask = JOINS[act](decode_rle(a["mask"]), decode_rle(b["mask"]))
    if not mask.any():
        return None
    made = ObjectIn(class_id=a["class_id"], mask=Rle.model_validate(encode_rle(mask)), model_id=None, edited=True)
    return made.model_dump(mode="json")


def _decided(task: str, sides: Mapping[Side, Row], body: AdjudicateIn) -> dict[str, Any]:
    """Label and objects of the decision."""
    if task == "classification":
        if body.objects is not None or body.act not in ("a", "b"):
            raise InvalidInput("labels cannot be joined: the act must be a or b, without objects")
        taken = sides[body.act]
        same = {name: taken[name] for name in ("label", "window", "model_id")}
        return {**same, "objects": [], "labeled_window": None}
    a, b = sides["a"]["objects"], sides["b"]["objects"]
    pairs = pairs_of(a, b)
    acts = [body.act] * len(pairs) if body.objects is None else list(body.objects)
    if len(acts) != len(pairs):
        raise InvalidInput(f"`objects` needs an act for each of the {len(pairs)} pairs; got {len(acts)}")
    kept = [
        joined(None if pair.a is None else a[pair.a], None if pair.b is None else b[pair.b], act)
        for pair, act in zip(pairs, acts, strict=True)
    ]
    objects = [entry for entry in kept if entry is not None]
    model_id = next((entry["model_id"] for entry in objects if entry["model_id"]), None)
    if body.objects is None and body.act in ("a", "b"):
        part = window_of_answer(sides[body.act])
    else:
        part = shared_window(sides["a"], sides["b"])
    shown = sides["a"]["window"]
    return {"label": None, "objects": objects, "window": shown, "labeled_window": part, "model_id": model_id}


def _reading(row: Row) -> Reading:
    """One reader's answer, without a name."""
    return Reading(label=row["label"], objects=row["objects"], labeled_window=window_of_answer(row))


def _read_twice(connection: Connection, item: Row) -> tuple[Row, dict[Side, Row]]:
    """What became of an item's second read, and both readings; a draw says which is A.

    Raises:
        NotFound: it has not been read twice.
    """
    second = second_rows.get(connection, item["id"])
    if second is None or second["second_id"] is None:
        raise NotFound(f"item {item['id']} has not been read twice")
    first = second_rows.answer(connection, second["first_id"])
    other = read_rows.get(connection, second["second_id"])
    return second, {"a": other, "b": first} if _is_swapped(item) else {"a": first, "b": other}


def _is_swapped(item: Row) -> bool:
    """Whether A is the second reader."""
    return draw("a or b", item["project_id"], item["id"]) < 0.5


def _recorded(body: AdjudicateIn, item: Row) -> str:
    """An act as it is kept: A and B mean nothing to who reads it later."""
    if body.objects is not None:
        return "objects"
    if body.act in ("a", "b"):
        return "first" if (body.act == "a") != _is_swapped(item) else "second"
    return body.act


def _names(sides: Mapping[Side, Row]) -> dict[Side, str]:
    """Who the readers were."""
    return {side: row["annotator"] for side, row in sides.items()}
