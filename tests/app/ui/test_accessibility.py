"""axe-core, the checker inside most accessibility tools, finds nothing serious on any part of the page.

Messages of Gradio's own (toasts) are left out: their header is a button around a button, which is Gradio's to mend.
"""

from collections.abc import Callable

import pytest

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), _ = DISCS


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_open_image_is_accessible_in_all_that_it_shows(open_page: OpenPage, scheme: str) -> None:
    page = open_page("access", name=scheme, color_scheme=scheme)
    assert page.js("document.body.classList.contains('dark')") is (scheme == "dark")
    page.drag((AX - AR, AY - AR), (AX + AR, AY + AR))
    page.press("n", "2")
    page.click(BX, BY)
    page.press("b")
    page.drag((150, 20), (200, 30))
    for level in ("good", "fair", "poor"):  # any of them may stand on the row of the chosen object
        page.js("(level) => (document.querySelector('.fc-object:last-child .fc-quality').dataset.level = level)", level)
        assert page.barriers() == []
    page.page.keyboard.press("s")
    page.page.locator("[data-part=skip]").wait_for()
    assert page.barriers() == []
    page.press("Escape", "?")
    page.page.locator("[data-part=help]").wait_for()
    assert page.barriers() == []


def test_forms_and_tables_are_accessible(open_page: OpenPage, scheme: str) -> None:
    page = open_page("tabs", color_scheme=scheme)
    page.tab("Rounds")
    page.page.locator("#fc-rounds tbody tr").wait_for()
    assert page.barriers() == []
    page.tab("Project")
    assert page.barriers() == []


def test_without_an_image_the_tools_rest_and_the_help_does_not(open_page: OpenPage, scheme: str) -> None:
    page = open_page("idle", color_scheme=scheme)
    assert page.barriers() == []
    assert page.page.locator(".fc-bar [data-command=brush]").evaluate("(button) => button.closest('[inert]') !== null")
    page.page.get_by_role("button", name="Keys").click()
    page.page.locator("[data-part=help]").wait_for()
    assert page.barriers() == []
    page.press("Escape")
    page.choose_project("tabs")
    assert page.js("document.querySelectorAll('.fc-annotate [inert]').length") == 0
