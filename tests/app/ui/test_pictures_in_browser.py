"""The page looks as it did: compared with stored pictures. `make references` renews them.

Letters are left out, as fonts differ among machines; so are times, which are letters too.
"""

import os
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.app.ui.driver import Annotating
from tests.app.ui.pictures import MOST, SIZE, difference, small, store, stored
from tests.app.ui.seeding import DISCS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, _), (BX, BY, BR), _ = DISCS
SCHEMES, TABS = ("light", "dark"), ("annotate", "images", "rounds")
RENEWS = bool(os.environ.get("FEWCLICK_RENEW"))
TRIES = 25
STILL = """*, *::before, *::after {
  -webkit-text-fill-color: transparent !important; caret-color: transparent !important;
  animation: none !important; transition: none !important;
}
kbd, .fc-messages { visibility: hidden !important; }"""


def picture_of(page: Annotating) -> Image.Image:
    page.page.mouse.move(2, 2)
    page.page.wait_for_timeout(700)
    return small(page.page.screenshot())


def settled(page: Annotating, name: str) -> Image.Image:
    """Take pictures until one looks like the reference: on a slow machine thumbnails come late."""
    picture = picture_of(page)
    for _ in range(0 if RENEWS else TRIES):
        if difference(picture, stored(name)) <= MOST:
            break
        picture = picture_of(page)
    return picture


def test_the_page_looks_like_its_references(open_page: OpenPage) -> None:
    seen = {}
    for scheme in SCHEMES:  # in this order: each opens an image of its own
        page = open_page("still", name=f"still {scheme}", color_scheme=scheme)
        page.page.add_style_tag(content=STILL)
        page.click(AX, AY)
        page.press("n", "2")
        page.drag((BX - BR, BY - BR), (BX + BR, BY + BR))
        for tab in TABS:
            page.tab(tab.capitalize())
            seen[f"{tab}-{scheme}"] = picture_of(page)
        page.tab("Annotate")
        page.page.add_style_tag(content=".fc-panel { visibility: hidden; }")
        broken = picture_of(page)
        assert difference(broken, seen[f"annotate-{scheme}"]) > MOST, "a missing panel must be noticed"
    if RENEWS:
        for name, picture in seen.items():
            store(name, picture)
    differing = {name: difference(picture, stored(name)) for name, picture in seen.items()}
    assert all(share <= MOST for share in differing.values()), differing


def test_what_is_missing_is_told_from_what_is_a_pixel_further_along() -> None:
    for name in (f"{tab}-{scheme}" for tab in TABS for scheme in SCHEMES):
        picture = stored(name)
        assert picture.size == SIZE
        moved = Image.fromarray(np.roll(np.asarray(picture), 1, axis=0))
        assert difference(picture, picture) == 0
        holed = picture.copy()
        holed.paste((255, 0, 255), (500, 300, 580, 350))
        assert difference(picture, holed) > MOST
        assert difference(picture, moved) <= MOST
