"""The masks that the model offers for one click: shown side by side, chosen by click and by key, saved as chosen."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import expect

from alcore.masks import decode_rle
from app.client import Client
from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS
from tests.app.ui.test_scribbles_in_browser import asked, opened

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
_, (BX, BY, BR), _ = DISCS
PRESSED = "[...document.querySelectorAll('.fc-choices button')].findIndex((b) => b.ariaPressed === 'true')"


def test_choices_show_each_masks_estimate_and_the_chosen_one_is_saved(open_page: OpenPage) -> None:
    page = opened(open_page, "choice")
    item = page.item_id
    choices = page.page.locator(".fc-choices")
    expect(choices).to_be_hidden()
    page.click(BX, BY)
    offered = page.js("app.work.answers.candidates(app.work.active)")
    assert len(offered) == 3, "the built-in model answers a lone click with three masks"
    expect(choices.get_by_role("button")).to_have_text(
        [f"{k}\n{one['predictedIou']:.2f}" for k, one in enumerate(offered, start=1)],
        use_inner_text=True,
    )
    first = page.js("app.work.answers.chosen(app.work.active)")
    assert page.js(PRESSED) == first
    page.shot("choices")
    assert page.barriers() == []
    bodies = asked(page)
    masks = {}
    for _ in range(3):
        masks[page.js(PRESSED)] = page.mask()
        page.press("m")
    assert page.js(PRESSED) == first, "three steps lead round"
    assert sorted(masks) == [0, 1, 2]
    for k, mask in masks.items():
        wanted = decode_rle({"size": list(mask.shape), "counts": offered[k]["counts"]})
        assert np.array_equal(mask, wanted)
    page.press("Shift+M")
    assert page.js(PRESSED) == (first - 1) % 3
    other = (first + 1) % 3
    choices.get_by_role("button").nth(other).click()
    assert page.js(PRESSED) == other
    page.press("z")
    assert page.js(PRESSED) == (first - 1) % 3
    page.press("y")
    assert bodies == [], "choosing asks nobody"
    page.accept()
    with Client(page.server.url) as client:
        kept = client.project("choice").item(item).state.annotation
    assert kept is not None
    assert np.array_equal(decode_rle(kept.objects[0].mask.model_dump()), masks[other])
    assert kept.objects[0].predicted_iou == pytest.approx(offered[other]["predictedIou"])


def test_the_choices_stay_in_place_while_the_next_answer_is_on_its_way(open_page: OpenPage) -> None:
    page = opened(open_page, "choice")
    page.click(BX, BY)
    choices = page.page.locator(".fc-choices")
    box = choices.bounding_box()
    held = []
    page.page.route("**/predict", lambda route: held.append(route))
    page.page.mouse.click(*page.at(BX + 8, BY))
    page.until("app.work.pending().length === 1")
    page.page.wait_for_timeout(50)
    assert choices.bounding_box() == box
    assert choices.evaluate("(e) => e.inert")
    page.page.keyboard.press("m")
    assert page.js("app.work.active.choice") is None
    for route in held:
        route.continue_()
    page.settle()
    expect(choices, "two clicks have one mask").to_be_hidden()
