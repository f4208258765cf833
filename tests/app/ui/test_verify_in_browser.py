"""A suggested mask is accepted as it is with one key and no click, corrected with another, or thrown away."""

from collections.abc import Callable

import pytest

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, _), (BX, BY, BR), _ = DISCS


def card(page: Annotating) -> str:
    return page.js("document.querySelector('.fc-verify:not([hidden])')?.innerText ?? ''")


def test_suggested_masks_are_accepted_corrected_or_rejected_with_one_key_each(open_page: OpenPage) -> None:
    page = open_page("verify", name="ned")
    assert "Suggested: 2, at least 71 % sure; at least 0.87 Dice, 9 in 10" in card(page)
    page.shot("verify")
    assert page.barriers() == []
    first = page.item_id
    page.page.wait_for_timeout(1100)
    second = page.accept("a")
    saved = page.server.api(f"items/{first}")["annotation"]
    assert (saved["clicks"], len(saved["objects"])) == (0, 2)
    assert 1 <= saved["seconds"] < 30
    assert all(entry["from_suggestion"] for entry in saved["objects"])

    assert card(page)
    page.press("c")
    assert not card(page)
    assert page.active["confidence"] == pytest.approx(0.71)
    assert page.js("app.view.scale") > 4  # close up
    page.press("0")
    page.click(BX, BY)
    third = page.accept("a")
    saved = page.server.api(f"items/{second}")["annotation"]
    assert saved["clicks"] == 1
    assert [entry["from_suggestion"] for entry in saved["objects"]] == [True, False]

    page.press("Shift+Delete")
    assert not card(page)
    assert page.js("app.work.others().length") == 0
    page.press("z")  # a step back offers them again
    assert "Suggested: 2" in card(page)
    page.press("Shift+Delete")
    page.accept("a", "a")
    saved = page.server.api(f"items/{third}")["annotation"]
    assert (saved["objects"], saved["clicks"]) == ([], 0)


def test_a_suggested_class_is_accepted_as_it_is_or_overruled(open_page: OpenPage) -> None:
    page = open_page("label verify", name="ole")
    assert "Suggested: malignant, 88 % sure" in card(page)
    assert "Dice" not in card(page)
    first = page.item_id
    second = page.accept("a")
    page.press("1")
    assert not card(page)
    page.accept("a")
    for item, label, clicks in ((first, "malignant", 0), (second, "benign", 1)):
        saved = page.server.api(f"items/{item}")["annotation"]
        assert (saved["label"], saved["clicks"]) == (label, clicks)


def test_an_image_without_a_suggestion_shows_no_card(open_page: OpenPage) -> None:
    page = open_page("notes", name="pia")
    assert not card(page)
    page.click(AX, AY)
    assert not card(page)
