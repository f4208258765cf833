"""Use case: propose which window of a crowded image to label."""

import io
from typing import Literal

import numpy as np
from PIL import Image

from alcore.errors import InvalidInput
from alcore.masks import decode_rle, label_components
from alcore.windows import place_window, window_share
from app.api.schemas_windows import ProposedWindow, WindowAsked
from app.service.context import Context
from app.service.items import asked_window
from app.service.windows import refuse_audit
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store import rounds as round_rows
from app.store.database import Row

UNKNOWN_SHARE = 0.5
"""Of each side, where nothing tells how crowded an image is."""


def propose(ctx: Context, item_id: int, asked: WindowAsked) -> ProposedWindow:
    """Propose a window: sized by the starting mask's objects, placed where the head is least sure.

    Without a starting mask it takes half of each side, and without a map of uncertainty chance places it: the same item
    and seed give the same place. Whoever reads an item blind gets the first reader's window, and nothing of the head.

    Raises:
        NotFound: no such item.
        InvalidInput: the project labels whole images, or the item is one to measure on.
    """
    with ctx.db.read() as connection:
        item = item_rows.get(connection, item_id, now=ctx.clock())
        project = project_rows.get(connection, item["project_id"])
        offer = None if item["kind"] is not None else round_rows.suggestion(connection, item_id)
        window = asked_window(connection, item)
    if project["task"] == "classification":
        raise InvalidInput("a classification project labels whole images: there is no window to propose")
    refuse_audit(item)
    if window is not None:
        return ProposedWindow(window=window, n_objects=None, placed_by="reader")
    n_objects = None if offer is None else _count(offer)
    share = UNKNOWN_SHARE if n_objects is None else window_share(n_objects, asked.n_objects)
    scores = None if offer is None or offer["uncertainty"] is None else _scores(offer["uncertainty"])
    placed_by: Literal["chance", "uncertainty"] = "chance" if scores is None else "uncertainty"
    if share == 1.0:
        return ProposedWindow(window=None, n_objects=n_objects, placed_by=placed_by)
    rng = np.random.default_rng([item_id, asked.seed])
    window = place_window((item["height"], item["width"]), share, rng=rng, scores=scores)
    return ProposedWindow(window=window, n_objects=n_objects, placed_by=placed_by)


def _count(offer: Row) -> int:
    """Objects of a starting mask, whose parts of one class are one entry."""
    return sum(int(label_components(decode_rle(entry["mask"])).max()) for entry in offer["objects"])


def _scores(png: bytes) -> np.ndarray:
    """A map of uncertainty as numbers."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image, dtype=np.float64)
