"""A page as an annotator uses it: real mouse and keyboard events, positions in image pixels."""

import os
from pathlib import Path
from typing import Any

import numpy as np

FIND = "window.app = [...document.querySelectorAll('*')].find((e) => e.fewclick)?.fewclick"
SHOTS = os.environ.get("FEWCLICK_SCREENSHOTS")


class Annotating:
    """One browser page. `foreign` collects requests to other hosts, `problems` console errors and failed requests.

    Each page is a browser of its own, unless it is opened as a tab `beside` another.
    """

    def __init__(
        self,
        browser: Any,
        server: Any,
        project: str | None,
        name: str = "ann",
        beside: "Annotating | None" = None,
        **context: Any,
    ) -> None:
        self.server = server
        self.foreign: list[str] = []
        self.problems: list[str] = []
        self.expected = False  # True while the test breaks things on purpose
        fresh = {"viewport": {"width": 1360, "height": 860}, **context}
        self.context = beside.context if beside else browser.new_context(**fresh)
        self.context.add_init_script(
            f"localStorage.getItem('fewclick:/v1/:annotator') ?? "
            f"localStorage.setItem('fewclick:/v1/:annotator', '\"{name}\"')"
        )
        self.page = self.context.new_page()
        self.page.on("request", self._requested)
        self.page.on("response", lambda r: self._problem(f"{r.status} {r.url}") if r.status >= 400 else None)
        self.page.on("console", lambda m: self._problem(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self._problem(str(e)))
        self.page.goto(f"{server.url}/ui/")
        self.ready()
        if project is not None:
            self.choose_project(project)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.server.url, "data:", "blob:")):
            self.foreign.append(request.url)

    def _problem(self, text: str) -> None:
        if not self.expected:
            self.problems.append(text)

    def ready(self) -> None:
        self.page.wait_for_function(f"({FIND}) !== undefined", timeout=60_000)

    def choose_project(self, name: str) -> None:
        self.page.locator("#fc-project input").click()
        self.page.get_by_role("option", name=name, exact=True).click()
        self.page.wait_for_function("(name) => app.project?.name === name", arg=name)
        self.page.wait_for_function("app.work !== null || !document.querySelector('.fc-idle').hidden")
        self.page.wait_for_timeout(100)

    def js(self, expression: str, arg: Any = None) -> Any:
        return self.page.evaluate(expression, arg)

    def until(self, expression: str, timeout: float = 15_000) -> None:
        self.page.wait_for_function(expression, timeout=timeout)

    @property
    def item_id(self) -> int | None:
        return self.js("app.work?.item.id ?? null")

    @property
    def area(self) -> int:
        """Pixels of the active object as it would be saved."""
        return self.js("app.work.live.bits.reduce((a, b) => a + b, 0)")

    def mask(self) -> np.ndarray:
        height, width = self.js("[app.work.item.height, app.work.item.width]")
        return np.array(self.js("Array.from(app.work.live.bits)"), bool).reshape(height, width)

    @property
    def active(self) -> dict[str, Any]:
        return self.js("app.work.active")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where on the page an image position is shown."""
        box = self.page.locator(".fc-stage canvas").bounding_box()
        view = self.js("([x, y]) => app.view.toView(x, y)", [x, y])
        return box["x"] + view["x"], box["y"] + view["y"]

    def click(self, x: float, y: float, button: str = "left") -> None:
        self.page.mouse.click(*self.at(x, y), button=button)
        self.settle()

    def drag(self, *points: tuple[float, float], steps: int = 5) -> None:
        """Through image positions, left button held."""
        places = [self.at(*point) for point in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=steps)
        self.page.mouse.up()
        self.settle()

    def settle(self) -> None:
        """Until every prompt has its mask."""
        self.until("!app.work || app.work.pending().length === 0", timeout=90_000)  # the first one loads the model
        self.page.wait_for_timeout(40)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(30)
        self.settle()

    def accept(self, *keys: str) -> int | None:
        """Press the keys (A) and wait for another image, or none."""
        before = self.item_id
        for key in keys or ("a",):
            self.page.keyboard.press(key)
        self.until(f"app.work?.item.id !== {before} && (app.work || !document.querySelector('.fc-idle').hidden)")
        self.page.wait_for_timeout(60)
        return self.item_id

    def message(self) -> str:
        return self.js("document.querySelector('.fc-message.fc-shown')?.textContent ?? ''")

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()
        self.page.wait_for_timeout(300)
        self.until("[...document.querySelectorAll('[data-t]')].every((e) => !e.offsetParent || e.textContent.trim())")

    def barriers(self) -> list[str]:
        """What axe-core calls serious or critical about the page as it is now: rule, element and remedy."""
        from axe_playwright_python.sync_playwright import Axe

        return [
            f"{rule['id']} at {node['target']}: {node['failureSummary']} {node['html']}"
            for rule in Axe().run(self.page).response["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]

    def shot(self, name: str) -> None:
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))

    def close(self) -> None:
        self.context.close()
