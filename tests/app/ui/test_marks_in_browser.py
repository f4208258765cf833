"""Prompts one by one: picked, moved and deleted with the mouse and by keys; undo over all of it."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS
from tests.app.ui.test_scribbles_in_browser import asked, opened

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), (BX, BY, BR), _ = DISCS


def covers(page: Annotating, x: int, y: int) -> bool:
    return bool(page.mask()[y, x])


def test_a_point_is_dragged_from_one_disc_to_another_and_the_mask_follows(open_page: OpenPage) -> None:
    page = opened(open_page, "marks")
    page.click(AX, AY)
    first = page.mask()
    assert covers(page, AX, AY)
    bodies = asked(page)
    page.drag((AX, AY), (BX, BY))
    (point,) = page.active["points"]
    assert (point["x"], point["y"]) == (pytest.approx(BX, abs=0.5), pytest.approx(BY, abs=0.5))
    assert point["label"] == 1
    assert page.active["box"] is None, "a drag from a point draws no box"
    assert covers(page, BX, BY)
    assert not covers(page, AX, AY)
    assert [len(body["points"]) for body in bodies] == [1]
    page.press("z")
    assert np.array_equal(page.mask(), first)
    page.press("y")
    assert covers(page, BX, BY)
    assert len(bodies) == 1


def test_a_click_on_a_mark_picks_it_and_its_button_deletes_it(open_page: OpenPage) -> None:
    page = opened(open_page, "marks")
    page.click(AX, AY)
    page.click(AX, AY + AR + 14, button="right")
    button = page.page.get_by_role("button", name="Delete what is picked")
    expect(button).to_be_hidden()
    page.click(AX + 1, AY + AR + 14)
    assert len(page.active["points"]) == 2, "a click on a point adds none"
    expect(button).to_be_visible()
    page.shot("marks_picked")
    button.click()
    page.settle()
    assert [p["label"] for p in page.active["points"]] == [1]
    expect(button).to_be_hidden()
    page.click(AX, AY)
    page.press("Escape")
    expect(button).to_be_hidden()
    page.click(AX, AY)
    page.press("Delete")
    assert page.active["points"] == []
    assert page.area == 0
    page.press("z", "z")
    assert [p["label"] for p in page.active["points"]] == [1, 0]


def test_a_box_is_moved_as_a_whole_and_by_its_handles(open_page: OpenPage) -> None:
    page = opened(open_page, "marks")
    page.drag((AX - 34, AY - 34), (AX + 34, AY + 34))
    x0, y0, x1, y1 = page.active["box"]
    page.drag((AX - 15, AY - 34), (BX - 15, BY - 34))
    moved = page.active["box"]
    assert moved == pytest.approx([x0 + BX - AX, y0 + BY - AY, x1 + BX - AX, y1 + BY - AY], abs=0.7)
    assert covers(page, BX, BY)
    page.page.mouse.move(*page.at(moved[2], moved[3]))
    page.page.wait_for_timeout(60)
    page.shot("marks_box")
    page.drag((moved[2], moved[3]), (moved[2] + 12, moved[3] + 9))
    assert page.active["box"] == pytest.approx([*moved[:2], moved[2] + 12, moved[3] + 9], abs=0.7)
    page.drag((moved[0], (moved[1] + moved[3] + 9) / 2), (moved[0] - 5, 20))
    assert page.active["box"] == pytest.approx([moved[0] - 5, moved[1], moved[2] + 12, moved[3] + 9], abs=0.7)
    page.press("z", "z", "z")
    assert page.active["box"] == [x0, y0, x1, y1]
    page.click(AX - 12, AY - 34)
    assert len(page.active["points"]) == 1, "a click on the line of a box is a click on the image"


def test_a_stroke_is_dragged_and_deleted(open_page: OpenPage) -> None:
    page = opened(open_page, "marks")
    page.press("d")
    page.drag((AX - 10, AY), (AX + 10, AY + 3))
    page.drag((AX - 10, AY + 40), (AX + 10, AY + 40))
    before = page.active["scribbles"]
    page.press("p")
    page.drag((AX + 4, AY + 40), (AX + 6, AY + 50))
    after = page.active["scribbles"]
    assert after[0] == before[0]
    shift = np.subtract(after[1]["points"], before[1]["points"])
    assert shift == pytest.approx(np.tile([2, 10], (len(shift), 1)), abs=0.7)
    page.click(AX + 6, AY + 50)
    page.press("Delete")
    assert page.active["scribbles"] == before[:1]


def test_keys_alone_step_through_move_and_delete_prompts(open_page: OpenPage) -> None:
    page = opened(open_page, "marks")
    page.page.locator(".fc-stage canvas").focus()
    page.press("t")
    assert "nothing to pick" in page.message()
    page.press("Shift+ArrowLeft", "Shift+ArrowLeft", "Enter", "Shift+ArrowRight", "Shift+Enter", "x")
    page.press(*["Shift+ArrowRight"] * 3, *["Shift+ArrowDown"] * 3, "x", "Escape")
    before = page.active
    steps = page.js("app.work.history.canUndo")
    assert steps
    page.press("t")
    assert "Positive point: 1 of 5" in page.message()
    page.press("Shift+ArrowLeft", "ArrowLeft", "ArrowUp")
    assert page.active["points"][0]["x"] == before["points"][0]["x"] - 11
    assert page.active["points"][0]["y"] == before["points"][0]["y"] - 1
    page.press("z")
    assert page.active["points"] == before["points"], "one step of undo takes back all arrow keys"
    page.press("t", "t", "Shift+ArrowRight")
    assert page.active["box"] == [v + 10 * (i % 2 == 0) for i, v in enumerate(before["box"])]
    page.press("Shift+T", "Delete")
    assert len(page.active["points"]) == 1
    page.press("t", "t", "t", "t", "ArrowDown")
    assert page.active["box"][3] == before["box"][3] + 1
    assert page.active["box"][1] == before["box"][1]
