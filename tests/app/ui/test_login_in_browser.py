"""Real log-ins behind a path prefix: work survives one that ends while drawing, and operators keep the people."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from app.service import open_workspace
from tests.app.ui.driver import Annotating
from tests.app.ui.gated import GatedServer, log_in, logged_in
from tests.app.ui.seeding import DISCS

Enter = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), _ = DISCS


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[GatedServer]:
    server = GatedServer(tmp_path_factory.mktemp("gated") / "workspace")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def enter(gated: GatedServer, browser: Any) -> Iterator[Enter]:
    """enter(name, project) logs somebody in by the form; at the end nothing may have left the prefix or gone wrong."""
    opened: list[Annotating] = []

    def enter_as(name: str, project: str | None, **context: Any) -> Annotating:
        beside = logged_in(browser, gated, name, gated.passwords[name], **context)
        opened.append(Annotating(browser, gated, project, beside=beside))
        return opened[-1]

    yield enter_as
    for page in opened:
        page.close()
    for page in opened:
        assert page.foreign == []
        assert page.problems == []


def test_an_annotator_works_behind_a_prefix_and_a_new_password_loses_nothing(enter: Enter, gated: GatedServer) -> None:
    page = enter("ann", "ward")
    first = page.item_id
    page.drag((AX - AR, AY - AR), (AX + AR, AY + AR))
    page.accept()
    expect(page.page.get_by_role("tab", name="Users")).to_have_count(0)

    item = page.item_id
    page.drag((BX - BR, BY - BR), (BX + BR, BY + BR))
    drawn = page.mask()
    page.expected = True
    with open_workspace(gated.workspace) as service:
        gated.passwords["ann"] = service.reset_password("ann").password
    page.page.wait_for_timeout(1200)  # the server learns of it within a second
    page.press("b")
    page.drag((150, 20), (200, 30))
    page.until("app.link.state === 'login'")
    page.shot("login_ended")
    expect(page.page.locator(".fc-message a")).to_have_attribute("href", f"{gated.url}/login")
    page.page.keyboard.press("a")  # is kept, and sent later
    log_in(page.context, gated, "ann", gated.passwords["ann"])  # in another tab
    page.until(f"app.link.state === 'up' && app.work?.item.id !== {item}", timeout=40_000)
    page.expected = False

    with open_workspace(gated.workspace) as service:
        for done in (first, item):
            assert service.history(done)[-1].annotator == "ann"
        (accepted,) = service.history(item)[-1].objects
        assert accepted.edited
        assert sum(accepted.mask.counts[1::2]) > drawn.sum()  # with the stroke that was drawn after the log-in ended


def test_a_draft_outlives_an_ended_login_and_a_reload(enter: Enter, gated: GatedServer) -> None:
    page = enter("ann", "ward")
    item = page.item_id
    page.drag((AX - AR, AY - AR), (AX + AR, AY + AR))
    page.expected = True
    page.context.clear_cookies()
    page.press("b")
    page.drag((150, 20), (200, 30))
    page.until("app.link.state === 'login'")
    drawn = page.area
    page.page.reload()
    page.page.wait_for_url(f"{gated.url}/login")
    page.page.get_by_label("Your name").fill("ann")
    page.page.get_by_label("Password").fill(gated.passwords["ann"])
    page.page.keyboard.press("Enter")
    page.ready()
    page.until(f"app.work?.item.id === {item}", timeout=40_000)
    page.expected = False
    page.settle()
    assert page.area == drawn


def test_an_operator_keeps_the_users_by_keyboard(enter: Enter, gated: GatedServer) -> None:
    page = enter("chief", None)
    page.tab("Users")
    card = page.page.locator("#fc-users")
    card.get_by_text("Each person logs in with a name and a password of their own.").wait_for()
    card.get_by_label("Name", exact=True).focus()
    page.page.keyboard.type("Bo Li")
    page.page.keyboard.press("Tab")
    page.page.keyboard.type("sci")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    card.get_by_text("Password of Bo Li.").wait_for()
    password = card.locator("code").inner_text()
    assert re.fullmatch(r"[\w-]{16}", password)
    assert page.barriers() == []
    page.shot("users")
    page.page.keyboard.press("Enter")  # Done has the focus
    expect(card.locator("code")).to_be_hidden()
    with open_workspace(gated.workspace) as service:
        assert service.accounts()["Bo Li"].role == "scientist"

    card.get_by_label("Role of Bo Li").select_option("annotator")
    card.get_by_role("button", name="Switch off the account of Bo Li").focus()
    page.page.keyboard.press("Enter")
    card.get_by_role("button", name="Switch on the account of Bo Li").wait_for()
    with open_workspace(gated.workspace) as service:
        account = service.accounts()["Bo Li"]
        assert (account.role, account.is_active) == ("annotator", False)
    page.expected = True
    card.get_by_role("button", name="Switch off the account of chief").click()
    card.get_by_text("'chief' is the last operator; make somebody else one first").wait_for()
    page.expected = False


def test_the_tab_of_users_is_readable_in_the_dark(enter: Enter) -> None:
    page = enter("chief", None, color_scheme="dark")
    page.tab("Users")
    page.page.locator("#fc-users tbody tr").first.wait_for()
    assert page.barriers() == []
    page.shot("users_dark")


def test_without_a_login_the_tab_says_so_and_what_to_do(open_page: Callable[..., Annotating]) -> None:
    page = open_page(None)
    page.tab("Users")
    card = page.page.locator("#fc-users")
    card.get_by_text("Nobody has to log in here").wait_for()
    card.get_by_text("Add an operator, for instance yourself").wait_for()
    expect(card.get_by_label("Role", exact=True)).to_have_value("operator")
    page.expected = True
    card.get_by_label("Name", exact=True).fill("eve")
    card.get_by_label("Role", exact=True).select_option("annotator")
    card.get_by_role("button", name="Add user").click()
    card.get_by_text("the first user must be an operator").wait_for()
    page.expected = False
    assert page.server.api("users")["login"] == "open"
