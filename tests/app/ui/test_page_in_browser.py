"""Queue, drafts, outages, people, rounds, import and export on the real page."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.app.ui.conftest import Server
from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS, discs_image

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), _ = DISCS


def draw_two(page: Annotating) -> dict[str, Any]:
    """One object by click, one by brush; returns what is on the sheet."""
    page.click(AX, AY)
    page.press("n", "2", "b")
    page.drag((150, 20), (200, 30))
    page.press("p")
    sheet: dict[str, Any] = page.js("app.work.sheet")
    return sheet


def test_a_draft_is_back_after_a_reload(open_page: OpenPage) -> None:
    page = open_page("draft")
    item = page.item_id
    sheet = draw_two(page)
    bits = page.mask()
    page.page.wait_for_timeout(1300)
    assert page.server.api(f"items/{item}/draft") is not None
    page.page.reload()
    page.ready()
    page.until(f"app.work?.item.id === {item}")
    assert page.js("app.work.sheet") == sheet
    assert np.array_equal(page.mask(), bits)
    assert page.js("app.work.clicks") == 2
    page.press("b")
    page.drag((20, 190), (30, 190))  # reloaded at once: only this browser has it, or the farewell request
    sheet = page.js("app.work.sheet")
    page.page.reload()
    page.ready()
    page.until(f"app.work?.item.id === {item}")
    assert page.js("app.work.sheet") == sheet
    page.accept()
    assert len(page.server.api(f"items/{item}")["annotation"]["objects"]) == 2
    assert page.js("Object.keys(localStorage).filter((key) => /draft|outbox/.test(key))") == []


def test_two_annotators_get_different_images(open_page: OpenPage) -> None:
    ann = open_page("pair", name="ann")
    bob = open_page("pair", name="bob")
    assert ann.item_id != bob.item_id
    first = ann.item_id
    ann.click(AX, AY)
    ann.accept()
    assert len({first, ann.item_id, bob.item_id}) == 3
    assert ann.server.api(f"items/{first}")["annotation"]["annotator"] == "ann"


def test_an_image_that_someone_else_took_is_told_and_the_work_kept(open_page: OpenPage) -> None:
    page = open_page("pair", name="cyd")
    item = page.item_id
    page.click(AX, AY)
    page.expected = True
    lost = {"code": "lease_lost", "detail": "taken"}
    page.page.route("**/lease", lambda route: route.fulfill(status=409, json=lost))
    page.page.route("**/annotation", lambda route: route.fulfill(status=409, json=lost))
    page.page.keyboard.press("a")
    page.until("document.querySelector('.fc-message.fc-bad.fc-shown') !== null")
    assert "Someone else has this image" in page.message()
    assert page.js(f"app.vault.read('draft:{item}:0').sheet.objects.length") == 1
    assert page.js("app.isOpen") is False
    page.page.unroute("**/lease")
    page.page.unroute("**/annotation")
    page.expected = False


def test_an_expired_login_keeps_the_work_and_goes_on_after_the_login(open_page: OpenPage) -> None:
    page = open_page("pair", name="dee")
    item = page.item_id
    page.expected = True
    denied = {"code": "unauthorized", "detail": "log in first"}
    page.page.route("**/v1/**", lambda route: route.fulfill(status=401, json=denied))
    page.page.keyboard.press("b")
    page.drag((150, 20), (200, 30))
    page.until("app.link.state === 'login'")
    assert "Your login has run out" in page.message()
    expect(page.page.locator(".fc-message a")).to_have_attribute("href", f"{page.server.url}/login")
    page.shot("login")
    page.page.keyboard.press("a")
    page.page.wait_for_timeout(200)
    page.page.unroute("**/v1/**")
    page.until(f"app.link.state === 'up' && app.work?.item.id !== {item}", timeout=20_000)
    page.expected = False
    assert page.server.api(f"items/{item}")["state"] == "labeled"


def test_a_server_killed_under_the_page_loses_nothing(open_page: OpenPage, server: Server) -> None:
    page = open_page("outage")
    first = page.item_id
    page.click(AX, AY)
    page.expected = True
    server.kill()
    page.page.keyboard.press("b")
    page.drag((150, 20), (200, 30))
    page.page.keyboard.press("p")
    page.page.mouse.click(*page.at(AX + 8, AY))
    page.until("app.link.state === 'down'")
    page.until("document.querySelector('.fc-message.fc-bad.fc-shown') !== null")
    page.shot("outage")
    points = page.active["points"]
    page.until(f"app.vault.read('draft:{first}:0').sheet.objects[0].points.length === 2")
    server.start()
    page.until("app.link.state === 'up'", timeout=30_000)
    page.settle()
    assert page.active["points"] == points
    assert page.mask()[25, 175]
    page.context.set_offline(True)
    page.page.keyboard.press("a")
    page.until("app.link.state === 'down'")
    assert page.item_id == first
    assert page.js("app.flow.outbox.waiting") == [first]
    page.context.set_offline(False)
    page.until(f"app.work && app.work.item.id !== {first}", timeout=30_000)
    page.expected = False
    saved = page.server.api(f"items/{first}")
    assert saved["version"] == 1
    assert saved["annotation"]["objects"][0]["edited"]
    assert page.js("app.flow.outbox.waiting") == []


def test_classification_needs_keys_only(open_page: OpenPage) -> None:
    page = open_page("classify")
    first = page.item_id
    expect(page.page.get_by_role("button", name="Brush")).to_be_hidden()
    page.press("a")
    assert "Choose a class" in page.message()
    page.press("2")
    page.shot("classify")
    second = page.accept()
    assert page.server.api(f"items/{first}")["annotation"]["label"] == "malignant"
    page.accept("1", "1")
    assert page.server.api(f"items/{second}")["annotation"]["label"] == "benign"
    page.page.get_by_text("Class key also accepts").click()
    third = page.item_id
    page.accept("2")
    assert page.server.api(f"items/{third}")["annotation"]["label"] == "malignant"
    page.accept("1")
    assert page.item_id is None
    expect(page.page.locator(".fc-idle")).to_contain_text("All done")
    page.shot("all_done")


def test_a_project_is_made_filled_and_exported_on_the_page(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(None)
    folder = tmp_path / "study" / "patient-1"
    folder.mkdir(parents=True)
    for i in range(2):
        (folder / f"{i}.png").write_bytes(discs_image(500 + i))
    (folder / "again.png").write_bytes(discs_image(500))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n not really")
    page.tab("Project")
    page.page.locator("#fc-new-name input, #fc-new-name textarea").fill("Made <i>here</i>")
    page.page.locator("#fc-new-classes input, #fc-new-classes textarea").fill("nerve, vessel")
    page.page.get_by_role("button", name="Create project").click()
    page.until("app.project?.name === 'Made <i>here</i>'")
    page.page.get_by_text("into Made <i>here</i>").wait_for()
    expect(page.page.locator(".toast-body")).to_contain_text("Project Made <i>here</i> is there")
    page.page.locator("[data-part=pickFolderInput]").set_input_files(tmp_path / "study")
    report = page.page.locator(".fc-report")
    report.get_by_text("2 added").wait_for()
    expect(report).to_contain_text("same bytes as")
    expect(report).to_contain_text("study/patient-1/broken.png")
    page.shot("import_report")
    names = [item["name"] for item in page.server.api(f"projects/{page.js('app.project.id')}/items")["items"]]
    assert sorted(names)[0].startswith("study/patient-1/")
    page.page.locator("[data-part=folder]").fill(str(tmp_path / "study"))
    page.page.get_by_role("button", name="Import folder").click()
    report.get_by_text("0 added").wait_for()
    page.page.locator("[data-part=folder]").fill(str(tmp_path / "nowhere"))
    page.expected = True
    page.page.get_by_role("button", name="Import folder").click()
    page.page.locator(".fc-report .fc-bad-text, .fc-report [data-kind=rejected]").first.wait_for()
    page.expected = False
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Download").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert any(name.endswith(".json") for name in archive.namelist())
    page.tab("Annotate")
    page.page.get_by_text("Ready for the first round").wait_for()
    page.shot("first_round")


def test_a_mistake_in_a_form_is_said_in_the_services_own_words(open_page: OpenPage) -> None:
    page = open_page(None)
    page.tab("Project")
    page.page.locator("#fc-new-name input, #fc-new-name textarea").fill("mask")
    page.page.locator("#fc-new-classes input, #fc-new-classes textarea").fill("a, b")
    page.page.get_by_role("button", name="Create project").click()
    page.page.locator(".toast-body.error").wait_for()
    expect(page.page.locator(".toast-body.error")).to_contain_text("mask")


def test_a_round_trains_and_offers_new_images_with_starting_masks(open_page: OpenPage) -> None:
    page = open_page("rounds")
    expect(page.page.locator(".fc-idle")).to_contain_text("Ready for the first round")
    page.page.get_by_role("button", name="Start the first round").click()
    page.until("app.work !== null", timeout=200_000)
    for _ in range(4):
        for x, y, radius in DISCS:
            page.drag((x - radius, y - radius), (x + radius, y + radius))
            page.press("n")
        page.accept()
    expect(page.page.locator(".fc-idle")).to_contain_text("Round 1 is done")
    page.shot("round_done")
    page.tab("Rounds")
    page.page.locator("#fc-round-start").click()
    page.page.locator("#fc-job progress").wait_for(timeout=20_000)
    page.shot("round_running")
    page.page.get_by_text("Next round · Done", exact=True).wait_for(timeout=600_000)
    page.page.wait_for_timeout(300)
    expect(page.page.locator("#fc-rounds tbody tr")).to_have_count(2)
    assert page.barriers() == []  # with a curve, a table and a job that is done
    page.shot("rounds")
    page.tab("Annotate")
    page.until("app.work !== null", timeout=20_000)
    assert page.js("app.work.item.has_suggestion")
    expect(page.page.locator(".fc-object .fc-tag").first).to_have_text("suggested")
    page.shot("starting_masks")
    assert page.page.locator(".fc-object").count() >= 2  # connected parts are objects of their own
    item = page.item_id
    page.accept()
    saved = page.server.api(f"items/{item}")["annotation"]["objects"]
    assert len(saved) >= 2
    assert all(entry["from_suggestion"] for entry in saved)
