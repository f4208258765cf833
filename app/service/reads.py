"""Use cases: ask second reads, and see how far the readers agree."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

import numpy as np
from sqlalchemy import Connection

from alcore.agreement import cohens_kappa
from alcore.metrics import bootstrap_ci95
from app.api.schemas_reads import Agreement, Asked, ClassMean, Unit
from app.errors import NotFound
from app.service.blind import Measured, is_drawn
from app.service.context import Context
from app.store import annotations as annotation_rows
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store import reads as rows
from app.store import second_reads as second_rows
from app.store.database import Row

ANONYMOUS = "anonymous"


def ask(ctx: Context, project_id: int, item_ids: Sequence[int], annotator: str | None) -> Asked:
    """Ask a second read of images. One that nobody has read yet is read twice in the end.

    Raises:
        NotFound: an image is not the project's; none is asked then.
    """
    wanted = list(dict.fromkeys(item_ids))
    with ctx.db.write() as connection:
        checked(connection, project_id, wanted, now=ctx.clock())
        asked = second_rows.want(connection, wanted, asked_by=annotator or ANONYMOUS, now=ctx.clock())
    return Asked(asked=asked, n_asked_before=len(wanted) - len(asked))


def checked(connection: Connection, project_id: int, item_ids: Sequence[int], *, now: float) -> list[Row]:
    """The items' rows.

    Raises:
        NotFound: one is not the project's.
    """
    project_rows.get(connection, project_id)
    found = [item_rows.get(connection, item_id, now=now) for item_id in item_ids]
    for row in found:
        if row["project_id"] != project_id:
            raise NotFound(f"project {project_id} has no item {row['id']}; nothing was changed")
    return found


def redraw(connection: Connection, project_id: int, share: float, *, now: float) -> None:
    """Bring what is drawn for a second read in line with a new share; what was asked or read stays."""
    second_rows.drop_drawn(connection, project_id)
    drawn = [i for i in second_rows.labeled(connection, project_id) if is_drawn(project_id, i, share)]
    second_rows.draw(connection, drawn, now=now)


def accepted(connection: Connection, item_id: int, *, measured: Measured | None, now: float) -> None:
    """After a version was accepted: the first may be drawn, one after a second read is measured against that.

    `measured` says how far it agrees with the second read, None where there is none or this was the decision.
    """
    newest = annotation_rows.newest(connection, item_id)
    assert newest is not None
    if newest["adjudicates"] is not None:
        second_rows.change(connection, item_id, {"decision_id": newest["id"]})
    elif measured is not None:
        second_rows.change(connection, item_id, {**asdict(measured), "first_id": newest["id"]})
    elif newest["version"] == 1:
        item = item_rows.get(connection, item_id, now=now)
        share = project_rows.get(connection, item["project_id"])["second_read_share"]
        if is_drawn(item["project_id"], item_id, share):
            second_rows.draw(connection, [item_id], now=now)


def redone(connection: Connection, item_id: int, lease: Row) -> dict[str, Any] | None:
    """What a version decides that is accepted under this lease; None for an ordinary one."""
    if lease["kind"] != rows.ADJUDICATION:
        return None
    second = second_rows.get(connection, item_id)
    if second is None or second["decision_id"] is not None:
        return None
    return {"act": "redo", "first_id": second["first_id"], "second_id": second["second_id"]}


def agreement(ctx: Context, project_id: int) -> Agreement:
    """How far second readers agree with first ones."""
    with ctx.db.read() as connection:
        project = project_rows.get(connection, project_id)
        classes = project_rows.class_rows(connection, project_id)
        found = second_rows.of_project(connection, project_id)
        seconds = sum(row["seconds"] for row in rows.of_kind(connection, project_id, rows.SECOND))
    done = [row for row in found if row["second_id"] is not None]
    mean, low, high = mean_with_interval(done)
    units = {unit_of(row["has_spacing"]) for row in done}
    measured = [row["distance"] for row in done if row["distance"] is not None]
    return Agreement(
        task=project["task"],
        n_wanted=sum(row["second_id"] is None and row["state"] != "skipped" for row in found),
        n_read=len(done),
        n_apart=sum(is_apart(row, project) for row in done),
        n_decided=sum(row["decision_id"] is not None for row in done),
        seconds=seconds,
        mean=mean,
        ci_low=low,
        ci_high=high,
        distance=fmean(measured) if measured and len(units) == 1 else None,
        unit=units.pop() if len(units) == 1 else "px",
        kappa=_kappa(done) if project["task"] == "classification" else None,
        per_class=_per_class(done, classes),
    )


def is_apart(second: Row, project: Row) -> bool:
    """Whether two readings wait for a decision: Dice below the project's threshold, or other labels."""
    if second["score"] is None or second["decision_id"] is not None or second["state"] != "labeled":
        return False
    threshold = 1.0 if project["task"] == "classification" else project["adjudicate_below"]
    return bool(second["score"] < threshold)


def unit_of(has_spacing: bool) -> Unit:
    """Unit of distances in an item."""
    return "mm" if has_spacing else "px"


def mean_with_interval(scored: Sequence[Row]) -> tuple[float | None, float | None, float | None]:
    """Mean of `score` with its 95 % bootstrap interval, groups drawn whole; the same at every call.

    One group alone says nothing of how others come out, so its interval is None.
    """
    if not scored:
        return None, None, None
    scores = [row["score"] for row in scored]
    groups = np.array([row["group_name"] or f"item {row['item_id']}" for row in scored])
    if len(set(groups.tolist())) < 2:
        return fmean(scores), None, None
    return fmean(scores), *bootstrap_ci95(scores, np.random.default_rng(0), groups=groups)


def _kappa(done: Sequence[Row]) -> float | None:
    """Cohen's kappa of both readers' labels."""
    if not done:
        return None
    names = sorted({str(row[side]) for row in done for side in ("first_label", "second_label")})
    first, second = (np.array([names.index(row[s]) for row in done]) for s in ("first_label", "second_label"))
    kappa = cohens_kappa(first, second)
    return None if np.isnan(kappa) else kappa


def _per_class(done: Sequence[Row], classes: Sequence[Row]) -> list[ClassMean]:
    """Mean Dice and distance of each class that was shown."""
    found: list[ClassMean] = []
    for known in classes:
        entries: list[Mapping[str, Any]] = [
            entry for row in done for entry in row["classes"] if entry["class_id"] == known["class_id"]
        ]
        distances = [entry["distance"] for entry in entries if entry["distance"] is not None]
        if entries:
            found.append(
                ClassMean(
                    class_name=known["name"],
                    n=len(entries),
                    dice=fmean(entry["dice"] for entry in entries),
                    distance=fmean(distances) if distances else None,
                )
            )
    return found
