"""Lasso and polygon: hand edits that overrule the model, survive later prompts and a reload, and read back exactly."""

from collections.abc import Callable

import numpy as np
import pytest

from alcore.masks import decode_rle
from app.client import Client
from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS
from tests.app.ui.test_scribbles_in_browser import asked, opened

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), _ = DISCS
CORNERS = "app.tools.polygon.outline.rings.map((ring) => ring.length)"


def square(x: float, y: float, half: float) -> list[tuple[float, float]]:
    return [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]


def saved(page: Annotating, project: str, item: int) -> tuple[np.ndarray, bool]:
    """The first object's mask as a client reads it back, and whether it counts as edited."""
    with Client(page.server.url) as client:
        kept = client.project(project).item(item).state.annotation
    assert kept is not None
    return decode_rle(kept.objects[0].mask.model_dump()), kept.objects[0].edited


def test_a_lasso_adds_and_takes_and_outlives_prompts_reload_and_undo(open_page: OpenPage) -> None:
    page = opened(open_page, "lasso")
    item = page.item_id
    page.click(AX, AY)
    model = page.mask()
    bodies = asked(page)
    page.press("q")
    page.drag(*square(40, 170, 12))
    added = page.mask()
    inside = np.zeros_like(model)
    inside[160:180, 30:50] = True
    assert (added & inside).sum() == 400
    assert abs(int((added & ~model).sum()) - 576) <= 60
    page.page.mouse.move(*page.at(AX - 10, AY - 10))
    page.page.mouse.down(button="right")
    for place in [(AX + 10, AY - 10), (AX + 10, AY + 10), (AX - 10, AY + 10)]:
        page.page.mouse.move(*page.at(*place), steps=4)
    page.page.mouse.up(button="right")
    assert not page.mask()[AY - 8 : AY + 8, AX - 8 : AX + 8].any()
    assert bodies == [], "hand edits ask nobody"
    page.press("p")
    page.click(AX + 18, AY)
    last = page.mask()
    assert last[170, 40]
    assert not last[AY, AX]
    page.press("z", "z")
    assert np.array_equal(page.mask(), added)
    page.press("z")
    assert np.array_equal(page.mask(), model)
    page.press("y", "y", "y")
    page.page.reload()
    page.ready()
    page.until(f"app.work?.item.id === {item}")
    page.settle()
    assert np.array_equal(page.mask(), last)
    page.accept()
    mask, edited = saved(page, "lasso", item)
    assert np.array_equal(mask, last)
    assert edited


def test_a_lasso_is_drawn_by_keyboard_alone(open_page: OpenPage) -> None:
    page = opened(open_page, "lasso")
    page.page.locator(".fc-stage canvas").focus()
    page.press("q", "ArrowLeft", "Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Shift+ArrowLeft", "Enter")
    assert page.area == 100
    page.press("Shift+Enter", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowLeft", "Enter")
    assert page.area == 0


def test_corners_of_the_outline_are_dragged_put_in_and_deleted(open_page: OpenPage) -> None:
    page = opened(open_page, "polygon")
    item = page.item_id
    page.click(BX, BY)
    page.press("q")
    page.page.keyboard.down("Shift")
    page.drag(*square(BX, BY, 10))
    page.page.keyboard.up("Shift")
    before = page.mask()
    bodies = asked(page)
    page.press("v")
    rings = page.js("app.tools.polygon.outline.rings")
    assert len(rings) == 2, "the hole has an outline of its own"
    assert sum(map(len, rings)) < 50
    outer = max(rings, key=len)
    corner = max(outer)
    page.drag(tuple(corner), (corner[0] + 15, corner[1]))
    pulled = page.mask()
    assert pulled[int(corner[1]), int(corner[0]) + 8]
    assert not pulled[BY, BX], "the hole stays"
    columns = np.arange(before.shape[1])
    assert np.array_equal(pulled[:, columns < BX - 5], before[:, columns < BX - 5]), "far pixels stay as they were"

    hole = min(rings, key=len)
    place = max(hole)
    page.drag(tuple(place), (place[0] + 8, place[1]))
    widened = page.mask()
    assert widened.sum() < pulled.sum()

    counted = page.js(CORNERS)
    (ax, ay), (bx, by) = outer[0], outer[-1]
    page.click((ax + bx) / 2, (ay + by) / 2)
    assert sum(page.js(CORNERS)) == sum(counted) + 1
    assert np.array_equal(page.mask(), widened), "a corner on an edge changes no pixel"
    page.press("ArrowUp", "Shift+ArrowUp")
    nudged = page.mask()
    assert not np.array_equal(nudged, widened)
    page.press("Delete")
    assert sum(page.js(CORNERS)) == sum(counted)
    assert page.active["points"], "Del takes the corner, not the object"
    page.press("z")
    assert np.array_equal(page.mask(), nudged)
    page.press("z")
    assert np.array_equal(page.mask(), widened)
    page.press("z", "z")
    assert np.array_equal(page.mask(), before)
    page.press("y", "y")
    assert np.array_equal(page.mask(), widened)
    assert sum(page.js(CORNERS)) == sum(counted) + 1, "and so do its corners"
    assert bodies == []
    page.shot("polygon")
    page.accept()
    mask, edited = saved(page, "polygon", item)
    assert np.array_equal(mask, widened)
    assert edited


def test_the_outline_is_edited_by_keyboard_alone(open_page: OpenPage) -> None:
    page = opened(open_page, "polygon")
    page.click(AX, AY)
    page.press("v", "t")
    assert "Corner of the outline: 1 of" in page.message()
    counted = sum(page.js(CORNERS))
    before = page.mask()
    page.press("Enter", "Shift+ArrowUp")
    assert sum(page.js(CORNERS)) == counted + 1
    assert not np.array_equal(page.mask(), before)
    page.press("z")
    assert np.array_equal(page.mask(), before)
    page.press("Escape", "Delete")
    assert page.area == 0, "with no corner picked Del takes the object"
