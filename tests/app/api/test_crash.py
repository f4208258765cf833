"""kill -9 of the server while people annotate: what was accepted is there, what was not can be sent again."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from sqlalchemy import text

from alcore.masks import decode_rle, encode_rle
from tests.app.workspaces import disk, open_fake, queue_all, seeded
from tests.paths import ROOT

N_ITEMS, N_KILLS = 24, 1


@contextmanager
def served(workspace: Path, port: int) -> Iterator[tuple[subprocess.Popen[bytes], httpx2.Client]]:
    """A server in a process of its own, killed at the latest when the block ends."""
    command = [sys.executable, "-m", "tests.app.api.serve_fakes", str(workspace), str(port)]
    with subprocess.Popen(command, cwd=ROOT) as server, httpx2.Client(base_url=f"http://127.0.0.1:{port}") as http:
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    http.get("/v1/health")
                    break
                except httpx2.TransportError:
                    assert server.poll() is None, "the server did not start"
                    assert time.monotonic() < deadline, "the server did not start in time"
                    time.sleep(0.05)
            yield server, http
        finally:
            server.kill()


def annotate(http: httpx2.Client, project_id: int, name: str, sent: dict[str, dict], accepted: dict[str, int]) -> None:
    """Answer items until the queue is empty or the server is gone; note what was sent and what was confirmed."""
    try:
        while (response := http.post(f"/v1/projects/{project_id}/next", json={"annotator": name})).status_code == 200:
            item = response.json()
            body = {
                "submission_id": str(uuid.uuid4()),
                "lease_token": item["lease"]["token"],
                "base_version": item["version"],
                "objects": [{"class_id": 1, "mask": dict(encode_rle(disk(int(item["name"][-7:-4]))))}],
            }
            sent[body["submission_id"]] = {"item": item["id"], "body": body}
            receipt = http.put(f"/v1/items/{item['id']}/annotation", json=body)
            if receipt.status_code == 200:
                accepted[body["submission_id"]] = receipt.json()["item_id"]
    except httpx2.TransportError:
        return


def test_no_accepted_mask_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    with open_fake(workspace) as service:
        project = seeded(service, N_ITEMS)
        queue_all(service, project.id)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sent: dict[str, dict] = {}
    accepted: dict[str, int] = {}
    for kill in range(1, N_KILLS + 1):
        with served(workspace, port) as (server, http):
            people = [
                threading.Thread(target=annotate, args=(http, project.id, f"person {i}", sent, accepted))
                for i in range(3)
            ]
            for person in people:
                person.start()
            while len(accepted) < kill * 6:
                time.sleep(0.001)
            os.kill(server.pid, signal.SIGKILL)  # between two accepts, or in the middle of one
            for person in people:
                person.join()
    assert len(accepted) < N_ITEMS
    with served(workspace, port) as (_, http):
        for submission, item_id in accepted.items():
            versions = http.get(f"/v1/items/{item_id}/annotations").json()
            assert [v["submission_id"] for v in versions] == [submission]
            number = int(http.get(f"/v1/items/{item_id}").json()["name"][-7:-4])
            assert (decode_rle(versions[0]["objects"][0]["mask"]) == disk(number)).all()
        for submission, one in sent.items():  # whoever got no answer sends the same again
            receipt = http.put(f"/v1/items/{one['item']}/annotation", json=one["body"])
            assert (receipt.status_code, receipt.json()["submission_id"]) == (200, submission)
        for i in range(3):  # one may hold an item whose lease was on its way when the server died
            annotate(http, project.id, f"person {i}", sent, accepted)
        counts = http.get(f"/v1/projects/{project.id}").json()["counts"]
        assert counts["labeled"] == N_ITEMS
    with open_fake(workspace) as service, service.context.db.read() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert connection.execute(text("SELECT count(*) FROM annotations")).scalar_one() == N_ITEMS
