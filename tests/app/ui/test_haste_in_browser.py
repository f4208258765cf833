"""What makes a click quick: it is asked at the press, and frames copy the image instead of scaling it again."""

from collections.abc import Callable

import pytest

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, _), (BX, BY, _), (CX, CY, CR) = DISCS

FRAME = """() => new Promise((done) => requestAnimationFrame(() => {
  app.stage.draw();
  requestAnimationFrame(() => {
    const { width, height } = app.canvas;
    const { data } = app.canvas.getContext('2d').getImageData(0, 0, width, height);
    done(Array.from(data.filter((_, i) => i % 997 === 0)));
  });
}))"""


def test_a_click_is_asked_at_the_press_and_only_once(open_page: OpenPage) -> None:
    page = open_page("exact", name="pip")
    page.click(BX, BY)  # loads the model
    page.press("n")
    asked: list[str] = []
    page.page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/predict") else None)
    page.page.mouse.move(*page.at(AX, AY))
    page.page.mouse.down()
    page.until("!document.querySelector('.fc-busy')")
    assert len(asked) == 1
    assert page.active["points"] == []  # nothing has happened yet
    assert page.area == 0
    page.page.mouse.up()
    assert page.js("app.work.pending().length") == 0  # the answer is there
    page.settle()
    assert len(asked) == 1
    assert page.mask()[AY, AX]


def test_a_press_that_becomes_a_box_leaves_no_point(open_page: OpenPage) -> None:
    page = open_page("exact", name="poe")
    page.drag((CX - CR - 3, CY - CR - 3), (CX + CR + 3, CY + CR + 3))
    assert page.active["points"] == []
    assert page.active["box"] is not None
    assert page.js("app.work.history.canUndo")
    page.press("z")
    assert page.js("app.work.sheet.objects.every((o) => !o.box && !o.points.length)")


def test_frames_at_rest_show_what_the_first_one_did(open_page: OpenPage) -> None:
    page = open_page("exact", name="pat")
    frames = [page.js(FRAME) for _ in range(3)]
    assert frames[0] == frames[1] == frames[2]
    page.js("app.setWindow({ ...app.work.window, width: app.work.window.width / 3 })")
    narrow = [page.js(FRAME) for _ in range(3)]
    assert narrow[0] == narrow[1] == narrow[2]
    assert narrow[0] != frames[0]
    page.js("app.zoom(2)")
    near = [page.js(FRAME) for _ in range(3)]
    assert near[0] == near[1] == near[2]
    assert near[0] != narrow[0]
