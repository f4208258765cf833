"""More than one reader on the page: two people at once, blind second reads, decisions by key, gold."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS, SIZE
from tests.app.ui.seeding_reads import PART

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, _), (BX, BY, _), _ = DISCS
OPEN = "app.day.judge.isOpen && !document.querySelector('.fc-judge').hidden"


def project_of(page: Annotating, name: str) -> int:
    return next(p["id"] for p in page.server.api("projects")["projects"] if p["name"] == name)


def judge(page: Annotating) -> None:
    page.page.keyboard.press("Shift+J")
    page.until(OPEN)
    page.page.locator(".fc-judge header p").first.wait_for()
    page.page.wait_for_timeout(300)


def decide(page: Annotating, key: str) -> str:
    """Presses a key and waits until another image, or none, is in sight."""
    title = page.page.locator(".fc-judge header p").first
    before = title.inner_text()
    page.page.keyboard.press(key)
    page.until(f"document.querySelector('.fc-judge header p').textContent !== {before!r}")
    return page.message()


def test_two_people_at_once_and_what_one_did_is_read_blind_by_the_other(open_page: OpenPage) -> None:
    here = open_page("read twice", name="ida")
    there = open_page("read twice", name="jon")
    first, other = here.item_id, there.item_id
    assert first != other
    project = project_of(here, "read twice")
    here.click(AX, AY)
    here.server.api(f"projects/{project}/second-reads", {"item_ids": [first], "annotator": "lead"})
    here.accept()
    there.click(AX, AY)
    there.accept()  # what waits for a second reader comes next
    assert there.item_id == first
    assert there.js("app.work.sheet.objects.filter((o) => o.start || o.points.length).length") == 0
    assert there.js("[app.work.item.version, app.work.item.annotation]") == [0, None]
    there.page.reload()
    there.ready()
    there.until(f"app.work?.item.id === {first}")  # it is still theirs
    there.click(BX, BY)
    there.accept()
    assert there.item_id != first
    saved = there.server.api(f"items/{first}")
    assert saved["version"] == 1
    assert saved["annotation"]["annotator"] == "ida"
    there.press("PageUp")
    there.until(f"app.work?.item.id === {first}")
    assert there.js("app.work.item.annotation.annotator") == "jon"  # their own, not the first reader's
    agreement = there.server.api(f"projects/{project}/agreement")
    assert (agreement["n_read"], agreement["n_apart"]) == (1, 1)


def test_deciding_by_key(open_page: OpenPage) -> None:
    page = open_page("apart", name="lea")
    entry = page.page.locator(".fc-judge-open")
    entry.wait_for()
    assert entry.inner_text().startswith("To decide: 4")
    judge(page)
    rows = page.page.locator(".fc-judge .fc-image-row")
    expect(rows).to_have_count(4)
    expect(rows.first).to_have_attribute("aria-current", "true")
    text = page.page.locator(".fc-judge").inner_text()
    assert "ann" not in text
    assert "ben" not in text
    expect(page.page.locator(".fc-pairs li")).to_have_count(3)
    page.shot("judge-light")
    assert page.barriers() == []
    ids = [int(row.get_attribute("data-item") or 0) for row in rows.all()]
    page.page.keyboard.press("ArrowDown")
    page.until(f"document.querySelector('.fc-judge [aria-current=true]').dataset.item === '{ids[1]}'")
    page.page.keyboard.press("ArrowUp")
    page.until(f"document.querySelector('.fc-judge [aria-current=true]').dataset.item === '{ids[0]}'")

    told = decide(page, "a")
    assert "Decided: Take A" in told
    assert "ann" in told
    assert "ben" in told
    expect(page.page.get_by_role("button", name="Take B")).to_be_visible()
    page.shot("judge-decided")
    decide(page, "u")
    history = [page.server.api(f"items/{item}/annotations") for item in ids[:2]]
    assert [h[-1]["annotator"] for h in history] == ["lea", "lea"]
    assert history[0][-1]["adjudicates"]["act"] in ("first", "second")
    assert history[1][-1]["adjudicates"]["act"] == "union"
    assert len(history[1][-1]["objects"]) == 3

    page.page.locator(".fc-pairs select").nth(2).select_option("none")
    page.page.locator(".fc-pairs select").nth(0).select_option("intersection")
    page.page.locator(".fc-judge header p").first.click()
    decide(page, "o")
    last = page.server.api(f"items/{ids[2]}/annotations")[-1]
    assert (last["adjudicates"]["act"], len(last["objects"])) == ("objects", 2)

    page.page.keyboard.press("r")
    page.until(f"app.work?.item.id === {ids[3]}")
    assert "What you accept here decides" in page.message()
    assert page.js("app.work.item.annotation") is None
    page.click(AX, AY)
    page.accept()
    last = page.server.api(f"items/{ids[3]}/annotations")[-1]
    assert (last["adjudicates"]["act"], last["annotator"], len(last["objects"])) == ("redo", "lea", 1)
    page.until("document.querySelector('.fc-judge-open').hidden")
    judge(page)
    expect(page.page.locator(".fc-judge")).to_contain_text("Nothing to decide")
    page.page.keyboard.press("Escape")
    page.until("!app.day.judge.isOpen")


def test_the_overlay_shows_who_drew_what_and_can_be_put_away(open_page: OpenPage) -> None:
    page = open_page("apart dark", name="max", color_scheme="dark")
    judge(page)
    expect(page.page.get_by_text("dashed: labeled part")).to_be_hidden()
    canvas = page.page.locator(".fc-judge canvas")
    with_masks = canvas.screenshot()
    page.page.keyboard.press("h")
    page.page.wait_for_timeout(80)
    without = canvas.screenshot()
    assert without != with_masks
    page.page.keyboard.press("h")
    page.page.wait_for_timeout(80)
    assert canvas.screenshot() == with_masks
    page.page.keyboard.press("g")
    page.page.wait_for_timeout(80)
    assert canvas.screenshot() != with_masks
    page.shot("judge-dark-near")
    page.page.keyboard.press("g")
    page.page.locator(".fc-pairs li").nth(1).hover()
    page.page.wait_for_timeout(80)
    assert canvas.screenshot() != with_masks  # one pair alone
    page.page.mouse.move(500, 400)
    page.shot("judge-dark")
    assert page.barriers() == []


COLOURS_ON_LINE = """([x0, x1, y, width, height]) => {
  const canvas = document.querySelector(".fc-judge canvas");
  const scale = Math.min(canvas.width / width, canvas.height / height);
  const [left, top] = [(canvas.width - width * scale) / 2, (canvas.height - height * scale) / 2];
  const at = [left + x0 * scale, top + y * scale, (x1 - x0) * scale, 1].map(Math.floor);
  const { data } = canvas.getContext("2d").getImageData(...at);
  return [...new Set(Array.from({ length: data.length / 4 }, (_, i) => [...data.slice(4 * i, 4 * i + 3)].join()))];
}"""
"""The colours along a row of image pixels, as the page shows them."""


def test_what_both_labeled_alone_is_outlined_in_the_colours_of_both(open_page: OpenPage) -> None:
    page = open_page("apart in parts", name="pia")
    judge(page)
    x0, y0, x1, _ = PART

    def colours_at(y: int) -> set[str]:
        return set(page.js(COLOURS_ON_LINE, [x0, x1, y, SIZE[1], SIZE[0]]))

    colours = {"230,159,0", "86,180,233"}  # A's orange and B's blue
    assert colours <= colours_at(y0)
    assert not colours & colours_at(y0 - 6)
    expect(page.page.locator(".fc-judge header")).to_contain_text("dashed: labeled part")
    page.shot("judge-parts")
    page.page.keyboard.press("h")
    page.page.wait_for_timeout(80)
    assert not colours & colours_at(y0)


def test_labels_are_picked(open_page: OpenPage) -> None:
    page = open_page("labels apart", name="nia")
    judge(page)
    text = page.page.locator(".fc-judge").inner_text()
    assert "A: " in text
    assert "Union" not in text
    page.shot("judge-labels")
    side = page.page.locator(".fc-sides:visible").inner_text()
    wanted = "a" if "A: malignant" in side else "b"
    item = int(page.page.locator(".fc-judge [aria-current=true]").get_attribute("data-item") or 0)
    decide(page, wanted)
    assert page.server.api(f"items/{item}")["annotation"]["label"] == "malignant"


def test_shares_agreement_and_gold_on_the_other_tabs(open_page: OpenPage) -> None:
    page = open_page("golden", name="ole")
    project = project_of(page, "golden")
    page.tab("Images")
    page.page.locator(".fc-tile").first.wait_for()
    asks = page.page.locator(".fc-asks summary")
    tiles = page.page.locator(".fc-tile")
    for i in range(2):
        tiles.nth(i).focus()
        page.page.keyboard.press("Space")
    asks.focus()
    page.page.keyboard.press("Enter")
    page.shot("images-asks")
    page.page.get_by_role("button", name="Make gold").click()
    told = page.page.locator("[data-part=told]")
    page.page.wait_for_function("document.querySelector('[data-part=told]').textContent.includes('Gold images now: 2')")
    tiles.nth(0).focus()
    page.page.keyboard.press("Space")
    asks.click()
    page.page.get_by_role("button", name="Ask a second reader").click()
    page.page.wait_for_function(
        "document.querySelector('[data-part=told]').textContent.includes('Second readers asked')"
    )
    expect(told).to_contain_text("asked: 1")

    page.tab("Project")
    shares = page.page.locator(".fc-reads input")
    shares.nth(2).fill("100")
    shares.nth(1).fill("1.5")
    expect(page.page.get_by_role("button", name="Save shares")).to_be_disabled()
    shares.nth(1).fill("0.9")
    page.page.get_by_role("button", name="Save shares").click()
    page.until("document.querySelector('.fc-reads output').textContent === 'Saved'")
    saved = page.server.api(f"projects/{project}")
    assert (saved["gold_share"], saved["adjudicate_below"], saved["second_read_share"]) == (1.0, 0.9, 0.0)

    gold = {g["item_id"] for g in page.server.api(f"projects/{project}/gold")["items"]}
    person = open_page("golden", name="pia")
    met = [person.item_id]
    person.click(AX, AY)
    assert person.js("app.work.item.annotation") is None
    person.accept()
    met.append(person.item_id)
    assert set(met) & gold
    person.click(AX, AY)
    person.accept()
    met.append(person.item_id)
    scores = page.server.api(f"projects/{project}/gold")["annotators"]
    assert [s["annotator"] for s in scores] == ["pia"]
    assert page.server.api(f"projects/{project}/agreement")["n_read"] == 1
    for item in met[:2]:
        assert page.server.api(f"items/{item}")["annotation"]["annotator"] == "chief"

    page.tab("Annotate")
    page.tab("Project")
    page.page.locator(".fc-reads [data-part=goldTitle]").click()
    page.page.locator(".fc-reads [data-part=goldRows] tr").wait_for()
    page.page.locator(".fc-reads").scroll_into_view_if_needed()
    page.shot("reads-project")
    expect(page.page.locator(".fc-reads")).to_contain_text("pia")
    assert page.barriers() == []
    page.page.emulate_media(color_scheme="dark")
    page.page.wait_for_timeout(300)
    page.shot("reads-project-dark")
    assert page.barriers() == []
