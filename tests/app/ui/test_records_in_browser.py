"""Models, scores and jobs on the tab Rounds: closed at first, and one goes back to a head with two clicks."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_heads_scores_and_jobs_are_there_and_accessible(open_page: OpenPage, scheme: str) -> None:
    page = open_page("overview", color_scheme=scheme)
    page.tab("Rounds")
    for part in ("models", "scores", "jobs"):
        page.page.locator(f".fc-records [data-part={part}] > summary").click()
    page.page.locator("[data-part=modelRows] tr").nth(1).wait_for()
    expect(page.page.locator("[data-part=modelRows]")).to_contain_text("stays aside")
    expect(page.page.locator("[data-part=classRows] th")).to_have_text(["background", "disc", "ring"])
    expect(page.page.locator("[data-part=diagram] circle")).to_have_count(8)
    assert page.barriers() == []
    page.page.locator("[data-part=diagram]").scroll_into_view_if_needed()
    page.shot(f"records_{scheme}")


def test_going_back_to_a_head_takes_two_presses(open_page: OpenPage) -> None:
    page = open_page("overview", name="keeper")
    project_id = page.js("app.project.id")
    before = page.server.api(f"projects/{project_id}")["model_id"]
    page.tab("Rounds")
    page.page.locator(".fc-records [data-part=models] > summary").focus()
    page.page.keyboard.press("Enter")
    page.page.get_by_role("button", name="Use this").focus()
    page.page.keyboard.press("Enter")
    page.page.get_by_role("button", name="Sure? Click again").wait_for()
    assert page.server.api(f"projects/{project_id}")["model_id"] == before
    page.page.keyboard.press("Enter")
    page.page.get_by_text("In use from now on").wait_for()
    assert page.server.api(f"projects/{project_id}")["model_id"] not in (before, None)
