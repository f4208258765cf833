"""Strokes as prompts: drawn, undone, kept over a reload, accepted, and read back by the client."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from alcore.masks import decode_rle
from app.client import Client
from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), _ = DISCS


def opened(open_page: OpenPage, project: str) -> Annotating:
    """A page on that project without what an earlier test left as a draft."""
    page = open_page(project)
    page.press("Shift+Delete")
    return page


def asked(page: Annotating) -> list[dict[str, Any]]:
    """The bodies of all predict requests from now on."""
    bodies: list[dict[str, Any]] = []
    page.page.on("request", lambda r: bodies.append(json.loads(r.post_data)) if r.url.endswith("/predict") else None)
    return bodies


def test_strokes_prompt_the_model_and_are_read_back_exactly(open_page: OpenPage) -> None:
    page = opened(open_page, "scribbles")
    item = page.item_id
    bodies = asked(page)
    page.press("d")
    page.drag((BX - 20, BY - 10), (BX, BY + 4), (BX + 20, BY - 8), steps=12)
    page.page.keyboard.down("Shift")
    page.drag((BX - 30, BY + BR + 12), (BX + 30, BY + BR + 14), steps=12)
    page.page.keyboard.up("Shift")
    page.page.mouse.move(*page.at(AX - 10, AY - 40))
    page.page.mouse.down(button="right")
    page.page.mouse.move(*page.at(AX + 10, AY - 42), steps=4)
    page.page.mouse.up(button="right")
    page.settle()
    strokes = page.active["scribbles"]
    assert [s["label"] for s in strokes] == [1, 0, 0]
    first = np.array(strokes[0]["points"])
    assert len(first) < 12, "thinned: a bent line needs few corners"
    assert np.abs(first[[0, -1]] - [(BX - 20, BY - 10), (BX + 20, BY - 8)]).max() < 0.6
    assert bodies[-1]["scribbles"] == strokes
    assert page.mask()[BY, BX]
    page.shot("scribbles")
    shown = page.mask()

    page.press("z", "z")
    assert len(page.active["scribbles"]) == 1
    sent = len(bodies)
    page.press("y", "y")
    assert page.active["scribbles"] == strokes
    assert np.array_equal(page.mask(), shown)
    assert len(bodies) == sent, "undo and redo ask nobody"

    page.page.reload()
    page.ready()
    page.until(f"app.work?.item.id === {item}")
    page.settle()
    assert page.active["scribbles"] == strokes
    assert np.array_equal(page.mask(), shown)
    clicks = page.js("app.work.clicks")
    page.accept()
    with Client(page.server.url) as client:
        kept = client.project("scribbles").item(item).state.annotation
    assert kept is not None
    assert [s.model_dump(mode="json") for s in kept.objects[0].scribbles] == strokes
    assert np.array_equal(decode_rle(kept.objects[0].mask.model_dump()), shown)
    assert kept.clicks == clicks == 3
    assert not kept.objects[0].edited


def test_a_stroke_ends_where_it_leaves_the_image(open_page: OpenPage) -> None:
    page = opened(open_page, "scribbles")
    page.press("d")
    page.drag((AX - 20, AY), (5, AY), (-20, AY), (-20, AY + 40), (40, AY + 40), steps=10)
    (stroke,) = page.active["scribbles"]
    xs, ys = zip(*stroke["points"], strict=True)
    assert min(xs) >= 0
    assert max(ys) - min(ys) < 1
    page.press("z")
    page.drag((-20, AY), (-5, AY))
    assert page.active["scribbles"] == []


def test_a_stroke_is_drawn_by_keyboard_alone_and_escape_drops_it(open_page: OpenPage) -> None:
    page = opened(open_page, "scribbles")
    page.page.locator(".fc-stage canvas").focus()
    page.press("d", "Shift+ArrowLeft", "Enter", "Shift+ArrowLeft", "Shift+ArrowUp")
    assert page.active["scribbles"] == []
    page.press("Escape", "Enter")
    page.press("Shift+ArrowRight", "Shift+ArrowDown", "Enter")
    (stroke,) = page.active["scribbles"]
    (x0, y0), _, (x1, y1) = stroke["points"]
    assert (x1 - x0, y1 - y0) == (10, 10)
    assert stroke["label"] == 1


def test_the_33rd_stroke_is_refused_with_a_word(open_page: OpenPage) -> None:
    page = opened(open_page, "scribbles")
    page.press("d")
    for k in range(33):
        page.page.mouse.click(*page.at(AX - 16 + k, AY))
    page.settle()
    assert len(page.active["scribbles"]) == 32
    assert "32 strokes" in page.message()
