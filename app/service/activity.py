"""Use cases: what an annotator did last, and how long the rest takes at their pace."""

from collections.abc import Sequence
from datetime import datetime
from statistics import fmean, median
from typing import NamedTuple

from app.api.schemas_work import Pace, Recent, RecentItem
from app.service.blind import kind_for
from app.service.context import Context
from app.service.items import state_of, when
from app.store import activity as rows
from app.store import annotations as annotation_rows
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store import reads as read_rows

MEASURED = 50


class Estimate(NamedTuple):
    """Seconds for one image as a rule, and for all that is left."""

    median_s: float | None
    left_s: float | None


def estimate(seconds: Sequence[float], left: int) -> Estimate:
    """How long the images that are left take.

    Args:
        seconds: working time of the images done last, each at least 0.
        left: images to go.

    Returns:
        The median, which one long image does not move, and `left` times the mean: a sum grows with the mean, and the
        median would promise too little where some images take long. Both None where nothing was measured.
    """
    if not seconds:
        return Estimate(None, None)
    return Estimate(median(seconds), left * fmean(seconds))


def pace(ctx: Context, project_id: int, annotator: str, since: datetime) -> Pace:
    """How fast a person works in a project, and how long its queue takes at that pace."""
    with ctx.db.read() as connection:
        project_rows.get(connection, project_id)
        seconds = rows.last_seconds(connection, project_id, annotator, limit=MEASURED)
        left = rows.n_queued(connection, project_id)
        left += read_rows.n_waiting(connection, project_id, annotator, now=ctx.clock())
        today = rows.n_done(connection, project_id, annotator, since=since.timestamp())
    guess = estimate(seconds, left)
    return Pace(n_today=today, n_measured=len(seconds), median_s=guess.median_s, left=left, left_s=guess.left_s)


def recent(ctx: Context, project_id: int, annotator: str, limit: int) -> Recent:
    """What a person annotated or skipped last in a project, newest first."""
    found: list[RecentItem] = []
    with ctx.db.read() as connection:
        project_rows.get(connection, project_id)
        for row in rows.recent(connection, project_id, annotator, limit=limit):
            item = item_rows.get(connection, row["id"], now=ctx.clock())
            newest, version = annotation_rows.newest(connection, row["id"]), row["version"]
            skip_reason = row["skip_reason"]
            if kind_for(connection, item, annotator) is not None:  # nothing but what is their own
                newest = read_rows.own(connection, row["id"], annotator)
                if newest is None:
                    continue  # begun, and not a correction: it comes back by itself like what is queued
                version, skip_reason = newest["version"], newest["skip_reason"]
            found.append(
                RecentItem(
                    item_id=row["id"],
                    name=row["name"],
                    state=state_of(item),
                    done=row["done"],
                    at=when(row["at"]),
                    version=version,
                    annotator=None if newest is None else newest["annotator"],
                    label=None if newest is None else newest["label"],
                    n_objects=0 if newest is None else len(newest["objects"]),
                    skip_reason=skip_reason if row["done"] == "skipped" else None,
                    has_draft=bool(row["has_draft"]),
                    flagged=bool(row["is_flagged"]),
                )
            )
    return Recent(items=found)
