"""Two people who are logged in, at once: the log-in says who reads, whatever name a browser remembers."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.security import hash_password
from tests.app.ui.conftest import CHROMIUM, Server
from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS, discs_image

pytestmark = pytest.mark.browser
(AX, AY, _), (BX, BY, _), _ = DISCS
WORDS = {"ida": "first words", "jon": "other words"}


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that wants a log-in, over a project of three images."""
    import io

    from app.service import open_workspace
    from tests.app.ui.seeding import queue_all

    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    workspace = tmp_path / "workspace"
    with open_workspace(workspace, create=True) as service:
        project = service.create_project("pair", task="segmentation", classes=["disc"])
        pictures = [(f"{i}.png", io.BytesIO(discs_image(1300 + i))) for i in range(3)]
        service.import_files(project.id, pictures)
        queue_all(service, project.id)
    users = tmp_path / "users"
    users.write_text("".join(f"{name}:{hash_password(word)}\n" for name, word in WORDS.items()))
    monkeypatch.setitem(os.environ, "FEWCLICK_USERS_FILE", str(users))
    server = Server(workspace)
    server.start()
    yield server
    server.stop()


def logged_in(browser: Any, server: Server, name: str) -> Annotating:
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    page = context.new_page()
    page.goto(f"{server.url}/login")
    page.get_by_label("Your name").fill(name)
    page.locator("input[type=password]").fill(WORDS[name])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/ui/**")
    page.close()
    return Annotating(browser, server, "pair", name="browser", beside=SimpleNamespace(context=context))  # type: ignore[arg-type]


def ask(page: Annotating, path: str) -> Any:
    return page.context.request.get(f"{page.server.url}/v1/{path}").json()


def test_one_reads_after_the_other_blind_and_one_of_them_decides(browser: Any, guarded: Server) -> None:
    ida, jon = logged_in(browser, guarded, "ida"), logged_in(browser, guarded, "jon")
    project = ida.js("app.project.id")
    item = ida.item_id
    assert item != jon.item_id
    asked = ida.context.request.post(f"{guarded.url}/v1/projects/{project}/second-reads", data={"item_ids": [item]})
    assert asked.json()["asked"] == [item]
    ida.click(AX, AY)
    ida.accept()
    jon.click(AX, AY)
    jon.accept()
    assert jon.item_id == item
    assert jon.js("app.work.item.annotation") is None
    jon.click(BX, BY)
    jon.accept()
    assert ask(jon, f"items/{item}")["annotation"]["annotator"] == "ida"
    ida.page.reload()
    ida.ready()
    ida.page.locator(".fc-judge-open").wait_for()
    ida.page.keyboard.press("Shift+J")
    ida.until("app.day.judge.isOpen && document.querySelector('.fc-judge .fc-image-row') !== null")
    ida.page.wait_for_timeout(300)
    ida.page.keyboard.press("u")
    ida.until("document.querySelector('.fc-judge header p').textContent === 'Nothing to decide'")
    assert "ida" in ida.message()
    assert "jon" in ida.message()
    newest = ask(ida, f"items/{item}/annotations")[-1]
    assert (newest["version"], newest["annotator"], len(newest["objects"])) == (2, "ida", 2)
    assert newest["adjudicates"]["act"] == "union"
    assert ask(ida, f"projects/{project}/agreement")["n_decided"] == 1
    for page in (ida, jon):
        page.close()
        assert (page.foreign, page.problems) == ([], [])
