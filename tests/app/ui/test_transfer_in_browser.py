"""Bringing images in and taking annotations out: drops of folders, progress, cancel, named rejects, forms that fit."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import discs_image

OpenPage = Callable[..., Annotating]
DROP = """([files, unreadable]) => {
  const entry = (path, file) => ({
    isFile: true, fullPath: `/${path}`,
    file: (done, failed) => (file ? done(file) : failed(new Error("gone"))),
  });
  const folder = (path, children) => {
    const batches = [children, []];
    const reader = { readEntries: (done) => done(batches.shift()) };
    return { isFile: false, fullPath: `/${path}`, createReader: () => reader };
  };
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const made = files.map(([path, text]) => entry(path, new File([bytes(text)], path.split("/").at(-1))));
  const root = folder("study", [...made, ...unreadable.map((path) => entry(path, null))]);
  const event = new DragEvent("drop", { bubbles: true, cancelable: true });
  const value = { items: [{ webkitGetAsEntry: () => root }], files: [], types: ["Files"] };
  Object.defineProperty(event, "dataTransfer", { value });
  document.querySelector(".fc-import .fc-drop").dispatchEvent(event);
}"""


def base64(data: bytes) -> str:
    import base64 as coding

    return coding.b64encode(data).decode()


def new_project(page: Annotating, name: str, task: str = "segmentation") -> int:
    made: dict[str, Any] = page.server.api("projects", {"name": name, "task": task, "classes": ["a", "b"]})
    page.page.reload()
    page.ready()
    page.choose_project(name)
    page.tab("Project")
    return int(made["id"])


def test_a_dropped_folder_comes_in_with_its_paths_and_every_reject_is_named(open_page: OpenPage) -> None:
    page = open_page(None)
    project = new_project(page, "dropped")
    files = [[f"study/p{i}/slice.png", base64(discs_image(300 + i))] for i in range(3)]
    files += [["study/p0/notes.txt", base64(b"no image")], ["study/.DS_Store", base64(b"x")]]
    page.js(DROP, [files, ["study/p9/locked.png"]])
    report = page.page.locator(".fc-report")
    report.get_by_text("3 added").wait_for()
    told = report.inner_text()
    assert "2 not imported" in told
    assert "study/p0/notes.txt" in told
    assert "study/p9/locked.png\tthe browser could not read it" in told
    assert ".DS_Store" not in told
    assert page.barriers() == []
    page.shot("dropped")
    names = [item["name"] for item in page.server.api(f"projects/{project}/items")["items"]]
    assert names == [f"study/p{i}/slice.png" for i in range(3)]
    page.js(DROP, [[], []])
    page.page.get_by_text("No file found there that could be an image.").wait_for()


def test_an_upload_is_cancelled_and_taken_up_again(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(None, color_scheme="dark")
    project = new_project(page, "cancelled")
    folder = tmp_path / "scan"
    folder.mkdir()
    for i in range(30):  # two requests
        (folder / f"{i:02d}.png").write_bytes(discs_image(200 + i))
    held: list[Any] = []

    def hold_the_second(route: Any) -> None:
        held.append(route)
        if len(held) == 1:
            route.continue_()

    page.page.route("**/images", hold_the_second)
    page.page.locator("[data-part=pickFolderInput]").set_input_files(folder)
    page.page.get_by_text("24 of 30 files").wait_for()
    expect(page.page.get_by_role("button", name="Choose a folder")).to_be_disabled()
    page.shot("uploading_dark")
    page.expected = True
    page.page.locator(".fc-import").get_by_role("button", name="Cancel").click()
    report = page.page.locator(".fc-report")
    report.get_by_text("Stopped: 24 of 30 files were sent and stay.").wait_for()
    page.expected = False
    expect(report).to_contain_text("24 added")
    page.page.unroute("**/images")
    page.page.locator("[data-part=pickFolderInput]").set_input_files(folder)
    report.get_by_text("6 added").wait_for()
    expect(report).to_contain_text("24 already there")
    assert page.server.api(f"projects/{project}")["counts"]["items"] == 30


def test_the_export_says_how_much_there_is_and_offers_what_fits(open_page: OpenPage) -> None:
    page = open_page(None)
    project = new_project(page, "labels out", "classification")
    card = page.page.locator("#fc-export")
    card.get_by_text("0 of 0 images are labeled.").wait_for()
    expect(card.get_by_role("radio", name="COCO")).to_be_disabled()
    expect(card.get_by_role("radio", name="CSV")).to_be_checked()
    page.page.route(f"**/projects/{project}/exports", lambda _route: None)  # never answers
    page.expected = True
    card.get_by_role("button", name="Download").click()
    card.get_by_role("button", name="Cancel").click()
    card.get_by_text("Cancelled.").wait_for()
    page.page.unroute(f"**/projects/{project}/exports")
    page.expected = False
    with page.page.expect_download() as download:
        card.get_by_role("button", name="Download").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert archive.namelist() == ["labels.csv"]
    card.get_by_text("Saved as project-").wait_for()
    assert page.barriers() == []
