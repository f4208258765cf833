"""What was done can be opened again and saved as a new version; what was kept after a conflict comes back."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, _), (BX, BY, _), (CX, CY, _) = DISCS


def rows(page: Annotating) -> list[str]:
    return [text.replace("\n", " ") for text in page.page.locator(".fc-image-row").all_inner_texts()]


def test_done_images_are_listed_opened_by_click_and_key_and_saved_as_new_versions(open_page: OpenPage) -> None:
    page = open_page("history", name="hal")
    first = page.item_id
    page.click(AX, AY)
    saved_at_first = page.area
    second = page.accept()
    page.click(AX, AY)
    page.press("n")
    page.click(BX, BY)
    third = page.accept()
    page.page.keyboard.press("s")
    page.page.keyboard.press("1")
    page.until(f"app.work && app.work.item.id !== {third}")
    fourth = page.item_id

    page.page.get_by_text("Done lately").click()
    page.until("document.querySelectorAll('.fc-image-row').length === 3")
    listed = rows(page)
    assert "skipped: Image is unusable" in listed[0]
    assert "2 objects" in listed[1]
    assert "1 object" in listed[2]
    assert all("just now" in row for row in listed)
    page.shot("history")

    page.page.keyboard.press("PageUp")
    page.until(f"app.work?.item.id === {third}")
    page.page.keyboard.press("PageUp")
    page.until(f"app.work?.item.id === {second}")
    assert page.js("app.work.sheet.objects.filter((o) => o.saved).length") == 2
    expect(page.page.locator(".fc-object .fc-tag")).to_have_count(0)  # saved by a person, not suggested
    page.page.keyboard.press("PageDown")
    page.until(f"app.work?.item.id === {third}")
    page.page.keyboard.press("PageDown")
    page.until(f"app.work?.item.id === {fourth}")  # the queue goes on where it was

    page.page.locator(f".fc-image-row[data-item='{first}']").click()
    page.until(f"app.work?.item.id === {first}")
    page.press(".")
    assert page.area == saved_at_first
    before = page.server.api(f"items/{first}")["annotation"]["objects"][0]
    page.press("n", "2")
    page.click(BX, BY)
    assert page.accept() == fourth
    item = page.server.api(f"items/{first}")
    assert (item["version"], item["state"]) == (2, "labeled")
    kept, added = item["annotation"]["objects"]
    assert kept == before  # what was not touched keeps its prompts, model and quality
    assert added["class_id"] == 2
    assert len(page.server.api(f"items/{first}/annotations")) == 2
    assert page.js("app.flow.queue.progress") == {"round": 1, "done": 3, "total": 9}
    page.until("document.querySelector('.fc-image-row').textContent.includes('2 objects')")


def test_an_unchanged_look_at_a_done_image_gives_it_back(open_page: OpenPage) -> None:
    page = open_page("history", name="ida")
    here = page.item_id
    done = page.accept("a", "a")
    page.page.keyboard.press("PageUp")
    page.until(f"app.work?.item.id === {here}")
    assert page.server.api(f"items/{here}")["lease"]["annotator"] == "ida"
    page.page.keyboard.press("PageDown")
    page.until(f"app.work?.item.id === {done}")
    item = page.server.api(f"items/{here}")
    assert (item["lease"], item["version"]) == (None, 1)


def test_a_correction_that_was_only_begun_waits_in_the_list(open_page: OpenPage) -> None:
    page = open_page("history", name="jon")
    here = page.item_id
    page.accept("a", "a")
    page.page.keyboard.press("PageUp")
    page.until(f"app.work?.item.id === {here}")
    page.click(AX, AY)
    page.page.keyboard.press("PageDown")
    page.until(f"app.work && app.work.item.id !== {here}")
    page.page.reload()
    page.ready()
    page.until("app.work !== null")
    page.page.get_by_text("Done lately").click()
    page.until("document.querySelector('.fc-image-row')?.textContent.includes('unfinished')")
    page.page.locator(f".fc-image-row[data-item='{here}']").click()
    page.until(f"app.work?.item.id === {here}")
    assert len(page.active["points"]) == 1
    page.accept()
    assert page.server.api(f"items/{here}")["version"] == 2


def test_work_kept_after_a_conflict_is_opened_again_and_saved_over_the_other(open_page: OpenPage) -> None:
    here, there = (open_page("conflict", name="kim") for _ in range(2))
    item = here.item_id
    assert there.item_id == item
    here.click(AX, AY)
    there.click(BX, BY)
    there.press("n")
    there.click(CX, CY)
    here.accept()
    there.expected = True
    there.page.keyboard.press("a")
    there.until("document.querySelector('.fc-message.fc-bad.fc-shown') !== null")
    there.page.get_by_role("button", name="Next image").click()
    there.until(f"app.work !== null && app.work.item.id !== {item}")
    there.expected = False

    there.page.get_by_text("kept work").wait_for()
    there.page.get_by_text("Done lately").click()
    kept = there.page.locator(f".fc-image-row[data-item='{item}']").first
    kept.wait_for()
    expect(kept).to_contain_text("kept")
    there.shot("kept")
    kept.click()
    there.until(f"app.work?.item.id === {item}")
    there.settle()
    assert len(there.js("app.work.sheet.objects")) == 2
    assert "Your kept work is back" in there.message()
    there.page.reload()  # nothing is lost on the way
    there.ready()
    there.until("app.work !== null")
    assert there.js("app.vault.names('draft:').length + (app.work.item.draft ? 1 : 0)") <= 1
    there.until("document.querySelectorAll('.fc-image-row').length > 0")
    there.page.locator(f".fc-image-row[data-item='{item}']").first.click()
    there.until(f"app.work?.item.id === {item}")
    there.settle()
    assert len(there.js("app.work.sheet.objects")) == 2
    there.accept()
    versions = there.server.api(f"items/{item}/annotations")
    assert [len(v["objects"]) for v in versions] == [1, 2]
    assert there.js("Object.keys(localStorage).filter((key) => /draft|outbox/.test(key))") == []


def test_an_image_that_someone_else_holds_stays_theirs(open_page: OpenPage) -> None:
    ann = open_page("conflict", name="lea")
    item = ann.item_id
    ann.accept("a", "a")
    ann.server.api(f"items/{item}/lease", {"annotator": "max"})
    here = ann.item_id
    ann.expected = True
    ann.page.keyboard.press("PageUp")
    ann.until("document.querySelector('.fc-message.fc-bad.fc-shown') !== null")
    assert "held by max" in ann.message()
    ann.page.get_by_role("button", name="Try again").click()
    ann.until(f"app.work?.item.id === {here}")
    ann.expected = False
