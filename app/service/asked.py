"""What a request asks, or an accepted object was made from, in the terms of `prompts` and `alcore`."""

from collections.abc import Mapping
from typing import Any

from alcore.types import Window
from app.api.schemas import PredictRequest
from app.service.images import window_of
from app.store.database import Row
from prompts.types import Box, Point, Prompt, Scribble


def asked_prompt(request: PredictRequest) -> Prompt:
    """All that the request says of the object; logits come from elsewhere."""
    return Prompt(
        points=tuple(Point(p.x, p.y, p.label) for p in request.points),
        box=None if request.box is None else Box(*request.box),
        scribbles=tuple(Scribble(tuple(s.points), s.label) for s in request.scribbles),
    )


def stored_prompt(entry: Mapping[str, Any]) -> Prompt:
    """The prompts that are stored with an accepted object."""
    box = entry.get("box")
    return Prompt(
        points=tuple(Point(p["x"], p["y"], p["label"]) for p in entry.get("points") or ()),
        box=None if box is None else Box(*box),
        scribbles=tuple(Scribble(tuple(map(tuple, s["points"])), s["label"]) for s in entry.get("scribbles") or ()),
    )


def asked_window(item: Row, request: PredictRequest) -> Window:
    """The window that the prompts were given in."""
    if request.window is None:
        return window_of(item)
    return Window(level=request.window.level, width=request.window.width)
