"""The tab of all images: map and gallery by mouse and keys, filters, what looks alike, picks that reach the queue."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.app.ui.conftest import Server
from tests.app.ui.driver import Annotating

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]


@pytest.fixture
def project(server: Server) -> dict[str, Any]:
    return next(project for project in server.api("projects")["projects"] if project["name"] == "overview")


def states(server: Server, project: dict[str, Any]) -> dict[str, str]:
    listed = server.api(f"projects/{project['id']}/items?limit=1000")["items"]
    return {item["name"].split("/")[-1]: item["state"] for item in listed}


def on_map(page: Annotating, item_id: int) -> tuple[float, float]:
    """Where on the page an image's point lies, by the server's coordinates and the fit of the whole map."""
    box = page.page.locator(".fc-plane canvas").bounding_box()
    assert box is not None
    drawn = page.server.api(f"projects/{page.js('app.project.id')}/map")
    x, y = drawn["x"], drawn["y"]
    place = drawn["item_ids"].index(item_id)
    scale = min((box["width"] - 36) / (max(x) - min(x)), (box["height"] - 36) / (max(y) - min(y)))
    left = box["x"] + box["width"] / 2 + scale * (x[place] - (min(x) + max(x)) / 2)
    return left, box["y"] + box["height"] / 2 - scale * (y[place] - (min(y) + max(y)) / 2)


def wait_for_tiles(page: Annotating, count: int) -> None:
    page.until(f"document.querySelectorAll('.fc-tile').length === {count}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_map_and_gallery_are_there_and_accessible(open_page: OpenPage, project: dict[str, Any], scheme: str) -> None:
    page = open_page("overview", color_scheme=scheme)
    page.tab("Images")
    wait_for_tiles(page, 16)
    page.page.locator(".fc-legend li").first.wait_for()
    page.until("[...document.querySelectorAll('.fc-tile img')].slice(0, 6).every((img) => img.naturalWidth > 0)")
    assert page.barriers() == []
    page.page.mouse.move(*on_map(page, page.server.api(f"projects/{project['id']}/items")["items"][3]["id"]))
    page.page.locator(".fc-tip").wait_for()
    expect(page.page.locator(".fc-tip")).to_contain_text("view-")
    page.shot(f"images_{scheme}")


def test_filters_stay_over_a_reload_and_refusals_are_told(open_page: OpenPage, project: dict[str, Any]) -> None:
    page = open_page("overview")
    page.tab("Images")
    wait_for_tiles(page, 16)
    page.page.get_by_label("Name contains").fill("view-0")
    wait_for_tiles(page, 10)
    page.page.get_by_role("combobox", name="Group").fill("p1")
    wait_for_tiles(page, 5)
    expect(page.page.locator(".fc-gallery [role=status]").first).to_contain_text("1 – 5 of 5")
    page.page.reload()
    page.ready()
    page.tab("Images")
    wait_for_tiles(page, 5)
    page.expected = True
    page.page.get_by_role("combobox", name="Group").fill("nobody")
    page.page.get_by_text("has the group 'nobody'").wait_for()
    page.expected = False
    page.page.get_by_role("combobox", name="Group").fill("")
    page.page.get_by_label("Name contains").fill("")
    page.page.get_by_label("Audit set").select_option("only")
    wait_for_tiles(page, 1)
    expect(page.page.locator(".fc-tile").first).to_have_attribute("aria-label", "p1/view-15.png, not asked yet, audit")


def test_a_click_opens_the_image_for_annotation(open_page: OpenPage, project: dict[str, Any]) -> None:
    page = open_page("overview", name="opener")
    page.tab("Images")
    wait_for_tiles(page, 16)
    page.page.locator(".fc-tile", has_text="view-09").click(position={"x": 50, "y": 60})
    page.until("app.work?.item.name === 'p1/view-09.png'")
    expect(page.page.locator(".fc-stage canvas")).to_be_visible()
    page.tab("Images")
    wanted = {item["name"]: item["id"] for item in page.server.api(f"projects/{project['id']}/items")["items"]}
    page.page.locator(".fc-legend li").first.wait_for()
    page.page.wait_for_timeout(200)
    page.page.mouse.click(*on_map(page, wanted["p1/view-05.png"]))
    page.until("app.work?.item.name.startsWith('p') && app.work.item.name !== 'p1/view-09.png'")


def test_a_lasso_and_picks_in_the_gallery_reach_the_queue(open_page: OpenPage, project: dict[str, Any]) -> None:
    page = open_page("overview", name="picker")
    page.tab("Images")
    wait_for_tiles(page, 16)
    page.page.locator(".fc-legend li").first.wait_for()
    page.page.get_by_role("button", name="Lasso").click()
    box = page.page.locator(".fc-plane canvas").bounding_box()
    assert box is not None
    right, bottom = box["x"] + box["width"] - 2, box["y"] + box["height"] - 2
    page.page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.page.mouse.down()
    for corner in ((right, box["y"] + 2), (right, bottom), (box["x"] + 2, bottom)):
        page.page.mouse.move(*corner, steps=4)
    page.page.mouse.up()
    page.page.get_by_text("16 chosen").wait_for()
    page.shot("images_lasso")
    page.page.get_by_role("button", name="Clear", exact=True).last.click()
    page.page.get_by_text("None chosen").wait_for()

    tile = page.page.locator(".fc-tile", has_text="view-10")
    tile.hover()
    tile.locator(".fc-tick").click()
    page.page.locator(".fc-tile", has_text="view-12").click(modifiers=["Shift"])
    page.page.get_by_text("3 chosen").wait_for()
    page.page.locator(".fc-tile", has_text="view-15").click(modifiers=["Control"])
    page.page.locator(".fc-tile", has_text="view-00").click(modifiers=["Control"])
    page.page.get_by_role("button", name="Queue these").click()
    page.page.get_by_text("Queued: 3. Asked before: 1. Of the audit set, which chance alone asks: 1.").wait_for()
    now = states(page.server, project)
    assert [now[f"view-{i}.png"] for i in (10, 11, 12, 15)] == ["queued"] * 3 + ["unqueued"]
    found = page.server.api(f"projects/{project['id']}/items?name=view-11")["items"][0]
    assert page.server.api(f"items/{found['id']}")["reason"] == "chosen in the gallery by picker"


def test_the_gallery_needs_no_mouse(open_page: OpenPage, project: dict[str, Any]) -> None:
    page = open_page("overview", name="keys")
    page.tab("Images")
    wait_for_tiles(page, 16)
    page.page.locator(".fc-tile").first.focus()
    for key in ("ArrowRight", "ArrowRight", "Space"):
        page.page.keyboard.press(key)
    page.page.get_by_text("1 chosen").wait_for()
    page.page.keyboard.press("Shift+End")
    page.page.keyboard.press("Home")
    page.page.keyboard.press("m")
    page.page.get_by_text("Most like view-00.png").wait_for()
    first = page.page.locator(".fc-tile").first
    assert "alike 1.000" in (first.get_attribute("aria-label") or "")
    page.page.get_by_role("button", name="Back to all").click()
    page.page.get_by_text("1 – 16 of 16").wait_for()
    page.page.get_by_role("button", name="Near-duplicates").click()
    page.page.get_by_text("Pairs that look nearly the same: 1").wait_for()
    expect(page.page.locator(".fc-pair .fc-tile-name")).to_have_text(["view-06.png", "view-07.png"])
    assert page.barriers() == []
    page.shot("images_twins")
    page.page.locator(".fc-tile").first.focus()
    name = page.page.locator(".fc-tile").first.get_attribute("title")
    page.page.keyboard.press("Enter")
    page.until(f"app.work?.item.name === '{name}'")
