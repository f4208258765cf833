"""A window of a crowded image: proposed, drawn, moved, resized, undone, kept in the draft, accepted and seen again."""

from collections.abc import Callable

import pytest

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS
from tests.app.ui.test_reopened_in_browser import reopen
from tests.app.ui.test_scribbles_in_browser import opened

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, _), (BX, BY, _), _ = DISCS


def window(page: Annotating) -> list[int] | None:
    found: list[int] | None = page.js("app.work.sheet.part ?? null")
    return found


def propose(page: Annotating) -> list[int]:
    page.page.keyboard.press("Shift+V")
    page.until("app.work.sheet.part")
    found = window(page)
    assert found is not None
    return found


def test_a_window_is_proposed_drawn_moved_kept_and_accepted_with_what_lies_in_it(open_page: OpenPage) -> None:
    page = opened(open_page, "crowd")
    here = page.item_id
    assert here is not None
    page.click(AX, AY)
    page.press("n")
    page.click(BX, BY)
    x0, y0, x1, y1 = propose(page)
    assert (x1 - x0, y1 - y0) == (130, 100)  # half of each side: nothing tells how crowded the image is
    assert "Only this part counts, 130 × 100 pixels" in page.message()
    page.press("Delete")
    assert window(page) is None
    assert "The whole image counts again" in page.message()

    page.drag((20, 10), (120, 120))
    assert window(page) == [20, 10, 120, 120]
    assert "Objects outside that are not saved: 1" in page.message()
    rows = page.page.locator(".fc-object")
    assert ["outside" in row.inner_text() for row in rows.all()] == [False, True]
    page.drag((120, 60), (140, 60))
    assert window(page) == [20, 10, 140, 120]
    page.drag((60, 40), (65, 42))
    assert window(page) == [25, 12, 145, 122]
    page.press("ArrowLeft", "ArrowLeft", "Shift+ArrowUp")
    assert window(page) == [23, 2, 143, 112]
    page.press("z")
    assert window(page) == [25, 12, 145, 122]
    page.press("z", "y")
    assert window(page) == [25, 12, 145, 122]
    page.shot("window")
    page.page.wait_for_timeout(1500)
    page.page.reload()
    page.ready()
    page.until(f"app.work?.item.id === {here}")
    page.settle()
    assert window(page) == [25, 12, 145, 122]
    page.accept()
    saved = page.server.api(f"items/{here}")["annotation"]
    assert saved["labeled_window"] == [25, 12, 145, 122]
    assert len(saved["objects"]) == 1
    assert window(page) is None  # of the next image
    reopen(page, here)
    assert window(page) == [25, 12, 145, 122]
    page.shot("window_reopened")


def test_a_window_is_set_by_keyboard_alone_and_the_key_again_removes_it(open_page: OpenPage) -> None:
    page = opened(open_page, "crowd")
    page.page.locator(".fc-stage canvas").focus()
    propose(page)
    assert page.js("app.tool") == "window"
    page.press("Shift+V")
    assert (window(page), page.js("app.tool")) == (None, "prompt")
    page.press("z")
    assert window(page) is not None
    page.press("Shift+V", "Delete", "ArrowRight", "x", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "x")
    assert window(page) == [132, 101, 152, 111]
    page.press("t", "t", "ArrowRight")
    assert window(page) == [133, 101, 152, 111]
    page.press("p")
    assert window(page) == [133, 101, 152, 111]
    button = page.page.locator('[data-command="window"]')
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert window(page) is None
    page.press("Shift+Delete")


def test_nothing_inside_the_window_is_asked_about_before_it_is_saved_as_empty(open_page: OpenPage) -> None:
    page = opened(open_page, "crowd")
    page.click(BX, BY)
    page.press("Shift+V", "Delete")
    page.drag((10, 10), (40, 30))
    before = page.item_id
    page.press("a")
    assert page.item_id == before
    page.accept()
    saved = page.server.api(f"items/{before}")["annotation"]
    assert (saved["objects"], saved["labeled_window"]) == ([], [10, 10, 40, 30])


def test_an_image_to_measure_on_is_labeled_whole_and_the_page_says_so(open_page: OpenPage) -> None:
    page = opened(open_page, "audited")
    page.expected = True
    page.page.keyboard.press("Shift+V")
    page.page.get_by_text("belongs to the audit set").wait_for()
    assert window(page) is None
