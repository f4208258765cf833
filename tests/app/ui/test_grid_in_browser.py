"""Many images of a classification project at once: leased together, labeled by key, accepted with one key."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.app.ui.driver import Annotating

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]


def open_grid(page: Annotating) -> list[int]:
    page.page.keyboard.press("Shift+L")
    page.until("document.querySelectorAll('.fc-grid-tile').length > 0")
    return tile_ids(page)


def tile_ids(page: Annotating) -> list[int]:
    ids: list[int] = page.js("[...document.querySelectorAll('.fc-grid-tile')].map((e) => Number(e.dataset.item))")
    return ids


def chips(page: Annotating) -> list[str]:
    texts: list[str] = page.js("[...document.querySelectorAll('.fc-grid-tile .fc-name')].map((e) => e.textContent)")
    return texts


def project(page: Annotating, name: str) -> Any:
    return next(p for p in page.server.api("projects")["projects"] if p["name"] == name)


def test_a_grid_is_labelled_by_key_and_accepted_with_one(open_page: OpenPage) -> None:
    page = open_page("grid", name="gus")
    ids = open_grid(page)
    assert len(ids) == 24
    assert project(page, "grid")["counts"]["leased"] == 24
    columns = page.js("app.day.grid.view.columns")
    page.page.wait_for_timeout(1100)
    page.press("1", "2", "2")  # the cursor goes on by itself
    page.press("Shift+ArrowDown", "3")  # a range: to the same column of the row below
    labels = ["benign", "malignant", "malignant", *["unclear"] * (columns + 1)]
    assert chips(page)[: len(labels)] == labels
    assert set(chips(page)[len(labels) :]) == {"no class"}
    page.page.locator(".fc-classes .fc-row").nth(2).click()  # the panel's classes serve as well
    page.press("ArrowLeft", "Delete")  # one more, taken back
    page.page.locator(".fc-grid-tile").nth(22).click()
    page.page.locator(".fc-grid-tile").nth(23).click(modifiers=["Shift"])
    page.press("1")
    page.shot("grid")
    assert page.barriers() == []
    labels += ["benign", "benign"]
    done = [*ids[: 4 + columns], *ids[22:]]
    page.page.keyboard.press("a")
    page.until(
        f"!document.querySelector('.fc-grid-tile[data-item=\"{ids[0]}\"]')"
        " && !document.querySelector('.fc-message.fc-bad')"
    )
    page.until(f"document.querySelectorAll('.fc-grid-tile').length === {28 - len(done)}")
    saved = [page.server.api(f"items/{item}")["annotation"] for item in done]
    assert [entry["label"] for entry in saved] == labels
    assert [entry["clicks"] for entry in saved] == [1, 1, 1, 1, *[0] * columns, 1, 0]
    assert 1 <= sum(entry["seconds"] for entry in saved) < 60
    assert tile_ids(page)[: 24 - len(done)] == [
        item for item in ids if item not in done
    ]  # those without a class stay first
    assert page.js("Object.keys(localStorage).filter((key) => /outbox/.test(key))") == []


def test_classes_given_are_back_after_a_reload_and_after_a_look_at_one_image(open_page: OpenPage) -> None:
    page = open_page("grid reload", name="hua")
    ids = open_grid(page)
    page.press("2", "1")
    page.page.reload()
    page.ready()
    page.until("app.work !== null")
    assert open_grid(page) == ids
    assert chips(page)[:3] == ["malignant", "benign", "no class"]
    page.page.keyboard.press("Enter")  # the first one without a class, large
    page.until(f"app.work?.item.id === {ids[2]}")
    assert project(page, "grid reload")["counts"]["leased"] == 1
    page.press("3")
    assert open_grid(page) == [*ids[:2], ids[2], *ids[3:]]
    assert chips(page)[:2] == ["malignant", "benign"]
    page.page.keyboard.press("Escape")
    page.until("app.work !== null")
    assert project(page, "grid reload")["counts"]["leased"] == 1


def test_two_people_share_no_image_and_a_lost_lease_leaves_the_grid(open_page: OpenPage) -> None:
    left = open_page("grid pair", name="ivo")
    right = open_page("grid pair", name="jan")
    here = open_grid(left)
    assert len(here) == 7  # of 8; the other one is on the right
    assert right.item_id not in here
    left.press("1")
    left.page.keyboard.press("Escape")
    left.until("app.work !== null")
    there = open_grid(right)
    assert len(set(there) & {left.item_id}) == 0
    right.press("1", "1")
    right.expected = True
    right.js(f"app.day.grid.hold.item({there[0]}).lease.token = 'stolen'")
    right.js("app.day.grid.hold.beat()")
    right.until(f"!document.querySelector('.fc-grid-tile[data-item=\"{there[0]}\"]')")
    assert "1 gone from the grid" in right.message()
    right.js(f"app.day.grid.hold.item({there[1]}).lease.token = 'stolen'")
    right.page.keyboard.press("a")
    right.until("document.querySelector('.fc-message.fc-bad')?.textContent.includes('1 not saved')")
    assert right.server.api(f"items/{there[1]}")["version"] == 0
    right.expected = False


def test_an_outage_while_accepting_loses_and_doubles_nothing(open_page: OpenPage) -> None:
    page = open_page("grid reload", name="kai")
    ids = open_grid(page)
    page.press("1", "2", "3")
    page.expected = True
    calls = iter(range(100))
    page.page.route("**/annotation", lambda route: route.abort() if next(calls) == 1 else route.continue_())
    page.page.keyboard.press("a")
    page.until("app.link.state === 'down'")
    page.page.unroute("**/annotation")
    page.until("app.link.state === 'up'")
    left = [name for name in chips(page) if name != "no class"]
    assert left in (["malignant", "unclear"], ["unclear"])  # the one that was cut off may have been sent again by now
    page.page.keyboard.press("a")
    page.until("!document.querySelector('.fc-grid-tile .fc-label[data-by=person]')")
    page.expected = False
    saved = [page.server.api(f"items/{item}") for item in ids[:3]]
    assert [entry["version"] for entry in saved] == [1, 1, 1]
    assert [entry["annotation"]["label"] for entry in saved] == ["benign", "malignant", "unclear"]


def test_suggested_classes_are_accepted_as_they_are(open_page: OpenPage) -> None:
    page = open_page("grid verify", name="leo")
    ids = open_grid(page)
    page.until(
        "document.querySelectorAll('.fc-label[data-by=model]').length"
        " === document.querySelectorAll('.fc-grid-tile').length"
    )
    page.press("1")
    page.shot("grid-verify")
    page.page.keyboard.press("a")
    page.until("!document.querySelector('.fc-idle').hidden")
    saved = [page.server.api(f"items/{item}")["annotation"] for item in ids]
    assert [entry["label"] for entry in saved] == ["benign", *["malignant"] * (len(ids) - 1)]
    assert [entry["clicks"] for entry in saved] == [1, *[0] * (len(ids) - 1)]
