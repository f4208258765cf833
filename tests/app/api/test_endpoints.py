"""The HTTP API as DESIGN and the page know it: bodies, codes, raw pixels, streams."""

import io
import json
import uuid
import zipfile

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from alcore.masks import decode_rle
from app.service import AnnotationService
from app.store.database import newest_revision
from tests.app.fakes import InlineRunner
from tests.app.workspaces import HEIGHT, WIDTH, disk, picture, png, queue_all, seeded


def error_of(response: object) -> tuple[int, str]:
    return response.status_code, response.json()["code"]  # type: ignore[attr-defined]


def test_the_whole_loop_over_http(http: TestClient) -> None:
    body = {"name": "loop", "task": "segmentation", "classes": ["disk"], "batch_size": 4}
    created = http.post("/v1/projects", json=body)
    assert created.status_code == 201
    pid = created.json()["id"]
    files = [("files", (f"p{i}/{i:03d}.png", png(picture(i)), "image/png")) for i in range(9)]
    files.append(("files", ("broken.png", b"nothing", "image/png")))
    report = http.post(f"/v1/projects/{pid}/images", files=files, data={"group_by": "patient"}).json()
    assert (report["added"], report["items"], report["duplicates"]) == (9, 9, [])
    assert [r["path"] for r in report["rejected"]] == ["broken.png"]
    assert http.post(f"/v1/projects/{pid}/next", json={"annotator": "ann"}).status_code == 204

    started = http.post(f"/v1/projects/{pid}/rounds", json={"n": 4})
    assert started.status_code == 202
    assert http.get(f"/v1/jobs/{started.json()['id']}").json()["state"] == "done"
    item = http.post(f"/v1/projects/{pid}/next", json={"annotator": "ann"}).json()
    assert (item["width"], item["height"], item["state"], item["lease"]["annotator"]) == (
        WIDTH,
        HEIGHT,
        "leased",
        "ann",
    )
    number = int(item["name"][-7:-4])

    click = {"rev": 7, "object_id": "o1", "points": [{"x": 15.5, "y": 10.5, "label": 1}], "box": [10, 4, 30, 16]}
    mask = http.post(f"/v1/items/{item['id']}/predict", json=click).json()
    assert (mask["rev"], mask["size"], mask["chosen"]) == (7, [HEIGHT, WIDTH], 0)
    assert decode_rle({"size": mask["size"], "counts": mask["counts"]}).sum() == 12 * 20
    assert round(mask["predicted_iou"] * 255) == number
    assert 0 <= mask["quality"] <= 1

    stroke = {"scribbles": [{"points": [[15.5, 10.5], [17.5, 11.5]]}, {"points": [[2.5, 2.5]], "label": 0}]}
    stroked = http.post(f"/v1/items/{item['id']}/predict", json=stroke)
    assert stroked.status_code == 200
    assert decode_rle({"size": mask["size"], "counts": stroked.json()["counts"]}).sum() == 25

    token = item["lease"]["token"]
    assert http.put(
        f"/v1/items/{item['id']}/draft", json={"lease_token": token, "draft": {"o": [1]}}
    ).status_code == 204  # fmt: skip
    assert http.get(f"/v1/items/{item['id']}/draft").json() == {"o": [1]}
    assert "expires_at" in http.post(f"/v1/items/{item['id']}/heartbeat", json={"lease_token": token}).json()
    answer = {
        "submission_id": str(uuid.uuid4()),
        "lease_token": token,
        "base_version": 0,
        "label": None,
        "objects": [
            {"class_id": 1, "mask": {"size": mask["size"], "counts": mask["counts"]}, "from_suggestion": True},
            {"class_id": 1, "mask": {"size": mask["size"], "counts": mask["counts"]}, **stroke},
        ],
        "window": {"level": 100, "width": 50},
        "seconds": 5.4,
        "clicks": 3,
    }
    first = http.put(f"/v1/items/{item['id']}/annotation", json=answer)
    assert first.json() == {"item_id": item["id"], "version": 1, "submission_id": answer["submission_id"]}
    assert http.put(f"/v1/items/{item['id']}/annotation", json=answer).json() == first.json()
    again = {**answer, "submission_id": str(uuid.uuid4())}
    assert error_of(http.put(f"/v1/items/{item['id']}/annotation", json=again)) == (409, "version_conflict")

    second = http.post(f"/v1/projects/{pid}/next", json={"annotator": "ann"}).json()
    skipped = {"lease_token": second["lease"]["token"], "reason": "blurred"}
    assert http.post(f"/v1/items/{second['id']}/skip", json=skipped).status_code == 204
    third = http.post(f"/v1/projects/{pid}/next", json={"annotator": "ann", "exclude": [second["id"]]}).json()
    released = http.post(f"/v1/items/{third['id']}/release", json={"lease_token": third["lease"]["token"]})
    assert released.status_code == 204
    assert error_of(http.post(f"/v1/items/{third['id']}/release", json={"lease_token": "x"})) == (409, "lease_lost")
    assert http.get(f"/v1/projects/{pid}/upcoming?annotator=ann").json()["items"][0] == third["id"]

    counts = http.get(f"/v1/projects/{pid}").json()["counts"]
    assert counts == {"items": 9, "queued": 2, "leased": 0, "labeled": 1, "skipped": 1, "unqueued": 5}
    assert http.get(f"/v1/projects/{pid}/rounds").json()["rounds"][0]["items_done"] == 2
    listed = http.get(f"/v1/projects/{pid}/items?state=labeled").json()
    assert (listed["total"], listed["items"][0]["id"]) == (1, item["id"])
    assert error_of(http.get(f"/v1/items/{item['id']}/suggestion")) == (404, "not_found")
    reopened = http.post(f"/v1/items/{item['id']}/lease", json={"annotator": "bob"}).json()
    assert (reopened["version"], reopened["state"], reopened["lease"]["annotator"]) == (1, "labeled", "bob")
    kept = http.get(f"/v1/items/{item['id']}/annotations").json()
    assert len(kept) == 1
    assert [entry["scribbles"] for entry in kept[0]["objects"]] == [
        [],
        [{"points": [[15.5, 10.5], [17.5, 11.5]], "label": 1}, {"points": [[2.5, 2.5]], "label": 0}],
    ]

    exported = http.post(f"/v1/projects/{pid}/exports", json={"format": "masks"})
    assert exported.headers["content-type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(exported.content)).testzip() is None
    patched = http.patch(f"/v1/projects/{pid}", json={"strategy": "random"}).json()
    assert patched["strategy"] == "random"
    assert [p["id"] for p in http.get("/v1/projects").json()["projects"]] == [pid]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "rgb"])
def test_pixels_are_raw_and_little_endian(http: TestClient, fake_service: AnnotationService, dtype: str) -> None:
    from PIL import Image

    project = fake_service.create_project("raw", task="segmentation", classes=["a"])
    array = picture(3)
    if dtype == "uint16":
        array = array.astype(np.uint16) * 300
    if dtype == "rgb":
        array = np.stack([array, disk(3) * np.uint8(9), array], axis=2)
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    fake_service.import_files(project.id, [("x.png", io.BytesIO(out.getvalue()))])
    response = http.get("/v1/items/1/pixels")
    names = ("x-width", "x-height", "x-dtype", "x-channels")
    expected = [str(WIDTH), str(HEIGHT), str(array.dtype), "3" if dtype == "rgb" else "1"]
    assert [response.headers[name] for name in names] == expected
    little = "<u2" if dtype == "uint16" else "u1"
    assert np.array_equal(np.frombuffer(response.content, little).reshape(array.shape), array)
    assert response.headers["cache-control"].startswith("private")
    again = http.get("/v1/items/1/pixels", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    thumbnail = http.get("/v1/items/1/thumbnail")
    assert Image.open(io.BytesIO(thumbnail.content)).size == (WIDTH, HEIGHT)
    assert thumbnail.headers["content-type"] == "image/webp"


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/v1/projects", {"name": "x", "task": "detection", "classes": ["a"]}, (422, "invalid_request")),
        ("POST", "/v1/projects", {"name": "x", "task": "segmentation", "classes": []}, (422, "invalid_request")),
        (
            "POST",
            "/v1/projects",
            {"name": "x", "task": "segmentation", "classes": ["a"], "strategy": "typiclst"},
            (422, "unknown_name"),
        ),
        ("POST", "/v1/projects/1/next", {"unknown": 1}, (422, "invalid_request")),
        ("POST", "/v1/items/1/predict", {}, (422, "invalid_prompt")),
        ("POST", "/v1/items/1/predict", {"points": [{"x": 999, "y": 1}]}, (422, "invalid_prompt")),
        ("POST", "/v1/items/1/predict", {"scribbles": [{"points": [[1, 1], [999, 1]]}]}, (422, "invalid_prompt")),
        ("POST", "/v1/items/1/predict", {"scribbles": [{"points": []}]}, (422, "invalid_request")),
        ("POST", "/v1/items/1/predict", {"scribbles": [{"points": [[1, 1, 1]]}]}, (422, "invalid_request")),
        ("POST", "/v1/items/1/predict", {"scribbles": [{"points": [[1, 1]] * 1001}]}, (422, "invalid_request")),
        ("POST", "/v1/items/1/predict", {"scribbles": [{"points": [[1, 1]]}] * 33}, (422, "invalid_request")),
        ("POST", "/v1/items/99/predict", {"box": [0, 0, 5, 5]}, (404, "not_found")),
        ("POST", "/v1/projects/1/exports", {"format": "dicom"}, (422, "invalid_request")),
        ("POST", "/v1/projects/1/import", {"paths": ["/nowhere/at/all"]}, (404, "not_found")),
        ("POST", "/v1/projects/1/images", None, (422, "invalid_request")),
        ("PUT", "/v1/items/1/annotation", {"lease_token": "x"}, (422, "invalid_request")),
        ("GET", "/v1/nonesuch", None, (404, "not_found")),
        ("DELETE", "/v1/projects/1", None, (405, "method_not_allowed")),
    ],
)
def test_what_is_wrong_comes_back_as_code_and_detail(
    http: TestClient,
    fake_service: AnnotationService,
    method: str,
    path: str,
    body: object,
    expected: tuple[int, str],
) -> None:
    seeded(fake_service, 1)
    response = http.request(method, path, json=body) if body is not None else http.request(method, path)
    assert error_of(response) == expected
    assert set(response.json()) == {"code", "detail"}
    assert response.json()["detail"]


def test_a_job_streams_its_events_and_resumes(http: TestClient, fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 4)
    job = http.post(f"/v1/projects/{project.id}/embed").json()
    text = http.get(f"/v1/jobs/{job['id']}/events").text
    events = [
        dict(line.split(": ", 1) for line in block.split("\n")) for block in text.split("\n\n") if "id: " in block
    ]
    assert events[-1]["event"] == "end"
    assert json.loads(events[-1]["data"])["state"] == "done"
    ids = [int(event["id"]) for event in events]
    assert ids == sorted(set(ids))
    rest = http.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": str(ids[1])}).text
    assert [int(line[4:]) for line in rest.split("\n") if line.startswith("id: ")] == ids[2:]
    ended = http.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": str(ids[-1])}).text
    assert "data:" not in ended
    assert error_of(http.get("/v1/jobs/99/events")) == (404, "not_found")


def test_a_second_job_is_busy_and_a_waiting_one_can_be_cancelled(
    http: TestClient, fake_service: AnnotationService, inline_runner: InlineRunner
) -> None:
    project = seeded(fake_service, 2)
    inline_runner.hold = True
    job = http.post(f"/v1/projects/{project.id}/train").json()
    assert error_of(http.post(f"/v1/projects/{project.id}/rounds", json={})) == (409, "busy")
    assert http.post(f"/v1/jobs/{job['id']}/cancel").json()["id"] == job["id"]


def test_an_empty_pool_says_so(http: TestClient, fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    assert error_of(http.post(f"/v1/projects/{project.id}/rounds", json={})) == (409, "empty_pool")


def test_the_api_describes_itself_and_loads_nothing_from_elsewhere(http: TestClient) -> None:
    described = http.get("/v1/openapi.json").json()
    assert "/v1/items/{item_id}/predict" in described["paths"]
    assert [http.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]
    assert http.get("/v1/health").json()["schema"] == newest_revision()
    registry = http.get("/v1/registry").json()
    assert set(registry) == {"strategies", "encoders", "segmenters", "heads"}


def test_an_unexpected_error_tells_nothing_of_the_inside(
    api: FastAPI, fake_service: AnnotationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down() -> None:
        raise KeyError("a secret")

    monkeypatch.setattr(fake_service, "list_projects", break_down)
    client = TestClient(api, base_url="http://127.0.0.1", raise_server_exceptions=False)
    response = client.get("/v1/projects")
    assert error_of(response) == (500, "internal_error")
    assert "secret" not in response.text
