"""Fingers and pens, as Chromium's own input pipeline delivers them: who draws, who moves the image, who is ignored."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.app.ui.driver import Annotating
from tests.app.ui.seeding import DISCS
from tests.app.ui.test_scribbles_in_browser import opened as opened_with_mouse

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Annotating]
(AX, AY, AR), _, _ = DISCS
Place = tuple[float, float]


class Hand:
    """Fingers by number and one pen, at places in image pixels."""

    def __init__(self, page: Annotating) -> None:
        self.page = page
        self.cdp = page.context.new_cdp_session(page.page)
        self.fingers: dict[int, dict[str, Any]] = {}

    def _send(self, kind: str) -> None:
        self.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(self.fingers.values())})
        self.page.page.wait_for_timeout(20)

    def put(self, **fingers: Place) -> None:
        """put(f1=(x, y)): fingers come down, or move where they are down already."""
        known = set(self.fingers)
        for name, place in fingers.items():
            x, y = self.page.at(*place)
            self.fingers[int(name[1:])] = {"x": x, "y": y, "id": int(name[1:])}
        self._send("touchMove" if set(self.fingers) == known else "touchStart")

    def lift(self, *fingers: int) -> None:
        for finger in fingers or tuple(self.fingers):
            del self.fingers[finger]
        self._send("touchEnd")

    def pen(self, kind: str, place: Place, button: str = "left") -> None:
        x, y = self.page.at(*place)
        down = {"left": 1, "right": 2}[button] if kind != "mouseReleased" else 0
        event = {"type": kind, "x": x, "y": y, "button": button, "buttons": down, "pointerType": "pen", "clickCount": 1}
        self.cdp.send("Input.dispatchMouseEvent", event)
        self.page.page.wait_for_timeout(20)


def opened(open_page: OpenPage) -> tuple[Annotating, Hand]:
    page = opened_with_mouse(lambda project: open_page(project, has_touch=True), "fingers")
    return page, Hand(page)


def test_one_finger_draws_and_two_fingers_move_and_zoom(open_page: OpenPage) -> None:
    page, hand = opened(open_page)
    page.press("b")
    hand.put(f1=(40, 160))
    hand.put(f1=(50, 160))
    hand.put(f1=(60, 160))
    hand.lift()
    page.settle()
    painted = page.area
    assert painted > 100
    scale, left = page.js("[app.view.scale, app.view.left]")
    middle = page.js("app.view.toView(130, 100)")
    hand.put(f1=(120, 100))
    hand.put(f2=(140, 100))
    hand.put(f1=(110, 100), f2=(150, 100))
    assert page.js("app.view.scale") == pytest.approx(2 * scale, rel=0.02)
    assert page.js("app.view.toView(130, 100)") == pytest.approx(middle, abs=2)
    hand.put(f1=(115, 100), f2=(155, 100))
    assert page.js("app.view.toView(130, 100).x") > middle["x"] + 5
    hand.lift(2)
    hand.put(f1=(160, 130))
    hand.lift()
    assert page.area == painted, "neither finger has drawn"
    assert page.js("app.view.left") != left


def test_a_stroke_in_the_making_stays_when_a_second_finger_comes_late(open_page: OpenPage) -> None:
    page, hand = opened(open_page)
    page.press("b")
    hand.put(f1=(40, 160))
    page.page.wait_for_timeout(350)
    hand.put(f1=(60, 160))
    painted = page.area
    hand.put(f2=(150, 100))
    hand.lift()
    assert page.area == painted > 0
    page.press("z")
    assert page.area == 0


def test_a_resting_hand_draws_nothing_while_a_pen_does(open_page: OpenPage) -> None:
    page, hand = opened(open_page)
    page.press("b")
    hand.put(f1=(200, 180))
    hand.put(f1=(204, 180))
    assert page.area > 0
    hand.pen("mousePressed", (40, 160))
    hand.pen("mouseMoved", (60, 160))
    hand.put(f1=(230, 180))
    hand.put(f2=(220, 150))
    hand.put(f2=(180, 150))
    hand.pen("mouseMoved", (70, 160))
    hand.pen("mouseReleased", (70, 160))
    hand.lift()
    page.settle()
    mask = page.mask()
    assert mask[160, 40:71].all()
    assert not mask[:, 120:].any(), "the hand drew before and during the pen's stroke"
    page.press("z")
    assert page.area == 0, "one step"
    left = page.js("app.view.left")
    hand.put(f1=(100, 100))
    hand.put(f1=(110, 100))
    hand.lift()
    assert page.area == 0
    assert page.js("app.view.left") > left, "where there is a pen, one finger moves the image"


def test_a_pens_side_button_and_eraser_give_the_other_sign(open_page: OpenPage) -> None:
    page, hand = opened(open_page)
    hand.pen("mousePressed", (AX, AY))
    hand.pen("mouseReleased", (AX, AY))
    page.settle()
    hand.pen("mousePressed", (AX, AY + AR + 14), "right")
    hand.pen("mouseReleased", (AX, AY + AR + 14), "right")
    page.settle()
    assert [p["label"] for p in page.active["points"]] == [1, 0]
    page.press("b")
    x, y = page.at(AX, AY)
    event = f"{{bubbles: true, pointerId: 1, pointerType: 'pen', button: 5, buttons: 32, clientX: {x}, clientY: {y}}}"
    for kind in ("pointerdown", "pointerup"):  # no driver can turn a pen round
        page.js(f"app.canvas.dispatchEvent(new PointerEvent('{kind}', {event}))")
    assert not page.mask()[AY, AX]


def test_the_sign_button_lets_a_finger_say_what_is_not_the_object(open_page: OpenPage) -> None:
    page, hand = opened(open_page)
    button = page.page.get_by_role("button", name="Not part of the object")
    expect(button).to_be_visible()
    hand.put(f1=(AX, AY))
    hand.lift()
    page.settle()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    page.shot("touch")
    hand.put(f1=(AX, AY + AR + 14))
    hand.lift()
    page.settle()
    assert [p["label"] for p in page.active["points"]] == [1, 0]
    page.press("Shift+P")
    expect(button).to_have_attribute("aria-pressed", "false")
