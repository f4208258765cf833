"""A real server on a workspace of drawn images, and pages in headless Chromium that talk to it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", OFFLINE]
START_S = 120
EXPECT_MS = 15_000  # what the page shows may lag behind a busy machine, as `Annotating.until` allows


class Server:
    """`fewclick serve` as a process that can be killed and started again on the same port."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.workspace / "server.log").open("ab") as log:
            command = [sys.executable, "-m", "app.cli", "serve", str(self.workspace), "--port", str(self.port)]
            quick = {"FEWCLICK_CROSSFIT_FOLDS": "2"}
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **quick})
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                self.api("health")
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        pytest.fail(f"the server did not start:\n{(self.workspace / 'server.log').read_text()[-3000:]}")

    def kill(self) -> None:
        """Without a word, as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def cancel_jobs(self) -> None:
        """Workers outlive their server, not the tests."""
        for project in self.api("projects")["projects"]:
            if project["job_id"] is not None:
                self.api(f"jobs/{project['job_id']}/cancel", method="POST")

    def revive(self) -> None:
        """Start again if a test that killed the server failed before it could: one failure stays one."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def api(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium, or set CHROMIUM")
    workspace = tmp_path_factory.mktemp("page") / "workspace"
    command = [sys.executable, "-m", "tests.app.ui.seeding", str(workspace)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=START_S)  # a process of its own: it needs no shape checks
    running = Server(workspace)
    running.start()
    yield running
    running.revive()
    running.cancel_jobs()
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium, or set CHROMIUM")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=EXPECT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(server: Server, browser: Any) -> Iterator[Any]:
    """open_page(project, **context) gives a page at work on that project; at the end nothing may have gone wrong."""
    from tests.app.ui.driver import Annotating

    opened: list[Annotating] = []

    def open_one(project: str | None, **context: Any) -> Annotating:
        server.revive()
        opened.append(Annotating(browser, server, project, **context))
        return opened[-1]

    yield open_one
    for page in opened:
        page.close()
    for page in opened:
        assert page.foreign == []
        assert page.problems == []
