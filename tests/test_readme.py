"""The README's Python runs as it is written, against a live server on a socket."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from app.server import create_app
from tests.live import live_service, write_images
from tests.paths import ROOT

ADDRESS = "http://127.0.0.1:7860"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with live_service(tmp_path / "workspace", in_background=True) as service, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = create_app(tmp_path / "workspace", service=service, with_ui=False)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=30)


def test_the_example_of_the_readme_runs(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 12
    assert ADDRESS in example
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "images", 4)
    variables: dict[str, object] = {}

    exec(example.replace(ADDRESS, address), variables)

    assert (tmp_path / "nerves.zip").stat().st_size > 0
    assert getattr(variables["report"], "model_id", None)
    assert variables["item"] is None


def test_links_of_the_readme_and_the_docs_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
        if not target.startswith("http") and not (page.parent / target).exists()
    ]
    assert broken == []
