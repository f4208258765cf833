"""A server of its own that people log in to, behind a reverse proxy that takes a path prefix away."""

import http.client
import io
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.app.ui.conftest import Server
from tests.app.ui.seeding import discs_image, queue_all

PREFIX = "/annotate"


class GatedServer(Server):
    """`fewclick serve` under a prefix; `url` is the proxy's, and `passwords` those of chief (operator) and ann."""

    def __init__(self, workspace: Path) -> None:
        super().__init__(workspace)
        done = subprocess.run(
            [sys.executable, "-m", "tests.app.ui.gated", str(workspace)], check=True, capture_output=True, text=True
        )
        self.passwords = dict(line.split() for line in done.stdout.splitlines())
        self.proxy = _proxy_to(self.port)
        self.direct, self.url = self.url, f"http://127.0.0.1:{self.proxy.server_port}{PREFIX}"

    def start(self) -> None:
        os.environ["FEWCLICK_ROOT_PATH"] = PREFIX
        try:
            super().start()
        finally:
            del os.environ["FEWCLICK_ROOT_PATH"]

    def stop(self) -> None:
        super().stop()
        self.proxy.shutdown()
        self.proxy.server_close()


def _proxy_to(port: int) -> ThreadingHTTPServer:
    """A proxy that knows nothing but the prefix, streams what comes, and answers 404 to all else."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # a connection for each request, closed at its end

        def _pass_on(self) -> None:
            if not self.path.startswith(f"{PREFIX}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            try:
                upstream.request(self.command, self.path.removeprefix(PREFIX), body or None, headers)
                answer = upstream.getresponse()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.end_headers()
                while chunk := answer.read1(65536):
                    self.wfile.write(chunk)
                    self.wfile.flush()
            except OSError:
                self.close_connection = True  # either side went away
            finally:
                upstream.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _pass_on

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    return proxy


def logged_in(browser: Any, server: GatedServer, name: str, password: str, **context: Any) -> Any:
    """What a page can be opened beside: a browser whose log-in form was filled in."""
    made = browser.new_context(viewport={"width": 1360, "height": 860}, **context)
    log_in(made, server, name, password)
    return SimpleNamespace(context=made)


def log_in(context: Any, server: GatedServer, name: str, password: str) -> None:
    """Fill in the form that the page sends strangers to."""
    page = context.new_page()
    page.goto(f"{server.url}/ui/")
    page.wait_for_url(f"{server.url}/login")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{server.url}/ui/")
    page.close()


def seed(workspace: Path) -> dict[str, str]:
    """One project and two people; returns their passwords."""
    from app.api.schemas_users import UserIn
    from app.service import open_workspace

    with open_workspace(workspace, create=True) as service:
        project = service.create_project("ward", task="segmentation", classes=["disc", "ring"])
        service.import_files(project.id, [(f"{i}.png", io.BytesIO(discs_image(500 + i))) for i in range(4)])
        queue_all(service, project.id)
        people = [UserIn(name="chief", role="operator"), UserIn(name="ann", role="annotator")]
        return {person.name: service.add_user(person).password for person in people}


if __name__ == "__main__":
    for known, password in seed(Path(sys.argv[1])).items():
        print(known, password)
