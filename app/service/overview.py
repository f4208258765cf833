"""Use cases: see a project as a whole. Its map, its images by filter, what looks alike, and picking what is asked."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
from sqlalchemy import Connection

from alcore.errors import InvalidInput, UnknownName
from alcore.similarity import most_similar
from app.api.schemas import (
    DuplicatePair,
    EmbeddingMap,
    ItemFilter,
    ItemPage,
    ItemState,
    ItemSummary,
    NearDuplicates,
    Picked,
    PickIn,
    Similar,
    SimilarItem,
)
from app.errors import InvalidRequest, NotFound
from app.service import uncertainty
from app.service.context import Context
from app.service.items import when
from app.store import browse
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store.database import Row

STATES: tuple[ItemState, ...] = get_args(ItemState)


def page(ctx: Context, project_id: int, asked: ItemFilter) -> ItemPage:
    """A page of the images that fit a filter.

    Raises:
        UnknownName: the project has no such class.
        InvalidRequest: no image has the group, or no model was asked about the images.
    """
    with ctx.db.read() as connection:
        project = project_rows.get(connection, project_id)
        named = {str(row["name"]): int(row["class_id"]) for row in project_rows.class_rows(connection, project_id)}
        if asked.class_name is not None and asked.class_name not in named:
            raise UnknownName.of("class", asked.class_name, named)
        if asked.group is not None and not browse.has_group(connection, project_id, asked.group):
            raise InvalidRequest(f"no image of project {project_id} has the group {asked.group!r}")
        by_doubt = asked.order == "uncertainty"  # which the database does not know
        found, total = browse.find(
            connection,
            project_id,
            class_id=named.get(asked.class_name or ""),
            newest_first=asked.order == "newest",
            limit=None if by_doubt else asked.limit,
            offset=0 if by_doubt else asked.offset,
            now=ctx.clock(),
            **asked.model_dump(include={"state", "class_name", "round", "group", "name", "audit", "flagged"}),
        )
        if by_doubt:
            doubts = uncertainty.load(ctx, project["model_id"])
            if not doubts:
                raise InvalidRequest("no model was asked about these images yet: run a round, or order by `import`")
            found.sort(key=lambda item_id: -doubts.get(item_id, -1.0))
            found = found[asked.offset : asked.offset + asked.limit]
        return ItemPage(items=summaries(ctx, connection, project_id, found), total=total)


def summaries(ctx: Context, connection: Connection, project_id: int, item_ids: Sequence[int]) -> list[ItemSummary]:
    """What a list shows of some images of a project, in the order given."""
    doubts = uncertainty.load(ctx, project_rows.get(connection, project_id)["model_id"])
    named = {int(row["class_id"]): str(row["name"]) for row in project_rows.class_rows(connection, project_id)}
    rows = browse.summaries(connection, item_ids, now=ctx.clock())
    return [
        ItemSummary(
            id=item_id,
            name=rows[item_id]["name"],
            state=_state(rows[item_id]["state"], rows[item_id]["is_held"]),
            round=rows[item_id]["round"],
            group=rows[item_id]["group_name"],
            classes=_classes(rows[item_id], named),
            flagged=bool(rows[item_id]["is_flagged"]),
            is_audit=bool(rows[item_id]["is_audit"]),
            uncertainty=doubts.get(item_id),
            answered_at=None if rows[item_id]["answered_at"] is None else when(rows[item_id]["answered_at"]),
        )
        for item_id in item_ids
    ]


def embedding_map(ctx: Context, project_id: int) -> EmbeddingMap:
    """All embedded images on a plane, with what they may be coloured by."""
    pool = ctx.pools.get(ctx, project_id)
    plane, shares = pool.plane()
    with ctx.db.read() as connection:
        project = project_rows.get(connection, project_id)
        named = {str(row["name"]): int(row["class_id"]) for row in project_rows.class_rows(connection, project_id)}
        rows = browse.overview(connection, project_id, now=ctx.clock())
    placed = set(pool.item_ids.tolist())
    rows = [row for row in rows if row[0] in placed]
    groups = {name: i for i, name in enumerate(dict.fromkeys(row[4] for row in rows if row[4] is not None))}
    doubts = uncertainty.load(ctx, project["model_id"])
    scale = float(np.abs(plane).max(initial=0)) or 1.0
    x, y = (plane.T.astype(np.float64) / scale).round(4)
    return EmbeddingMap(
        item_ids=pool.item_ids.tolist(),
        x=x.tolist(),
        y=y.tolist(),
        states=[STATES.index(_state(row[1], row[2])) for row in rows],
        rounds=[row[3] for row in rows],
        class_ids=[(row[6] or 0) if row[5] is None else named.get(row[5], 0) for row in rows],
        groups=[-1 if row[4] is None else groups[row[4]] for row in rows],
        uncertainty=[doubts.get(row[0]) for row in rows],
        state_names=list(STATES),
        group_names=list(groups),
        model_id=project["model_id"] if doubts else None,
        shares=shares,
        n_missing=pool.n_missing,
    )


def similar(ctx: Context, item_id: int, limit: int) -> Similar:
    """The images of the same project that look most like one, which comes first itself.

    Raises:
        InvalidRequest: the image has no embedding yet.
    """
    with ctx.db.read() as connection:
        project_id = int(item_rows.get(connection, item_id, now=ctx.clock())["project_id"])
    pool = ctx.pools.get(ctx, project_id)
    row = pool.row_of(item_id)
    if row is None:
        raise InvalidRequest(f"item {item_id} has no embedding yet: embed the images, or start a round")
    rows, cosines = most_similar(pool.vectors, pool.vectors[row], limit)
    with ctx.db.read() as connection:
        found = summaries(ctx, connection, project_id, pool.item_ids[rows].tolist())
    pairs = zip(found, cosines.tolist(), strict=True)
    return Similar(items=[SimilarItem(**shown.model_dump(), cosine=_rounded(cosine)) for shown, cosine in pairs])


def duplicates(ctx: Context, project_id: int, threshold: float, limit: int) -> NearDuplicates:
    """Pairs of images that look nearly the same.

    Raises:
        InvalidInput: the threshold is out of range, or so low that far too many pairs reach it.
    """
    if not 0.5 <= threshold <= 1:
        raise InvalidInput(f"a threshold must be from 0.5 to 1; got {threshold:g}")
    pool = ctx.pools.get(ctx, project_id)
    pairs, cosines = pool.duplicates(threshold)
    ids = pool.item_ids[pairs[:limit]]
    with ctx.db.read() as connection:
        shown = {line.id: line for line in summaries(ctx, connection, project_id, sorted(set(ids.ravel().tolist())))}
    found = [
        DuplicatePair(first=shown[first], second=shown[second], cosine=_rounded(cosine))
        for (first, second), cosine in zip(ids.tolist(), cosines.tolist(), strict=False)
    ]
    return NearDuplicates(pairs=found, total=len(pairs))


def pick(ctx: Context, project_id: int, body: PickIn) -> Picked:
    """Queue images that a person chose, behind what is queued.

    Only unqueued ones are taken, and none of the audit set: that is asked by chance alone, or it measured what people
    like to look at.

    Raises:
        NotFound: an image is not the project's; nothing is queued then.
    """
    wanted = list(dict.fromkeys(body.item_ids))
    place = "on the map" if body.where == "map" else "in the gallery"
    reason = f"chosen {place} by {body.annotator or 'someone'}"
    with ctx.db.write() as connection:
        project_rows.get(connection, project_id)
        rows = browse.summaries(connection, wanted, now=ctx.clock())
        lost = [item_id for item_id in wanted if item_id not in rows or rows[item_id]["project_id"] != project_id]
        if lost:
            raise NotFound(f"project {project_id} has no item {lost[0]}; nothing was queued")
        free = [item_id for item_id in wanted if rows[item_id]["state"] == "unqueued"]
        taken = [{"item_id": item_id, "reason": reason} for item_id in free if not rows[item_id]["is_audit"]]
        queued = item_rows.enqueue(connection, project_id, taken, round_number=None)
    return Picked(queued=queued, n_asked_before=len(wanted) - len(free), n_audit=len(free) - len(queued))


def _state(state: ItemState, is_held: bool) -> ItemState:
    """State as people see it: a queued item with a live lease is leased."""
    return "leased" if state == "queued" and is_held else state


def _classes(row: Row, named: dict[int, str]) -> list[str]:
    """Names of the classes that the newest answer says."""
    if row["label"] is not None:
        return [str(row["label"])]
    shown = {int(part) for part in str(row["class_ids"] or "").split(",") if part}
    return [name for class_id, name in named.items() if class_id in shown]


def _rounded(cosine: float) -> float:
    """A cosine as people read it."""
    return round(cosine, 4)
