"""What a request asks of the promptable model, in the terms of `prompts` and `alcore`."""

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


def asked_window(item: Row, request: PredictRequest) -> Window:
    """The window that the prompts were given in."""
    if request.window is None:
        return window_of(item)
    return Window(level=request.window.level, width=request.window.width)
