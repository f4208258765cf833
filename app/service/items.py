"""Use cases: look at items, their pixels and what the head thinks of them; prompts on them."""

from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Connection

from alcore.formats.volume import plane_of
from alcore.types import Window
from alcore.windows import Box
from app.api.schemas import (
    Annotation,
    Item,
    ItemState,
    ItemWindow,
    Lease,
    PredictAnswer,
    PredictRequest,
    SuggestedLabel,
    SuggestedObject,
    Suggestion,
    WindowIn,
)
from app.api.schemas_volumes import SliceOf
from app.errors import NotFound
from app.service import blind, images
from app.service.bounds import bound_of
from app.service.context import Context
from app.service.models import Segmenter
from app.service.windows import window_of_answer
from app.store import annotations as annotation_rows
from app.store import items as rows
from app.store import leases
from app.store import projects as project_rows
from app.store import reads as read_rows
from app.store import rounds as round_rows
from app.store.database import Row


def when(seconds: float) -> datetime:
    """A stored time as the wire shows it."""
    return datetime.fromtimestamp(seconds, UTC)


def state_of(row: Row) -> ItemState:
    """State as people see it: a queued item with a live lease is leased."""
    state: ItemState = "leased" if row["state"] == "queued" and row["token"] is not None else row["state"]
    return state


def view(connection: Connection, row: Row, *, show_token: bool = False) -> Item:
    """An item as the wire shows it; only the lease's holder gets its token."""
    lease = None
    if row["token"] is not None:
        token = row["token"] if show_token else ""
        lease = Lease(token=token, expires_at=when(row["expires_at"]), annotator=row["annotator"])
    newest, version, is_alone = annotation_rows.newest(connection, row["id"]), row["version"], False
    if show_token and row["kind"] is not None:  # whoever answers now begins with nothing but what is their own
        is_blind = row["kind"] in read_rows.BLIND
        newest, is_alone = read_rows.own(connection, row["id"], row["annotator"]) if is_blind else None, True
        version = version if not is_blind else newest["version"] if newest else 0
    spacing = (row["spacing_row_mm"], row["spacing_col_mm"])
    return Item(
        **{name: row[name] for name in ("id", "project_id", "name", "width", "height", "dtype", "channels")},
        version=version,
        window=ItemWindow(level=row["level"], width=row["window_width"], min=row["min"], max=row["max"]),
        round=row["round"],
        reason=row["reason"],
        lease=lease,
        has_suggestion=bool(row["has_suggestion"]) and not is_alone,
        has_uncertainty=bool(row["has_uncertainty"]) and not is_alone,
        draft=annotation_rows.draft(connection, row["id"], row["annotator"]),
        annotation=None if newest is None else annotation_view(newest),
        spacing_mm=None if None in spacing else spacing,
        state="leased" if is_alone else state_of(row),
        flagged=bool(row["is_flagged"]),
        volume=None if row["volume_id"] is None else _slice_of(row),
        asked_window=asked_window(connection, row) if show_token else None,
    )


def asked_window(connection: Connection, row: Row) -> Box | None:
    """The part that the first reader of an item labeled alone; None for the whole, or where nobody reads it blind."""
    if row["kind"] not in read_rows.BLIND:
        return None
    first = blind.counterpart(connection, row["id"], leases.find(connection, row["id"], row["token"]))
    return None if first is None else window_of_answer(first)


def _slice_of(row: Row) -> SliceOf:
    """Where an item lies in its volume."""
    return SliceOf(
        volume_id=row["volume_id"],
        name=row["volume_name"],
        index=row["slice_index"],
        n_slices=row["volume_n_slices"],
        plane=plane_of(row["volume_axes"][0]),
        spacing_mm=row["volume_spacing_slice_mm"],
        slope=row["volume_slope"],
        intercept=row["volume_intercept"],
    )


def annotation_view(row: Row) -> Annotation:
    """An accepted annotation as the wire shows it."""
    names = set(Annotation.model_fields) - {"created_at"}
    return Annotation(**{name: row[name] for name in names if name in row}, created_at=when(row["created_at"]))


def get(ctx: Context, item_id: int) -> Item:
    """One item."""
    with ctx.db.read() as connection:
        return view(connection, rows.get(connection, item_id, now=ctx.clock()))


def row_of(ctx: Context, item_id: int) -> Row:
    """An item's row, for what follows outside the transaction."""
    with ctx.db.read() as connection:
        return dict(rows.get(connection, item_id, now=ctx.clock()))


def pixels(ctx: Context, item_id: int) -> np.ndarray:
    """Raw pixels, (H, W) or (H, W, 3), uint8 or uint16."""
    return ctx.images.get(row_of(ctx, item_id)).pixels


def thumbnail(ctx: Context, item_id: int) -> bytes:
    """A small WebP picture in the image's own window."""
    row = row_of(ctx, item_id)
    return images.thumbnail(ctx.images.get(row), images.window_of(row))


def segmenter_in(ctx: Context, project: Row) -> Segmenter:
    """The promptable model that a project's row names."""
    adapted = project["adaptation_id"]
    return Segmenter(str(project["segmenter"]), None if adapted is None else ctx.model_file(adapted))


def segmenter_of(ctx: Context, project_id: int) -> Segmenter:
    """The project's promptable model; a job may have adapted it a moment ago."""
    with ctx.db.read() as connection:
        return segmenter_in(ctx, project_rows.get(connection, project_id))


def predict(ctx: Context, item_id: int, request: PredictRequest) -> PredictAnswer:
    """Turn the prompts of one object into a mask."""
    row = row_of(ctx, item_id)
    return ctx.prompter.predict(row, segmenter_of(ctx, row["project_id"]), request)


def prepare(ctx: Context, item_id: int, window: WindowIn | None) -> None:
    """Encode an image for prompts when nobody clicks."""
    row = row_of(ctx, item_id)
    asked = None if window is None else Window(level=window.level, width=window.width)
    ctx.prompter.prepare(row, segmenter_of(ctx, row["project_id"]), asked)


def suggestion(ctx: Context, item_id: int) -> Suggestion:
    """What the head thinks of an item.

    Raises:
        NotFound: no such item, or the head was not asked.
    """
    with ctx.db.read() as connection:
        rows.get(connection, item_id, now=ctx.clock())
        row = round_rows.suggestion(connection, item_id)
        model = None if row is None else round_rows.model(connection, row["model_id"])
    if row is None:
        raise NotFound(f"there is no suggestion for item {item_id} yet: no trained head has looked at it")
    return Suggestion(
        model_id=row["model_id"],
        objects=[SuggestedObject(**entry) for entry in row["objects"]],
        label=None if row["label"] is None else SuggestedLabel(**row["label"]),
        lower_bound=bound_of(None if model is None else model["report"], row["objects"]),
    )


def uncertainty(ctx: Context, item_id: int) -> bytes:
    """How unsure the head is of each pixel, as `app.jobs.masks.uncertainty_map` makes it.

    Raises:
        NotFound: no such item, the head was not asked, or it gave no map.
    """
    with ctx.db.read() as connection:
        rows.get(connection, item_id, now=ctx.clock())
        row = round_rows.suggestion(connection, item_id)
    if row is None or row["uncertainty"] is None:
        raise NotFound(f"there is no map of uncertainty for item {item_id}: no segmentation head has looked at it")
    return bytes(row["uncertainty"])
