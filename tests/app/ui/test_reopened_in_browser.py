"""A finished image opened again has its prompts: they can be added to, moved and deleted, one by one, and undone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, _), (CX, CY, CR) = DISCS


def reopen(page: Annotating, item_id: int) -> None:
    page.page.keyboard.press("PageUp")
    page.until(f"app.work?.item.id === {item_id}")
    page.settle()


def objects(page: Annotating, item_id: int) -> list[dict[str, Any]]:
    return page.server.api(f"items/{item_id}")["annotation"]["objects"]


def test_a_lone_object_comes_back_with_its_clicks_and_a_further_click_refines_it(open_page: OpenPage) -> None:
    page = open_page("reopened", name="rae")
    here = page.item_id
    page.click(AX, AY)
    page.click(CX, CY, button="right")
    accepted = page.mask()
    page.accept()
    before = objects(page, here)

    asked: list[str] = []
    page.page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/predict") else None)
    reopen(page, here)
    assert [p["label"] for p in page.active["points"]] == [1, 0]
    assert np.array_equal(page.mask(), accepted)
    page.js("app.setWindow({ ...app.work.window, width: app.work.window.width * 1.5 })")
    page.settle()
    assert asked == []  # looking asks nothing
    assert np.array_equal(page.mask(), accepted)
    page.shot("reopened")

    page.click(AX - AR // 2, AY)
    assert len(asked) == 1
    assert len(page.active["points"]) == 3
    page.press("z")
    assert len(page.active["points"]) == 2
    assert np.array_equal(page.mask(), accepted)
    page.press("y")
    assert len(page.active["points"]) == 3
    refined = page.mask()
    page.accept()
    (after,) = objects(page, here)
    assert after["points"][:2] == before[0]["points"]
    assert len(after["points"]) == 3
    assert sum(after["mask"]["counts"][1::2]) == refined.sum()


def test_prompts_of_a_reopened_object_are_moved_and_deleted_one_by_one(open_page: OpenPage) -> None:
    page = open_page("reopened", name="rob")
    here = page.item_id
    page.click(AX, AY)
    page.press("n")
    page.drag((CX - CR - 4, CY - CR - 4), (CX + CR + 4, CY + CR + 4))
    page.click(CX + CR + 9, CY, button="right")
    page.accept()
    reopen(page, here)
    assert page.js("app.work.sheet.objects.map((o) => o.points.length)") == [1, 1, 0]
    page.press(".")  # from the blank one behind them to the first
    assert page.active["points"][0]["x"] == pytest.approx(AX, abs=1)
    page.press(".")
    assert page.active["box"] is not None
    assert page.active["points"][0]["label"] == 0

    boxed = page.area
    page.page.mouse.click(*page.at(page.active["points"][0]["x"], page.active["points"][0]["y"]))
    page.press("Delete")
    assert page.active["points"] == []
    corner = page.active["box"][2:]
    page.drag(tuple(corner), (corner[0] - CR, corner[1]))
    assert page.active["box"][2] == pytest.approx(corner[0] - CR, abs=1)
    assert page.area < boxed
    page.press("z", "z")
    assert len(page.active["points"]) == 1
    assert page.area == boxed


def test_strokes_by_hand_come_back_over_what_the_model_says_next(open_page: OpenPage) -> None:
    page = open_page("reopened", name="rut")
    here = page.item_id
    page.click(AX, AY)
    page.press("b")
    page.drag((230, 180), (240, 180))
    page.press("p")
    accepted = page.mask()
    assert accepted[180, 235]
    page.accept()
    assert objects(page, here)[0]["edits"] is not None
    reopen(page, here)
    assert np.array_equal(page.mask(), accepted)
    page.click(AX + AR // 2, AY)
    assert len(page.active["points"]) == 2
    assert page.mask()[180, 235]

    page.page.reload()
    page.ready()
    page.choose_project("reopened")
    reopen(page, here)
    assert len(page.active["points"]) == 2
    page.press("z")  # the draft comes back; the step before it is what was accepted
    assert np.array_equal(page.mask(), accepted)


def test_what_was_drawn_by_hand_comes_back_as_a_mask(open_page: OpenPage) -> None:
    page = open_page("reopened", name="roy")
    here = page.item_id
    page.press("b")
    page.drag((60, 150), (90, 150))
    drawn = page.mask()
    page.accept()
    reopen(page, here)
    assert np.array_equal(page.mask(), drawn)
    assert page.js("[app.work.active.start !== null, app.work.active.edits]") == [True, None]
    page.accept()
    (kept,) = objects(page, here)
    assert (kept["edited"], kept["edits"], kept["points"]) == (True, None, [])
