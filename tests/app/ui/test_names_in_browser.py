"""Objects get names of their own by keyboard, and keep them in draft, annotation, reopening and export."""

import io
import json
import urllib.request
import zipfile
from collections.abc import Callable

from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), _ = DISCS


def exported(page: Annotating, project_id: int) -> list[dict[str, object]]:
    """The annotations of a COCO export."""
    url = f"{page.server.url}/v1/projects/{project_id}/exports"
    request = urllib.request.Request(url, b'{"format": "coco"}', {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer, zipfile.ZipFile(io.BytesIO(answer.read())) as archive:
        annotations: list[dict[str, object]] = json.loads(archive.read("annotations.json"))["annotations"]
    return annotations


def test_a_name_is_typed_undone_and_kept_to_the_export(open_page: OpenPage) -> None:
    page = open_page("named")
    item, project = page.item_id, page.js("app.project.id")
    page.drag((AX - AR, AY - AR), (AX + AR, AY + AR))
    page.press("n")
    page.drag((BX - BR, BY - BR), (BX + BR, BY + BR))
    names = page.page.locator(".fc-own-name")
    page.page.locator(".fc-pick").first.focus()
    page.page.keyboard.press("F2")
    field = page.page.get_by_label("Name of disc 1")
    assert page.barriers() == []
    page.page.keyboard.type("left cyst")
    page.shot("naming")
    page.page.keyboard.press("Enter")
    expect(names).to_have_text(["left cyst"])
    assert page.js("document.activeElement.textContent").startswith("disc 1left cyst")

    page.page.keyboard.press("F2")
    page.page.keyboard.type("something else")
    page.page.keyboard.press("Escape")
    expect(names).to_have_text(["left cyst"])
    page.press("z")
    expect(names).to_have_count(0)
    page.press("Shift+Z")
    expect(names).to_have_text(["left cyst"])

    page.page.locator(".fc-pick").nth(1).dblclick()
    page.page.get_by_label("Name of disc 2").fill("x" * 60)
    page.page.keyboard.press("Tab")  # leaving the field keeps the name
    page.shot("named")
    assert page.barriers() == []
    page.until("app.toolbar.output.draft.textContent === 'Draft saved'")
    page.page.reload()
    page.ready()
    page.until("app.work !== null")
    expect(names).to_have_text(["left cyst", "x" * 60])
    expect(field).to_be_hidden()

    page.accept()
    stored = page.server.api(f"items/{item}")["annotation"]["objects"]
    assert [o["name"] for o in stored] == ["left cyst", "x" * 60]
    page.press("PageUp")
    page.until(f"app.work?.item.id === {item}")
    expect(names).to_have_text(["left cyst", "x" * 60])
    page.page.locator(".fc-pick").nth(1).focus()
    page.page.keyboard.press("F2")
    page.page.keyboard.press("Delete")
    page.page.keyboard.press("Enter")
    expect(names).to_have_text(["left cyst"])
    page.page.keyboard.press("a")
    page.until(f"app.work?.item.id !== {item}")
    stored = page.server.api(f"items/{item}")["annotation"]["objects"]
    assert [o["name"] for o in stored] == ["left cyst", None]
    assert [entry.get("attributes") for entry in exported(page, project)] == [{"name": "left cyst"}, None]


def test_a_locked_object_keeps_its_name_and_dark_mode_is_readable(open_page: OpenPage) -> None:
    page = open_page("named", name="eva", color_scheme="dark")
    page.drag((AX - AR, AY - AR), (AX + AR, AY + AR))
    page.press("F2")
    page.page.keyboard.type("rim")
    page.page.keyboard.press("Enter")
    assert page.barriers() == []
    page.shot("named_dark")
    page.press("k", "F2")
    assert "disc 1 is locked" in page.message()
    expect(page.page.locator("input.fc-own-field")).to_have_count(0)
    page.press("k")
