"""A server on this machine that hands out model files as web servers and the hub do, with the faults of both."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Shelf:
    """What is served, how badly, and what was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    repositories: dict[str, Path] = field(default_factory=dict)
    cut_after: int | None = None
    """Close the connection after so many bytes, once."""
    knows_ranges: bool = True
    false_checksums: bool = False
    asked: list[str] = field(default_factory=list)
    """Method, path and range of each request."""
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    shelf: ClassVar[Shelf]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        asked_range = self.headers.get("Range", "")
        self.shelf.asked.append(f"{self.command} {self.path} {asked_range}".strip())
        path = self.path.partition("?")[0]
        headers = {}
        if path.startswith("/api/models/"):
            content = self._listing(path.removeprefix("/api/models/").partition("/revision/")[0])
        elif found := re.fullmatch(r"/(.+/.+)/resolve/[^/]+/(.+)", path):
            content = self._file_of(found[1], found[2])
            headers = {"X-Repo-Commit": REVISION, "ETag": f'"{hashlib.sha256(content or b"").hexdigest()}"'}
        else:
            content = self.shelf.files.get(path)
        if content is None:
            self.send_error(404)
            return
        start = int(found[1]) if (found := re.match(r"bytes=(\d+)-", asked_range)) and self.shelf.knows_ranges else 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        for name, value in {**headers, "Content-Length": str(len(content) - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            end = len(content) if self.shelf.cut_after is None else start + self.shelf.cut_after
            if self.shelf.cut_after is not None:
                self.shelf.cut_after, self.close_connection = None, True
            self.wfile.write(content[start:end])

    def _file_of(self, repository: str, name: str) -> bytes | None:
        folder = self.shelf.repositories.get(repository)
        return (folder / name).read_bytes() if folder and (folder / name).is_file() else None

    def _listing(self, repository: str) -> bytes | None:
        folder = self.shelf.repositories.get(repository)
        if folder is None:
            return None
        siblings = []
        for file in sorted(folder.iterdir()):
            entry: dict[str, object] = {"rfilename": file.name, "size": file.stat().st_size, "blobId": "b"}
            if file.suffix != ".json":
                digest = "0" * 64 if self.shelf.false_checksums else hashlib.sha256(file.read_bytes()).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": file.stat().st_size, "pointerSize": 100}
            siblings.append(entry)
        return json.dumps({"id": repository, "sha": REVISION, "siblings": siblings}).encode()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(shelf: Shelf) -> Iterator[Shelf]:
    """Serve a shelf for a while."""
    handler = type("Handler", (_Handler,), {"shelf": shelf})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    shelf.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
