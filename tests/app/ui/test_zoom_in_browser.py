"""The page at 125 % and 200 % of a 1280 x 720 screen: all is reached, nothing is cut off, clicks land on their pixel.

A browser that zooms lays the page out in fewer CSS pixels and has more device pixels for each.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, _), _, _ = DISCS
SCREEN = (1280, 720)

SPILLS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
OUT_OF_REACH = """() => {
  const lost = [];
  const measured = '[inert], .visually-hidden'; // Gradio measures its tabs out of sight
  for (const element of document.querySelectorAll('button, select, input, summary, a')) {
    const shown = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    if (!shown || element.closest(measured) || element.offsetWidth < 2) continue;
    element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const box = element.getBoundingClientRect();
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const own = hit && (element.contains(hit) || hit.contains(element) || hit.closest('label')?.contains(element));
    if (!own || box.left < -1 || box.right > innerWidth + 1) lost.push(element.outerHTML.slice(0, 120));
  }
  scrollTo(0, 0);
  return lost;
}"""
CUT_OFF = """() => [...document.querySelectorAll('#fc-header p, .fc-object, .fc-panel h2, .fc-progress-line')]
  .filter((e) => {
    const box = e.getBoundingClientRect();
    let [top, left, bottom, right] = [box.top, box.left, box.bottom, box.right];
    for (let over = e.parentElement; over; over = over.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(over);
      const edge = over.getBoundingClientRect();
      if (overflowX !== 'visible') [left, right] = [Math.max(left, edge.left), Math.min(right, edge.right)];
      if (overflowY === 'hidden') [top, bottom] = [Math.max(top, edge.top), Math.min(bottom, edge.bottom)];
      if (over.matches('.fc-list')) bottom = Math.min(bottom, edge.bottom);
    }
    return right - left < box.width - 1 || bottom - top < box.height - 1;
  })
  .map((e) => e.textContent.slice(0, 60))"""


def zoomed(percent: int) -> dict[str, Any]:
    """What a browser's context has at a zoom."""
    width, height = (size * 100 // percent for size in SCREEN)
    return {"viewport": {"width": width, "height": height}, "device_scale_factor": percent / 100}


@pytest.mark.parametrize("percent", [100, 125, 200])
def test_everything_is_reached_on_every_tab(open_page: OpenPage, percent: int) -> None:
    page = open_page("access", name=f"zoe {percent}", **zoomed(percent))
    page.click(AX, AY)
    for tab in ("Annotate", "Images", "Rounds", "Project"):
        page.tab(tab)
        page.shot(f"zoom-{percent}-{tab.lower()}")
        assert page.js(SPILLS) <= 0, tab
        assert page.js(CUT_OFF) == [], tab
        assert page.js(OUT_OF_REACH) == [], tab


@pytest.mark.parametrize("percent", [125, 200])
def test_clicks_land_on_their_pixel(open_page: OpenPage, percent: int) -> None:
    page = open_page("exact", name=f"zac {percent}", **zoomed(percent))
    backing = page.js("[app.canvas.width, app.canvas.height]")
    shown = page.js("[app.canvas.clientWidth, app.canvas.clientHeight]")
    assert backing == [pytest.approx(size * percent / 100, abs=1) for size in shown]
    for x, y in ((AX + 0.5, AY + 0.5), (3.5, 4.5), (255.5, 196.5)):
        page.press("n")
        page.page.locator(".fc-stage canvas").scroll_into_view_if_needed()
        page.click(x, y)
        point = page.active["points"][0]
        near = page.js("0.5 / app.view.scale") + 0.01  # half a CSS pixel, in image pixels
        assert (point["x"], point["y"]) == (pytest.approx(x, abs=near), pytest.approx(y, abs=near))
