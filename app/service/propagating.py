"""Use case: carry masks from one slice to its neighbours, as starting masks for people to verify.

What a person has accepted, put aside or is at work on is never touched; an answered slice ends the way in its
direction, since its own masks are the better ones to carry on from. The audit set gets no starting masks: it is to
measure what people draw unaided. Models run outside of any transaction; all that was carried is stored in one.
"""

from collections import defaultdict
from collections.abc import Sequence

from alcore.errors import InvalidInput
from alcore.masks import decode_rle, encode_rle
from app.api.schemas_volumes import CarriedObject, CarriedSlice, Propagated, PropagateIn
from app.service.context import Context
from app.service.items import segmenter_in
from app.store import annotations as annotation_rows
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store import rounds as round_rows
from app.store import volumes as rows
from app.store.database import Row
from prompts.propagate import propagate as carried

STEPS = {"both": (-1, 1), "before": (-1,), "after": (1,)}
Offers = dict[int, list[dict[str, object]]]
"""Objects as suggestions hold them, by item id."""


def propagate(ctx: Context, item_id: int, body: PropagateIn) -> Propagated:
    """Carry masks over to the neighbours of a slice and queue these first, nearest ones before others.

    Raises:
        InvalidInput: the item is no slice of a volume, the project labels whole images, a mask or class does not fit,
            or there is no mask to carry.
    """
    with ctx.db.read() as connection:
        item = item_rows.get(connection, item_id, now=ctx.clock())
        project = project_rows.get(connection, item["project_id"])
        known = {c["class_id"] for c in project_rows.class_rows(connection, item["project_id"])}
        newest = annotation_rows.newest(connection, item_id)
        if item["volume_id"] is None:
            raise InvalidInput(f"item {item_id} is no slice of a volume; only slices have neighbours to carry masks to")
        slices = rows.slices(connection, item["volume_id"], now=ctx.clock())
    if project["task"] != "segmentation":
        raise InvalidInput("only segmentation projects have masks to carry over; this one labels whole images")
    objects = _objects(item, known, body.objects, newest)
    ways = [_way(slices, item["slice_index"], step, body.n) for step in STEPS[body.direction]]
    segmenter = segmenter_in(ctx, project)
    predictor, start = ctx.prompter.encoded(item, segmenter)
    offers: Offers = defaultdict(list)
    for way in ways:
        for entry in objects:
            following = (ctx.prompter.encoded(row, segmenter)[1] for row in way)
            steps = carried(predictor, start, following, decode_rle(entry.mask.model_dump()))
            for found, row in zip(steps, way, strict=False):  # the object may end before the way does
                mask = encode_rle(found.mask)
                offer = {"class_id": entry.class_id, "mask": mask, "mean_confidence": found.quality}
                offers[row["id"]].append(offer)
    return _store(ctx, item, predictor.model_id, offers, within=body)


def _objects(item: Row, known: set[int], asked: list[CarriedObject] | None, newest: Row | None) -> list[CarriedObject]:
    """The masks to carry: those that were sent, else those of the newest annotation."""
    if asked is None:
        entries = [] if newest is None else newest["objects"]
        asked = [CarriedObject(class_id=entry["class_id"], mask=entry["mask"]) for entry in entries]
    for entry in asked:
        if entry.class_id not in known or entry.mask.size != (item["height"], item["width"]):
            raise InvalidInput(
                f"a mask of class {entry.class_id} and size {list(entry.mask.size)} does not fit; known classes are "
                f"{sorted(known)}, the slice has [{item['height']}, {item['width']}]"
            )
    found = [entry for entry in asked if decode_rle(entry.mask.model_dump()).any()]
    if not found:
        raise InvalidInput(f"item {item['id']} has no mask to carry over; draw or accept one first")
    return found


def _way(slices: Sequence[Row], start: int, step: int, n: int) -> list[Row]:
    """Up to `n` slices from the start on, nearest first, as far as nobody has answered one."""
    way: list[Row] = []
    for index in range(start + step, start + step * (n + 1), step):
        if not 0 <= index < len(slices) or slices[index]["version"]:
            break
        way.append(slices[index])
    return way


def _store(ctx: Context, item: Row, model_id: str, offers: Offers, *, within: PropagateIn) -> Propagated:
    """Store what is still wanted by now, all at once."""
    start = item["slice_index"]
    reach = {start + step * distance for step in STEPS[within.direction] for distance in range(1, within.n + 1)}
    with ctx.db.write() as connection:
        slices = rows.slices(connection, item["volume_id"], now=ctx.clock())
        near = sorted(
            (row for row in slices if row["slice_index"] in reach), key=lambda r: abs(r["slice_index"] - start)
        )
        taken = [row for row in near if row["id"] in offers and _is_open(row)]
        round_rows.put_suggestions(
            connection,
            [
                {
                    "item_id": row["id"],
                    "model_id": model_id,
                    "objects": offers[row["id"]],
                    "label": None,
                    "uncertainty": None,
                    "from_item_id": item["id"],
                }
                for row in taken
            ],
        )
        reason = f"masks carried over from slice {start + 1}"
        rows.queue_first(connection, item["project_id"], [row["id"] for row in taken], reason)
    return Propagated(
        slices=[
            CarriedSlice(
                item_id=row["id"],
                index=row["slice_index"],
                n_objects=len(offers[row["id"]]),
                quality=min(float(str(entry["mean_confidence"])) for entry in offers[row["id"]]),
            )
            for row in taken
        ],
        kept=[row["id"] for row in near if not _is_open(row)],
    )


def _is_open(row: Row) -> bool:
    """Whether a slice may get starting masks."""
    is_free = row["token"] is None and not row["n_drafts"] and not row["is_audit"]
    return bool(is_free and row["version"] == 0 and row["state"] in ("unqueued", "queued"))
