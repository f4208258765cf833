"""A served workspace and a browser, for the benchmarks of the page."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
START_S = 120
VIEWPORT = (1360, 860)
FIND = "window.app = [...document.querySelectorAll('*')].find((e) => e.fewclick)?.fewclick"
FLAGS = ("--no-sandbox", "--disable-gpu", "--enable-precise-memory-info")


@contextmanager
def served(workspace: Path) -> Iterator[tuple[str, int]]:
    """A server on the workspace; gives its address and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "serve", str(workspace), "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                if server.poll() is not None or time.monotonic() > end:
                    raise SystemExit("the server did not start") from None
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.kill()  # it would wait for the page to let go of its event streams
        server.wait()


@contextmanager
def opened(url: str) -> Iterator[Any]:
    """A page in headless Chromium ($CHROMIUM), with `window.app` at hand."""
    chromium = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    if not chromium.exists():
        raise SystemExit(f"skipped: no browser at {chromium}; set CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=list(FLAGS))
        page = browser.new_page(viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]})
        page.goto(f"{url}/ui/")
        page.wait_for_function(f"({FIND}) !== undefined", timeout=120_000)
        yield page
        browser.close()


def choose_project(page: Any, name: str) -> None:
    """Have the page work on a project, and wait for its first image."""
    page.locator("#fc-project input").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.wait_for_function("(name) => app.project?.name === name && app.work !== null", arg=name, timeout=120_000)


def spread(times: list[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum."""
    return {"p50": float(np.median(times)), "p95": float(np.percentile(times, 95)), "max": float(np.max(times))}
