"""Volumes: slider, wheel and keys go through the slices, masks are carried to neighbours, three planes follow."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding_volumes import CENTRE, N_SLICES, RADII, SIDES

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
MIDDLE = N_SLICES // 2
X, Y, _ = CENTRE
SAID = "(document.querySelector('.fc-message.fc-shown')?.textContent ?? '')"


def seen(page: Annotating) -> int:
    """Index of the slice in sight, once its picture is there."""
    page.until("app.work.seen === app.work.picture === !app.slices.isAway")
    page.page.wait_for_timeout(60)
    return page.js("app.slices.index")


def at_work(page: Annotating) -> int:
    return page.js("app.work.item.volume.index")


def box(page: Annotating) -> None:
    page.drag((X - RADII[0], Y - RADII[1]), (X + RADII[0], Y + RADII[1]))


def ready(page: Annotating) -> None:
    page.until("app.slices.volume !== null")


def test_slider_wheel_and_keys_go_through_the_slices_and_the_work_waits(open_page: OpenPage) -> None:
    page = open_page("volume")
    ready(page)
    assert (seen(page), at_work(page)) == (MIDDLE, MIDDLE)
    expect(page.page.locator("[data-part=sliceText]")).to_have_text(f"Slice {MIDDLE + 1} of {N_SLICES}, axial")
    box(page)
    before = page.area
    assert before > 500
    page.page.mouse.move(*page.at(X, Y))
    page.page.mouse.wheel(0, 120)
    assert seen(page) == MIDDLE + 1
    page.page.mouse.wheel(0, -120)
    page.page.mouse.wheel(0, -120)
    page.until(f"app.slices.index === {MIDDLE - 1}")
    page.press(">", ">", ">")
    assert seen(page) == MIDDLE + 2
    slider = page.page.get_by_role("slider", name="Slice")
    slider.focus()
    page.page.keyboard.press("End")
    assert seen(page) == N_SLICES - 1
    expect(slider).to_have_attribute("aria-valuetext", f"Slice {N_SLICES} of {N_SLICES}")
    # A press on a slice that is there for a look draws nothing, and says so.
    page.click(X, Y)
    assert "for a look" in page.message()
    page.press("a")  # the first A goes back and accepts nothing
    assert (seen(page), at_work(page), page.area) == (MIDDLE, MIDDLE, before)
    assert page.js("app.isOpen")
    page.click(X + 2, Y)
    assert page.js("app.work.active.points.length") == 1


def test_the_wheel_zooms_with_ctrl_and_values_are_those_of_the_file(open_page: OpenPage) -> None:
    page = open_page("volume")
    ready(page)
    scale = page.js("app.view.scale")
    page.page.mouse.move(*page.at(X, Y))
    page.page.keyboard.down("Control")
    page.page.mouse.wheel(0, -100)
    page.page.keyboard.up("Control")
    page.until(f"app.view.scale > {scale}")
    assert seen(page) == MIDDLE
    page.page.mouse.move(*page.at(X + 1, Y))
    text = page.page.locator("[data-out=pixel]").text_content()
    assert text is not None
    assert f"{(X + 1.5) * 0.8:.1f}" in text or f"{(X + 0.5) * 0.8:.1f}" in text  # millimetres by the spacing
    value = page.js(f"app.work.valueAt({{x: {X}, y: {Y}}}).value")
    assert 230 < float(value) < 370  # the organ's 300, not a stored number
    page.press(">", ">", ">", ">", ">", ">")
    assert seen(page) == N_SLICES - 1
    assert abs(float(page.js(f"app.work.valueAt({{x: {X}, y: {Y}}}).value"))) < 70  # beyond the organ
    page.press("Shift+B")
    assert page.js(f"app.view.scale > {scale}")  # the view stays while one scrolls


def test_work_moves_to_the_slice_in_sight_and_the_draft_comes_back(open_page: OpenPage) -> None:
    page = open_page("volume keys")
    ready(page)
    box(page)
    drawn, first = page.area, page.item_id
    page.press("<")
    seen(page)
    page.page.keyboard.press("Shift+E")
    page.until(f"app.work && app.work.item.id !== {first} && app.slices.volume !== null")
    assert (at_work(page), seen(page)) == (MIDDLE - 1, MIDDLE - 1)
    assert page.area == 0
    page.until(f"app.slices.volume.slices[{MIDDLE}].has_draft")
    page.press(">")
    seen(page)
    page.page.get_by_role("button", name="Work here").click()
    page.until(f"app.work?.item.id === {first}")
    page.settle()
    assert page.area == drawn
    page.page.reload()
    page.ready()
    page.choose_project("volume keys")
    page.until("app.work !== null")


def test_masks_are_carried_to_neighbours_and_verified_one_after_the_other(open_page: OpenPage) -> None:
    page = open_page("volume carry")
    ready(page)
    page.press("Shift+N")
    assert "Draw a mask first" in page.message()
    box(page)
    page.page.locator("[data-part=sliceReach]").select_option("3")
    page.page.keyboard.press("Shift+N")
    page.until(f"{SAID}.includes('Starting masks on 6 slices')", 90_000)
    offered = page.js("app.slices.volume.slices.flatMap((s, i) => (s.has_suggestion ? [i] : []))")
    assert offered == [MIDDLE - 3, MIDDLE - 2, MIDDLE - 1, MIDDLE + 1, MIDDLE + 2, MIDDLE + 3]
    page.press(">")
    assert seen(page) == MIDDLE + 1  # the starting mask is seen there
    page.shot("volume-carried")
    page.press("Shift+B")
    taken = []
    for _ in range(3):
        taken.append(at_work(page))
        page.accept()
        page.until("app.work?.offered")
        expect(page.page.locator("[data-part=verify]")).to_be_visible()
    assert taken[0] == MIDDLE
    assert set(taken[1:]) == {MIDDLE - 1, MIDDLE + 1}
    ready(page)
    page.until("app.slices.volume.slices.filter((s) => s.version > 0).length === 3")
    # What was accepted stays as it is.
    page.page.keyboard.press("Shift+N")
    page.until(f"{SAID}.includes('Starting masks on')", 90_000)
    versions = page.js("app.slices.volume.slices.map((s) => s.version)")
    assert sorted(i for i, version in enumerate(versions) if version) == sorted(taken)
    assert max(versions) == 1


def test_three_planes_follow_and_lead(open_page: OpenPage) -> None:
    page = open_page("volume planes")
    ready(page)
    grid = page.page.locator("[data-part=planes]")
    expect(grid).to_be_hidden()
    page.page.get_by_role("button", name="Three planes").click()
    page.until("document.querySelectorAll('[data-part=planes] canvas').length === 3")
    captions = page.page.locator("[data-part=planes] figcaption").all_text_contents()
    assert captions == ["axial", "coronal", "sagittal"]
    coronal = grid.locator("canvas").nth(1)
    shown = coronal.bounding_box()
    assert shown is not None
    assert shown["width"] / shown["height"] == pytest.approx(SIDES[0] * 0.8 / (N_SLICES * 2.5), rel=0.05)
    coronal.click(position={"x": shown["width"] / 2, "y": 3})  # the head is above: the last slice
    assert seen(page) == N_SLICES - 1
    page.shot("volume-planes")
    assert page.barriers() == []
    page.press("Shift+X")
    expect(grid).to_be_hidden()
