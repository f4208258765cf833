"""One person at work in two places: tabs of one browser do not meet, and two browsers cannot undo each other."""

from collections.abc import Callable

import pytest

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, _), (BX, BY, _), _ = DISCS


def test_two_tabs_get_different_images_and_keep_both_answers(open_page: OpenPage) -> None:
    left = open_page("twins", name="tia")
    right = open_page("twins", name="tia", beside=left)
    items = [left.item_id, right.item_id]
    assert None not in items
    assert items[0] != items[1]
    left.click(AX, AY)
    right.press("2")
    right.click(BX, BY)
    for page, item in zip((left, right), items, strict=True):
        page.page.reload()
        page.ready()
        page.until(f"app.work?.item.id === {item}")  # each tab goes on where it was, with its own draft
        assert len(page.active["points"]) == 1
    assert left.accept() not in items
    assert right.accept() not in (*items, left.item_id)
    saved = [left.server.api(f"items/{item}") for item in items]
    assert [entry["version"] for entry in saved] == [1, 1]
    assert [entry["annotation"]["objects"][0]["class_id"] for entry in saved] == [1, 2]
    assert left.js("Object.keys(localStorage).filter((key) => /draft|outbox/.test(key))") == []


def test_an_image_is_free_again_when_its_tab_is_closed(open_page: OpenPage) -> None:
    left = open_page("twins", name="uma")
    item = left.item_id
    left.click(AX, AY)
    right = open_page("twins", name="uma", beside=left)
    assert right.item_id != item
    left.page.close()
    assert right.accept("a", "a") == item
    assert len(right.active["points"]) == 1


def test_the_second_of_two_browsers_is_refused_and_keeps_its_work(open_page: OpenPage) -> None:
    here, there = (open_page("namesakes", name="vic") for _ in range(2))
    item = here.item_id
    assert item is not None
    assert there.item_id == item
    here.click(AX, AY)
    there.click(BX, BY)
    there.until("app.toolbar.output.draft.textContent === 'Draft saved'")
    assert there.js(f"app.vault.read('draft:{item}:0')") is None
    here.accept()
    there.expected = True
    there.page.keyboard.press("a")
    there.until("document.querySelector('.fc-message.fc-bad.fc-shown') !== null")
    assert "Someone else saved this image" in there.message()
    assert there.js("app.isOpen") is False
    kept = there.js(f"app.vault.read('draft:{item}:0').sheet.objects[0].points[0].x")
    assert abs(kept - BX) < 2
    saved = there.server.api(f"items/{item}")
    assert saved["version"] == 1
    assert abs(saved["annotation"]["objects"][0]["points"][0]["x"] - AX) < 2
    there.page.get_by_role("button", name="Next image").click()
    there.until(f"app.work !== null && app.work.item.id !== {item}")
    there.expected = False


def test_a_browser_that_learns_from_its_heartbeat_that_it_is_late_keeps_its_work_too(open_page: OpenPage) -> None:
    here, there = (open_page("namesakes", name="wim") for _ in range(2))
    item = here.item_id
    assert item is not None
    assert there.item_id == item
    there.click(BX, BY)
    there.until("app.toolbar.output.draft.textContent === 'Draft saved'")
    assert there.js(f"app.vault.read('draft:{item}:0')") is None
    here.accept("a", "a")
    there.expected = True
    there.js("app.flow.lease.beat(app.work.item)")
    there.until("document.querySelector('.fc-message.fc-bad.fc-shown') !== null")
    assert there.js(f"app.vault.read('draft:{item}:0').sheet.objects[0].points.length") == 1
    assert there.js("app.isOpen") is False
    there.expected = False
