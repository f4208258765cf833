"""Looking at the image: how masks are shown, layers, presets, measures and the overview, by mouse and by keys."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS
from tests.app.ui.test_objects_in_browser import box, colour_at

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), (CX, CY, CR) = DISCS
SEES_MASKS = "app.stage.masksShown && !app.stage.blinked"


def pressed(page: Annotating) -> list[str]:
    """Labels of what the control of masks shows as chosen."""
    return page.js(
        "[...document.querySelectorAll('.fc-masks [aria-pressed=true]')].map((b) => b.dataset.style ?? 'flicker')"
    )


def more(page: Annotating) -> None:
    page.page.locator(".fc-more summary").click()


def test_masks_are_filled_outlined_hidden_or_flicker_by_one_control(open_page: OpenPage) -> None:
    page = open_page("looks")
    bare = colour_at(page, AX, AY)
    box(page, *DISCS[0])
    assert pressed(page) == ["fill"]
    assert colour_at(page, AX, AY) != bare
    page.press("o")
    assert pressed(page) == ["outline"]
    assert colour_at(page, AX, AY) == bare
    page.press("h")
    assert pressed(page) == ["hide"]
    page.page.get_by_role("button", name="Filled masks").click()
    assert pressed(page) == ["fill"]
    page.press("j")
    assert pressed(page) == ["fill", "flicker"]
    for _ in range(2):
        page.until(f"!({SEES_MASKS})")
        page.until(SEES_MASKS)
    page.press("j")
    assert pressed(page) == ["fill"]
    page.page.keyboard.down("j")
    page.page.wait_for_timeout(500)
    assert pressed(page) == ["fill", "flicker"]
    page.page.keyboard.up("j")
    assert pressed(page) == ["fill"]
    assert page.js(SEES_MASKS)


def test_who_wants_little_motion_gets_one_change_a_press(open_page: OpenPage) -> None:
    page = open_page("looks", reduced_motion="reduce")
    page.press("j")
    assert pressed(page) == ["hide"]
    page.page.wait_for_timeout(700)
    assert not page.js(SEES_MASKS)
    page.press("j")
    assert pressed(page) == ["fill"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_uncertainty_and_starting_masks_are_layers_of_their_own(open_page: OpenPage, scheme: str) -> None:
    page = open_page("layers", name=scheme, color_scheme=scheme)
    asked: list[str] = []
    page.page.on("request", lambda r: asked.append(r.url) if "uncertainty" in r.url else None)
    left, right = colour_at(page, 20, 100), colour_at(page, 255, 100)
    assert len(set(right)) == 1
    page.press("Shift+Delete")  # the offered mask makes room for the annotator's own
    assert asked == [], "the map is fetched by those who look at it"
    page.press("u")
    page.page.locator(".fc-heat-legend").wait_for()
    assert colour_at(page, 20, 100) != left
    red, green, blue = colour_at(page, 255, 100)
    assert red > 150
    assert green > 150
    assert blue < 130
    bare = colour_at(page, BX - BR, BY)
    page.press("Shift+U")
    page.until("app.overlays && app.prefs.starts")
    page.page.wait_for_timeout(300)
    ring = [colour_at(page, BX - BR + dx / 2, BY + dy) for dx in range(-3, 4) for dy in (-6, -3, 0, 3, 6)]
    assert any(c != bare for c in ring)
    box(page, *DISCS[0])
    more(page)
    page.shot(f"layers_{scheme}")
    assert page.barriers() == []
    page.page.get_by_label("Uncertainty", exact=False).first.focus()
    page.press("u", "Shift+U")
    expect(page.page.locator(".fc-heat-legend")).to_be_hidden()
    assert colour_at(page, 255, 100) == right
    assert len(asked) == 1


def test_presets_of_ct_gamma_and_inversion_stay_for_the_next_image(open_page: OpenPage) -> None:
    page = open_page("ct")
    menu = page.page.locator("[data-part=preset]")
    expect(menu).to_contain_text("CT lung")
    menu.select_option("lung")
    assert page.js("[app.work.window.level, app.work.window.width]") == [424, 1500]
    lung = colour_at(page, 65, 80)
    page.press("i")
    assert sum(colour_at(page, 65, 80)) == pytest.approx(765 - sum(lung), abs=6)
    page.press("i", "}", "}", "}")
    assert sum(colour_at(page, 65, 80)) > sum(lung)
    page.press("i")
    page.shot("ct")
    page.accept("a", "a")
    assert page.js("[app.work.window.level, app.work.window.width]") == [424, 1500]
    expect(menu).to_have_value("lung")
    assert page.js("app.display.extra.invert")
    assert page.js("app.display.extra.gamma") == pytest.approx(1.15**3)
    page.press("Shift+W")
    expect(menu).to_have_value("bone")
    page.press("w")
    page.drag((50, 50), (90, 90))
    expect(menu).to_have_value("own")
    page.press("r")
    expect(menu).to_have_value("image")
    assert page.js("app.work.window.level === app.work.item.window.level")
    bodies: list[dict[str, Any]] = []
    page.page.on("request", lambda r: bodies.append(json.loads(r.post_data)) if r.url.endswith("/predict") else None)
    page.press("p")
    page.click(65, 80)
    assert set(bodies[0]["window"]) == {"level", "width"}, "gamma and inversion are for the eye alone"


def test_an_image_that_is_no_ct_offers_no_presets_of_ct(open_page: OpenPage) -> None:
    page = open_page("gauge")
    expect(page.page.locator("[data-part=preset]")).not_to_contain_text("CT")


def test_ruler_scale_bar_and_state_line_know_millimetres_where_the_image_does(open_page: OpenPage) -> None:
    page = open_page("gauge")
    line = page.page.locator("[data-out=pixel]")
    page.page.mouse.move(*page.at(40.5, 30.5))
    expect(line).not_to_contain_text("mm")
    page.press("Shift+R")
    page.drag((40, 30), (100, 110))
    expect(page.page.locator("[data-part=spoken]")).to_contain_text("100 px")
    assert page.js("app.work.history.canUndo") is False

    def with_spacing(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "spacing_mm": [0.5, 2.0]})

    page.page.route("**/next", with_spacing)
    page.page.keyboard.press("p")
    page.accept("a", "a")
    page.page.mouse.move(*page.at(40.5, 30.5))
    expect(line).to_contain_text("(81.0, 15.3 mm)")
    page.press("Shift+R")
    page.drag((40, 30), (100, 110))
    page.shot("ruler")
    expect(page.page.locator("[data-part=spoken]")).to_contain_text("100 px, 126 mm")
    page.press("ArrowRight", "Enter", *["Shift+ArrowRight"] * 3, "Enter")
    expect(page.page.locator("[data-part=spoken]")).to_contain_text("30.0 px, 60.0 mm")


def test_the_overview_shows_where_one_is_and_moves_the_view(open_page: OpenPage) -> None:
    page = open_page("gauge")
    overview = page.page.locator(".fc-minimap")
    expect(overview).to_be_hidden()
    for _ in range(8):
        page.page.keyboard.press("+")
    overview.wait_for()
    place = overview.bounding_box()
    page.page.mouse.click(place["x"] + place["width"] * AX / 260, place["y"] + place["height"] * AY / 200)
    page.page.wait_for_timeout(100)
    middle = page.js("app.view.toImage(app.view.width / 2, app.view.height / 2)")
    assert (middle["x"], middle["y"]) == (pytest.approx(AX, abs=2), pytest.approx(AY, abs=2))
    page.page.mouse.move(place["x"] + 20, place["y"] + 20)
    page.page.mouse.down()
    page.page.mouse.move(place["x"] + place["width"] * BX / 260, place["y"] + place["height"] * BY / 200, steps=4)
    page.page.mouse.up()
    middle = page.js("app.view.toImage(app.view.width / 2, app.view.height / 2)")
    assert (middle["x"], middle["y"]) == (pytest.approx(BX, abs=2), pytest.approx(BY, abs=2))
    assert page.js("app.work.history.canUndo") is False
    page.shot("overview")
    more(page)
    page.page.get_by_label("Overview when zoomed in").uncheck()
    page.page.wait_for_timeout(100)
    expect(overview).to_be_hidden()
    page.press("f")
