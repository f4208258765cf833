"""The list of objects: hide, lock, step and name them, by mouse and by keys."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), (CX, CY, CR) = DISCS


def box(page: Annotating, x: float, y: float, radius: float) -> None:
    page.drag((x - radius, y - radius), (x + radius, y + radius))


def colour_at(page: Annotating, x: float, y: float) -> list[int]:
    """What the screen shows at an image position."""
    return page.js(
        """([x, y]) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
          const view = app.view.toView(x, y);
          const ratio = devicePixelRatio;
          done([...app.canvas.getContext('2d').getImageData(view.x * ratio, view.y * ratio, 1, 1).data.slice(0, 3)]);
        })))""",
        [x, y],
    )


def test_a_hidden_object_is_out_of_sight_and_is_saved_all_the_same(open_page: OpenPage) -> None:
    page = open_page("shelf")
    item = page.item_id
    bare = colour_at(page, AX, AY)
    box(page, *DISCS[0])
    page.press("n", "2")
    box(page, *DISCS[1])
    covered = colour_at(page, AX, AY)
    assert covered != bare
    page.page.locator(".fc-object").first.hover()
    page.page.get_by_role("button", name="Hide disc 1").click()
    assert colour_at(page, AX, AY) == bare
    assert "saved like the others" in page.message()
    page.page.keyboard.down("Control")
    page.click(AX, AY)
    page.page.keyboard.up("Control")
    assert page.active["classId"] == 2, "what is hidden cannot be picked by accident"
    page.press(",", "Shift+H")
    assert page.active["classId"] == 1
    assert colour_at(page, AX, AY) != bare
    page.press("Shift+O")
    assert page.js("[...app.work.shelf.hidden].length") == 1
    page.press("Shift+O")
    assert page.js("[...app.work.shelf.hidden].length") == 0
    page.press("Shift+H")
    page.shot("hidden")
    page.click(AX + 4, AY)
    assert page.js("[...app.work.shelf.hidden]") == [], "one sees what one changes"
    page.press("Shift+H")
    page.accept()
    assert len(page.server.api(f"items/{item}")["annotation"]["objects"]) == 2


def test_a_locked_object_stays_as_it_is_and_says_why(open_page: OpenPage) -> None:
    page = open_page("shelf")
    box(page, *DISCS[0])
    page.press("k")
    kept = page.mask()
    for act in (
        lambda: page.click(AX + 20, AY, button="right"),
        lambda: box(page, *DISCS[1]),
        lambda: page.press("2"),
        lambda: page.press("Delete"),
        lambda: page.press("z"),
        lambda: (page.press("b"), page.drag((30, 30), (60, 30)), page.press("p")),
        lambda: page.press("m"),
    ):
        act()
        assert "disc 1 is locked" in page.message()
        assert (page.mask() == kept).all()
        assert page.active["classId"] == 1
    expect(page.page.get_by_role("button", name="Delete disc 1")).to_be_disabled()
    page.press("n", "3")
    box(page, *DISCS[2])
    page.shot("locked")
    page.press("Shift+Delete")
    rows = page.page.locator(".fc-object .fc-name")
    expect(rows).to_have_text(["disc 1"])
    page.press("z")
    expect(rows).to_have_count(2)
    page.until("app.toolbar.output.draft.textContent === 'Draft saved'")
    page.page.reload()
    page.ready()
    page.until("app.work !== null")
    page.page.get_by_role("button", name="Lock disc 1").click()
    page.page.locator(".fc-pick").first.click()
    page.press("2")
    expect(rows).to_have_text(["ring 1", "speck 1"])
    page.accept()


def test_keys_walk_along_the_list(open_page: OpenPage) -> None:
    page = open_page("shelf")
    for k, disc in enumerate(DISCS):
        page.press(*(["n"] if k else []))
        box(page, *disc)
    page.page.locator(".fc-pick").first.click()
    page.press("ArrowDown")
    assert page.active["id"] == page.js("app.work.sheet.objects[1].id")
    assert page.js("document.activeElement.dataset.object") == page.active["id"]
    page.press("End")
    assert page.active["id"] == page.js("app.work.sheet.objects[2].id")
    page.press("Home", "ArrowUp")
    assert page.active["id"] == page.js("app.work.sheet.objects[0].id")
    assert page.js("app.stage.cursor") is None
    page.press("Tab", "Enter")
    assert page.js("[...app.work.shelf.hidden].length") == 1
    assert page.js("document.activeElement.dataset.act") == "hide"
    assert page.barriers() == []
