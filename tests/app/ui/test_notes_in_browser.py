"""Comments, flags, guidelines and the pace, as an annotator meets them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
GUIDE = "# Discs\n- Draw the **outer** border\n- Leave out <b>rings</b>\n\n1. First the big ones"


def test_a_flag_and_a_comment_are_written_by_key_and_listed_with_who_and_when(open_page: OpenPage) -> None:
    page = open_page("notes", name="mia")
    item = page.item_id
    page.page.keyboard.press("Shift+F")
    page.until("document.activeElement === app.day.notes.input")
    page.page.keyboard.type("which border? a")  # an A in the text accepts nothing
    page.page.wait_for_timeout(60)
    page.page.reload()
    page.ready()
    page.until(f"app.work?.item.id === {item}")
    page.page.keyboard.press("Shift+F")
    assert page.js("app.day.notes.input.value") == "which border? a"  # not lost
    page.page.keyboard.press("Enter")
    page.until("document.querySelectorAll('.fc-notes li').length === 1")
    page.until("!document.querySelector('.fc-flagged').hidden")
    page.page.keyboard.press("Shift+C")
    page.page.keyboard.type("<i>the outer one</i>")
    page.page.keyboard.press("Enter")
    page.until("document.querySelectorAll('.fc-notes li').length === 2")
    texts = page.page.locator(".fc-notes li").all_inner_texts()
    assert "mia, just now" in texts[0]
    assert "flag" in texts[0]
    assert "which border? a" in texts[0]
    assert "<i>the outer one</i>" in texts[1]
    assert page.server.api(f"items/{item}")["flagged"]
    assert page.server.api(f"items/{item}")["version"] == 0
    page.shot("notes")
    assert page.barriers() == []

    page.accept("a", "a")
    bob = open_page("notes", name="noa")
    bob.page.locator(".fc-day [data-part=done] summary").click()
    bob.page.get_by_role("button", name="Flagged").click()
    row = bob.page.locator(f".fc-image-row[data-item='{item}']")
    row.click()
    bob.until(f"app.work?.item.id === {item}")
    bob.until("document.querySelectorAll('.fc-notes li').length === 2")
    bob.page.locator("[data-part=notes] summary").click()
    bob.page.get_by_role("button", name="Settle").click()
    bob.until("document.querySelector('.fc-flagged').hidden")
    row.wait_for(state="detached")  # the list follows
    assert not bob.server.api(f"items/{item}")["flagged"]
    assert [n["kind"] for n in bob.server.api(f"items/{item}/notes")["notes"]] == ["flag", "comment", "resolve"]


def test_guidelines_are_written_on_the_project_tab_and_read_beside_the_image(open_page: OpenPage) -> None:
    page = open_page("notes", name="ora")
    page.page.keyboard.press("Shift+G")
    page.until("!document.querySelector('.fc-guide').hidden")
    expect(page.page.locator(".fc-guide")).to_contain_text("no guidelines yet")
    page.press("Escape")
    assert page.page.locator(".fc-guide").is_hidden()
    page.tab("Project")
    page.page.locator(".fc-guidelines textarea").fill(GUIDE)
    expect(page.page.locator(".fc-guidelines strong")).to_have_text("outer")
    page.shot("guidelines-edit")
    page.page.get_by_role("button", name="Save guidelines").click()
    page.until("document.querySelector('.fc-guidelines output').textContent === 'Saved'")
    assert page.barriers() == []
    page.tab("Annotate")
    page.page.keyboard.press("Shift+G")
    guide = page.page.locator(".fc-guide")
    guide.wait_for()
    expect(guide.locator("h3")).to_have_text("Discs")
    expect(guide.locator("ul li")).to_have_text(["Draw the outer border", "Leave out <b>rings</b>"])
    expect(guide.locator("b")).to_have_count(0)
    expect(guide.locator("ol li")).to_have_count(1)
    page.shot("guidelines")
    assert page.barriers() == []
    page.page.keyboard.press("Shift+G")
    assert guide.is_hidden()
    saved = next(p for p in page.server.api("projects")["projects"] if p["name"] == "notes")
    assert saved["guidelines"] == GUIDE


def test_the_pace_is_told_after_the_first_image(open_page: OpenPage) -> None:
    page = open_page("notes", name="pam")
    pace = page.page.locator(".fc-pace")
    assert pace.is_hidden()
    page.accept("a", "a")
    pace.wait_for()
    assert pace.inner_text().startswith("1 today · ")
    assert pace.inner_text().endswith(" left")


def test_notes_history_and_guidelines_are_accessible_in_the_dark(open_page: OpenPage) -> None:
    page = open_page("notes", name="quy", color_scheme="dark")
    page.accept("a", "a")
    page.page.keyboard.press("Shift+F")
    page.page.keyboard.type("look again")
    page.page.keyboard.press("Enter")
    page.until("document.querySelectorAll('.fc-notes li').length === 1")
    page.page.locator(".fc-day [data-part=done] summary").click()
    page.page.locator(".fc-image-row").first.wait_for()
    page.page.keyboard.press("Shift+G")
    page.page.locator(".fc-guide").wait_for()
    page.shot("dark")
    assert page.barriers() == []
    page.page.set_viewport_size({"width": 1180, "height": 640})  # a small screen: the decision stays in sight
    page.page.wait_for_timeout(200)
    page.shot("dark-small")
    accept = page.page.locator(".fc-decide [data-command=accept]").bounding_box()
    assert accept is not None
    assert accept["y"] + accept["height"] <= page.js(
        "document.querySelector('.fc-panel').getBoundingClientRect().bottom"
    )
