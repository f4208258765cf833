"""The form of the next round: a strategy is picked, its settings changed, and the round keeps them."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

OpenPage = Callable[..., Any]


def project_id(page: Any) -> int:
    return int(page.js("app.project.id"))


def test_a_round_is_started_with_a_strategy_and_a_changed_setting(open_page: OpenPage) -> None:
    page = open_page("chosen")
    page.tab("Rounds")
    form = page.page.locator("#fc-round")
    strategy = form.get_by_label("Strategy")
    page.page.locator("#fc-round-strategy optgroup").first.wait_for(state="attached")
    expect(form.get_by_label("Images")).to_have_value("3")
    expect(strategy.locator("option").first).to_have_text("The project's own: kmeans_medoid")
    offered = strategy.locator("option").all_inner_texts()
    assert "probcover" in offered
    assert not {"entropy", "badge", "strided"} & set(offered)  # no label, no probabilities, no groups

    strategy.select_option("probcover")
    form.get_by_text("lives and dies by its radius").wait_for()
    form.get_by_text("Active Learning Through a Covering Lens").wait_for()
    form.get_by_text("Settings (4)").focus()
    page.page.keyboard.press("Enter")
    form.get_by_label("delta", exact=True).fill("0.40")
    form.get_by_label("n_reference", exact=True).fill("2.5")
    page.page.get_by_role("button", name="Start round").click()
    expect(form.get_by_role("alert")).to_have_text("n_reference must be a whole number")
    assert page.js("document.activeElement.name") == "n_reference"
    form.get_by_label("n_reference", exact=True).fill("20")
    expect(form.get_by_role("alert")).to_be_hidden()
    expect(form.locator("code")).to_have_text("probcover:delta=0.40:n_reference=20")
    assert page.barriers() == []
    page.shot("round_form")
    page.page.keyboard.press("Enter")  # starts it

    page.page.get_by_text("Next round · Done", exact=True).wait_for(timeout=600_000)
    (made,) = page.server.api(f"projects/{project_id(page)}/rounds")["rounds"]
    assert made["strategy"] == "probcover:delta=0.4:n_reference=20"
    assert made["n_selected"] == 3
    page.page.locator("#fc-rounds td", has_text="probcover:delta=0.4:n_reference=20").wait_for()


def test_what_the_server_refuses_is_told_beside_the_form_and_defaults_come_back(open_page: OpenPage) -> None:
    page = open_page("idle", color_scheme="dark")
    page.tab("Rounds")
    form = page.page.locator("#fc-round")
    page.page.locator("#fc-round-strategy option[value=freesel]").wait_for(state="attached")
    form.get_by_label("Strategy").select_option("freesel")
    form.get_by_text("Settings (2)").click()
    form.get_by_label("rule", exact=True).select_option("farthest")
    expect(form.locator("code")).to_have_text("freesel:rule=farthest")
    assert page.barriers() == []
    page.shot("round_form_dark")
    form.get_by_role("button", name="Back to defaults").click()
    expect(form.locator("code")).to_have_text("freesel")
    page.expected = True
    body = '{"code": "busy", "detail": "another job of this project runs"}'
    refused = {"status": 409, "content_type": "application/json", "body": body}
    page.page.route("**/v1/projects/*/rounds", lambda route: route.fulfill(**refused))
    page.page.get_by_role("button", name="Start round").click()
    form.get_by_text("another job of this project runs").wait_for()
    form.get_by_label("Strategy").select_option("random")
    form.get_by_text("This strategy has no settings.").wait_for()
    expect(form.get_by_role("alert")).to_be_hidden()
