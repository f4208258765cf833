"""Answers that see nobody else's: when an item is handed out blind, and what such an answer is measured against.

A second read and an answer to a gold item look alike to who gives them: an item without marks, at version 0.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from alcore.agreement import compare_classes, mean_agreement
from alcore.masks import decode_rle
from alcore.windows import Box
from app.errors import VersionConflict
from app.service.windows import shared_window
from app.store import annotations as annotation_rows
from app.store import leases as lease_rows
from app.store import reads as rows
from app.store import second_reads as second_rows
from app.store.database import Row
from app.store.reads import ADJUDICATION, GOLD, SECOND


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How far two answers to one item agree."""

    score: float
    """Mean Dice over classes; of labels 1 for the same and 0 for others."""
    distance: float | None
    """Mean symmetric surface distance, in mm where the item has a spacing, else in pixels."""
    classes: list[dict[str, Any]]


def draw(*names: object) -> float:
    """A number from [0, 1) that hangs on the names alone: the same on every machine, at any time, in any order."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def is_drawn(project_id: int, item_id: int, share: float) -> bool:
    """Whether an item is among the share of a project that is read a second time; a larger share keeps these."""
    return draw("second read", project_id, item_id) < share


def kind_for(connection: Connection, item: Row, annotator: str | None) -> str | None:
    """How an item opens for an annotator: as a blind second read, as a blind gold item, or None as it is.

    Who made a version of its annotation sees it as it is. Anyone else meets a gold item, or one that waits for a
    second read, blind, from whatever list it is opened, and goes back to an answer of their own until it is decided.
    """
    if annotator is None or item["state"] != "labeled" or rows.wrote(connection, item["id"], annotator):
        return None
    second, own = second_rows.get(connection, item["id"]), rows.own(connection, item["id"], annotator)
    is_open = second is not None and second["decision_id"] is None
    if is_open and second is not None:
        reader = None if second["second_id"] is None else rows.get(connection, second["second_id"])["annotator"]
        if reader == annotator or (reader is None and (own is None or own["kind"] == SECOND)):
            return SECOND
    if (own is None or own["kind"] == GOLD) and second_rows.gold_of(connection, item["id"]) is not None:
        return GOLD
    return None


def choose(
    connection: Connection, project: Row, annotator: str, *, now: float, exclude: Sequence[int], n_taken: int = 0
) -> tuple[int, str] | None:
    """The item that an annotator is to answer blind now, and as what; None where an ordinary one comes.

    What they hold comes first, then a gold item when it is one's turn, then what waits for a second read: an early
    disagreement is the cheapest to learn from.

    Args:
        connection: a write transaction.
        project: the project's row.
        annotator: who asks.
        now: the time, seconds since the epoch.
        exclude: items that they hold elsewhere and do not want now.
        n_taken: items that they were given in this request before.
    """
    args = (connection, project["id"], annotator)
    held = rows.held(*args, now=now, exclude=exclude)
    if held is not None:
        return held
    if project["gold_share"] > 0:
        turn = rows.n_answers(*args) + n_taken
        if draw("gold", project["id"], annotator, turn) < project["gold_share"]:
            item_id = rows.free_gold(*args, now=now, exclude=exclude)
            if item_id is not None:
                return item_id, GOLD
    item_id = rows.free_second(*args, now=now, exclude=exclude)
    return None if item_id is None else (item_id, SECOND)


def counterpart(connection: Connection, item_id: int, lease: Row | None) -> Row | None:
    """The answer that one given under this lease is to be compared with; None where there is none."""
    kind = None if lease is None else lease["kind"]
    if kind == SECOND:
        return annotation_rows.newest(connection, item_id)
    if kind == GOLD:
        mark = second_rows.gold_of(connection, item_id)
        if mark is not None:
            return second_rows.answer(connection, mark["annotation_id"])
        return annotation_rows.newest(connection, item_id)
    second = None if kind == ADJUDICATION else second_rows.get(connection, item_id)
    if second is None or second["second_id"] is None or second["decision_id"] is not None:
        return None
    return rows.get(connection, second["second_id"])


def measure(task: str, item: Row, first: Mapping[str, Any], second: Mapping[str, Any]) -> Measured:
    """Compare two answers to an item, in what both label; it takes a while on large masks, so no transaction should
    wait for it.

    Raises:
        InvalidInput: they label windows that have nothing in common.
    """
    if task == "classification":
        return Measured(score=float(first["label"] == second["label"]), distance=None, classes=[])
    spacing = (item["spacing_row_mm"], item["spacing_col_mm"])
    pixel = (1.0, 1.0) if None in spacing else spacing
    shared = shared_window(first, second)
    found = compare_classes(class_masks(first, shared), class_masks(second, shared), spacing=pixel)
    score, distance = mean_agreement(found)
    return Measured(score=score, distance=distance, classes=[asdict(entry) for entry in found])


def class_masks(answer: Mapping[str, Any], window: Box | None = None) -> dict[int, np.ndarray]:
    """The pixels of each class of an answer, of a window alone where one is given: objects of one class together."""
    found: dict[int, np.ndarray] = {}
    for entry in answer["objects"]:
        mask = decode_rle(entry["mask"])
        if window is not None:
            mask = mask[window[1] : window[3], window[0] : window[2]]
        found[entry["class_id"]] = found[entry["class_id"]] | mask if entry["class_id"] in found else mask
    return found


def accept(
    connection: Connection,
    lease: Row,
    values: Mapping[str, Any],
    *,
    base_version: int,
    against: Row,
    measured: Measured | None,
    now: float,
) -> int:
    """Keep a blind answer, or for `measured` None that there is none, and let go of the lease; returns its version.

    Raises:
        VersionConflict: this annotator answered the item since, in another browser.
    """
    item_id, annotator = lease["item_id"], lease["annotator"]
    own = rows.own(connection, item_id, annotator)
    version = 0 if own is None else int(own["version"])
    if version != base_version:
        raise VersionConflict(f"item {item_id} is at version {version}, the answer was made on version {base_version}")
    facts = {"item_id": item_id, "kind": lease["kind"], "annotator": annotator, "version": version + 1}
    score = None if measured is None else measured.score
    kept = {**values, **facts, "against_id": against["id"], "score": score, "created_at": now}
    read_id = rows.add(connection, kept)
    if lease["kind"] == SECOND and measured is not None:
        change = {**asdict(measured), "first_id": against["id"], "second_id": read_id}
        second_rows.change(connection, item_id, change)
    lease_rows.drop(connection, item_id)
    annotation_rows.drop_draft(connection, item_id, annotator)
    return version + 1


def skip(connection: Connection, lease: Row, submission_id: str, reason: str, *, now: float) -> None:
    """Note that an annotator cannot answer; the item stays what it is, and this annotator is not asked again."""
    own = rows.own(connection, lease["item_id"], lease["annotator"])
    against = counterpart(connection, lease["item_id"], lease)
    assert against is not None  # a blind item has an annotation
    nothing: dict[str, Any] = {"label": None, "objects": [], "window": None, "labeled_window": None}
    accept(
        connection,
        lease,
        {
            **nothing,
            "seconds": 0.0,
            "clicks": 0,
            "submission_id": submission_id,
            "model_id": None,
            "skip_reason": reason,
        },
        base_version=0 if own is None else own["version"],
        against=against,
        measured=None,
        now=now,
    )
