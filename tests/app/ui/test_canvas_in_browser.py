"""Tools, keys, zoom and masks on the canvas, with real mouse and keyboard events on the real server."""

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), (CX, CY, CR) = DISCS


def disc(page: Annotating, x: float, y: float, radius: float) -> np.ndarray:
    height, width = page.js("[app.work.item.height, app.work.item.width]")
    rows, columns = np.mgrid[:height, :width] + 0.5
    return np.hypot(columns - x, rows - y) < radius


def overlap(mask: np.ndarray, wanted: np.ndarray) -> float:
    return float(2 * (mask & wanted).sum() / (mask.sum() + wanted.sum()))


def test_a_box_and_two_clicks_give_a_mask_and_accept_moves_on(open_page: OpenPage) -> None:
    page = open_page("mask")
    first = page.item_id
    page.drag((BX - BR - 2, BY - BR - 2), (BX + BR + 2, BY + BR + 2))
    boxed = page.mask()
    page.click(BX, BY)
    page.click(BX + BR + 14, BY, button="right")
    assert overlap(boxed, disc(page, *DISCS[1])) > 0.8
    assert overlap(page.mask(), disc(page, *DISCS[1])) > 0.8
    assert [p["label"] for p in page.active["points"]] == [1, 0]
    page.shot("mask")
    shown = page.mask()
    assert page.accept() != first
    saved = page.server.api(f"items/{first}")
    assert saved["state"] == "labeled"
    kept = saved["annotation"]["objects"][0]
    assert kept["class_id"] == 1
    assert kept["box"] is not None
    assert len(kept["points"]) == 2
    assert sum(kept["mask"]["counts"][1::2]) == shown.sum()
    assert kept["model_id"]
    assert saved["annotation"]["clicks"] == 3
    assert 0 < saved["annotation"]["seconds"] < 60


@pytest.mark.parametrize(("project", "ratio"), [("exact", 1), ("exact at 2", 2)])
def test_clicks_land_on_their_pixel_at_any_zoom_and_pixel_ratio(open_page: OpenPage, project: str, ratio: int) -> None:
    page = open_page(project, device_scale_factor=ratio)
    page.click(AX + 0.5, AY + 0.5)
    over = tuple(round(v) for v in page.at(AX, AY))
    page.page.mouse.move(*over)
    box = page.page.locator(".fc-stage canvas").bounding_box()
    under = f"app.view.toImage({over[0] - box['x']}, {over[1] - box['y']})"
    before = page.js(under)
    for _ in range(7):
        page.page.mouse.wheel(0, -240)
    page.until("app.view.scale > 9")
    after = page.js(under)
    assert abs(before["x"] - after["x"]) < 0.01
    assert abs(before["y"] - after["y"]) < 0.01
    page.click(AX + 3.5, AY + 2.5)
    first, second = page.active["points"]
    assert (first["x"], first["y"]) == (pytest.approx(AX + 0.5, abs=0.5), pytest.approx(AY + 0.5, abs=0.5))
    assert (int(second["x"]), int(second["y"])) == (AX + 3, AY + 2)
    page.shot(f"zoomed_{ratio}")
    left = page.js("app.view.left")
    page.page.keyboard.down(" ")
    centre = (box["x"] + 400, box["y"] + 300)
    page.page.mouse.move(*centre)
    page.page.mouse.down()
    page.page.mouse.move(centre[0] + 60, centre[1], steps=3)
    page.page.mouse.up()
    page.page.keyboard.up(" ")
    assert page.js("app.view.left") == pytest.approx(left + 60, abs=1.5)
    page.press("f")
    assert page.js("app.view.isFitted()")


def test_strokes_survive_later_clicks_and_everything_can_be_undone(open_page: OpenPage) -> None:
    page = open_page("strokes")
    requests: list[str] = []
    page.page.on("request", lambda r: requests.append(r.url) if r.url.endswith("/predict") else None)
    page.click(AX, AY)
    model = page.mask()
    page.press("b", "]", "]")
    page.drag((20, 180), (60, 180))
    painted = page.mask()
    assert painted[180, 40]
    assert not model[180, 40]
    page.press("e")
    page.drag((AX - 6, AY), (AX + 6, AY))
    assert not page.mask()[AY, AX]
    page.shot("strokes")
    page.press("p")
    page.click(AX + 10, AY + 12)
    last = page.mask()
    assert last[180, 40]
    assert not last[AY, AX]
    sent = len(requests)
    page.press("z", "z")
    assert np.array_equal(page.mask(), painted)
    page.press("z", "z")
    assert page.area == 0
    assert not page.js("app.work.history.canUndo")
    page.press("Shift+Z", "y", "y", "Control+Shift+Z")
    assert np.array_equal(page.mask(), last)
    assert len(requests) == sent, "undo and redo ask nobody"
    page.press("Delete")
    assert page.area == 0
    page.press("z")
    assert np.array_equal(page.mask(), last)


def test_several_objects_keep_their_class_and_are_saved_together(open_page: OpenPage) -> None:
    page = open_page("objects")
    item = page.item_id
    page.click(AX, AY)
    page.press("n", "2")
    page.drag((BX - BR, BY - BR), (BX + BR, BY + BR))
    page.press("n", "3")
    page.click(CX, CY)
    rows = page.page.locator(".fc-object .fc-name")
    expect(rows).to_have_text(["disc 1", "ring 1", "speck 1"])
    page.shot("objects")
    page.page.locator(".fc-pick").first.click()
    assert page.active["points"][0]["x"] == pytest.approx(AX, abs=0.5)
    page.press("2")
    expect(rows).to_have_text(["ring 1", "ring 2", "speck 1"])
    page.press(".", ".")
    assert page.active["classId"] == 3
    page.page.get_by_role("button", name="Delete speck 1").click()
    expect(rows).to_have_count(2)
    page.press("z")
    expect(rows).to_have_count(3)
    page.page.keyboard.down("Control")
    page.click(BX, BY)
    page.page.keyboard.up("Control")
    assert page.active["box"] is not None
    page.accept()
    objects = page.server.api(f"items/{item}")["annotation"]["objects"]
    assert [o["class_id"] for o in objects] == [2, 2, 3]


def test_all_can_be_done_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("keys")
    item = page.item_id
    page.page.locator(".fc-stage canvas").focus()
    cx, cy = page.js("[app.work.item.width / 2, app.work.item.height / 2]")
    page.press(*["Shift+ArrowLeft"] * 6, *["Shift+ArrowUp"] * 4, "Enter")
    point = page.active["points"][0]
    assert (point["x"], point["y"]) == (cx + 0.5 - 60, cy + 0.5 - 40)
    assert page.area > 500
    page.press("Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown", "Shift+Enter")
    assert [p["label"] for p in page.active["points"]] == [1, 0]
    page.press("n", "2", "x")
    page.press(*["Shift+ArrowRight"] * 4, "Shift+ArrowDown", "x")
    assert page.active["box"][2] - page.active["box"][0] == 40
    page.press("b", "Enter", "e", "Enter", "p", "h", "h", "o", "o", "+", "-", "0", "g", "l", "r")
    page.press("?")
    expect(page.page.locator(".fc-help")).to_be_visible()
    expect(page.page.locator(".fc-help")).to_contain_text("Accept and go on")
    page.shot("help")
    page.press("Escape")
    expect(page.page.locator(".fc-help")).to_be_hidden()
    page.accept()
    assert len(page.server.api(f"items/{item}")["annotation"]["objects"]) == 2
    second = page.item_id
    page.press("s")
    page.shot("skip")
    page.accept("2")
    assert page.server.api(f"items/{second}")["state"] == "skipped"
    third = page.item_id
    page.press("a")
    assert re.search("Press A again", page.message())
    assert page.item_id == third
    page.accept("a")
    assert page.server.api(f"items/{third}")["annotation"]["objects"] == []


def test_keys_are_dead_while_typing_and_behind_another_tab(open_page: OpenPage) -> None:
    page = open_page("keys")
    item = page.item_id
    page.page.locator("[data-part=annotator]").focus()
    page.page.keyboard.type("as2")
    assert page.page.locator("[data-part=annotator]").input_value().endswith("as2")
    page.page.locator("[data-part=annotator]").fill("ann")
    page.tab("Rounds")
    page.press("a", "a")
    page.tab("Annotate")
    assert page.item_id == item


def test_the_model_looks_through_the_annotators_window(open_page: OpenPage) -> None:
    page = open_page("window")
    page.accept("a", "a")  # to the first 16-bit image
    assert page.js("app.work.item.dtype") == "uint16"
    bodies: list[dict[str, Any]] = []
    page.page.on("request", lambda r: bodies.append(json.loads(r.post_data)) if r.url.endswith("/predict") else None)
    page.click(AX, AY)
    before = page.js("[...app.stage.base.words.slice(0, 4000)].join()")
    page.press("w")
    page.drag((60, 60), (120, 100))
    page.until("app.work.pending().length === 0 && app.work.active.window.width === app.work.window.width")
    assert len(bodies) == 2
    assert bodies[1]["window"] == page.js("({level: app.work.window.level, width: app.work.window.width})")
    assert bodies[1]["window"] != bodies[0]["window"]
    assert page.js("[...app.stage.base.words.slice(0, 4000)].join()") != before
    page.press("r")
    page.until("app.work.window.width === app.work.item.window.width && app.work.pending().length === 0")
    page.page.get_by_role("button", name="Auto").click()
    assert page.js("app.work.window.width < app.work.item.window.max - app.work.item.window.min")


def test_haste_never_saves_the_mask_of_an_earlier_prompt(open_page: OpenPage) -> None:
    page = open_page("haste")
    requests: list[str] = []

    def slowly(route: Any) -> None:
        requests.append(route.request.url)
        page.page.wait_for_timeout(250)
        route.continue_()

    page.page.route("**/predict", slowly)
    item = page.item_id
    for k in range(6):
        page.page.mouse.click(*page.at(AX + 2 * k, AY), delay=0)
    page.page.keyboard.press("a")
    page.until(f"app.work?.item.id !== {item}")
    saved = page.server.api(f"items/{item}")["annotation"]["objects"][0]
    assert len(saved["points"]) == 6
    assert len(requests) < 6, "a burst of clicks is coalesced"
    page.page.unroute("**/predict")

    page.expected = True
    page.page.route(
        "**/predict", lambda route: route.fulfill(status=422, json={"code": "invalid_prompt", "detail": "no"})
    )
    item = page.item_id
    page.page.mouse.click(*page.at(AX, AY))
    page.page.wait_for_timeout(100)
    page.page.keyboard.press("a")
    page.page.wait_for_timeout(300)
    assert page.item_id == item
    assert page.server.api(f"items/{item}")["state"] == "leased"
    page.page.unroute("**/predict")
    page.page.keyboard.press("a")
    page.until(f"app.work?.item.id !== {item}")
    page.expected = False
    assert page.server.api(f"items/{item}")["annotation"]["objects"][0]["mask"]["counts"][1] > 0
