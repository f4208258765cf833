"""The click model's card: what is in use, back by keyboard, the switch, and the start of the next one."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

OpenPage = Callable[..., Any]


def test_the_click_model_is_told_rolled_back_and_adapted_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("adapted")
    page.tab("Rounds")
    card = page.page.locator(".fc-adaptation")
    card.get_by_text("adapted on 34 images (clicks to 0.9: 5.9 → 4.5 on 9 held-out images)").wait_for()
    assert page.barriers() == []
    page.shot("adapted")

    card.get_by_role("checkbox", name="Adapt after rounds").focus()
    page.page.keyboard.press("Space")
    page.page.wait_for_function("!document.querySelector('.fc-adaptation input').disabled")
    stored = {project["name"]: project for project in page.server.api("projects")["projects"]}["adapted"]
    assert stored["adapt_automatically"] is True

    card.get_by_role("button", name="Roll back").focus()
    page.page.keyboard.press("Enter")
    card.get_by_text("Click model: as shipped").wait_for()
    expect(card.get_by_role("button", name="Roll back")).to_be_hidden()
    assert page.server.api(f"projects/{stored['id']}")["adaptation_id"] is None

    card.get_by_role("button", name="Adapt now").focus()
    page.page.keyboard.press("Enter")
    page.page.get_by_text("Adapting the click model ·").wait_for()
    job_id = page.server.api(f"projects/{stored['id']}")["job_id"]
    assert page.server.api(f"jobs/{job_id}")["kind"] == "adapt"


def test_a_project_of_labels_has_no_click_model(open_page: OpenPage) -> None:
    page = open_page("classify")
    page.tab("Rounds")
    page.page.locator("#fc-rounds").wait_for()
    expect(page.page.locator(".fc-adaptation")).to_be_hidden()
