"""Windows over HTTP, from the client's side: proposed, accepted, read back, refused, exported."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from alcore.errors import InvalidInput
from app.client import Client, Item
from app.errors import InvalidRequest
from app.server import create_app
from app.service import AnnotationService
from tests.app.workspaces import HEIGHT, WIDTH, queue_all, seeded


@pytest.fixture
def http(fake_service: AnnotationService) -> TestClient:
    api = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    return TestClient(api, base_url="http://127.0.0.1:7860")


@pytest.fixture
def client(http: TestClient) -> Iterator[Client]:
    with Client(http=http) as made:
        yield made


@pytest.fixture
def item(client: Client, fake_service: AnnotationService) -> Item:
    made = seeded(fake_service, 2)
    queue_all(fake_service, made.id)
    found = client.project(made.name).next_item(annotator="ann")
    assert found is not None
    return found


def square(x: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:13, x : x + 8] = True
    return mask


def test_a_proposed_window_is_accepted_and_comes_back_and_is_exported(
    client: Client, item: Item, tmp_path: Path
) -> None:
    window = item.propose_window()
    assert window is not None
    assert item.propose_window() == window
    assert {item.propose_window(seed=seed) for seed in range(6)} != {window}
    x0, y0 = window[:2]
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0 : y0 + 3, x0 : x0 + 3] = True
    item.accept(mask, class_name="disk", window=window)
    project = client.project("pool")
    again = project.item(item.id)
    assert again.state.annotation is not None
    assert again.state.annotation.labeled_window == window
    project.export("coco", tmp_path / "out.zip")
    document = json.loads(zipfile.ZipFile(tmp_path / "out.zip").read("annotations.json"))
    assert document["images"][0]["fewclick_window"] == list(window)


def test_without_a_window_the_whole_image_is_labeled(client: Client, item: Item) -> None:
    item.accept(square(4), class_name="disk")
    answer = client.project("pool").item(item.id).state.annotation
    assert answer is not None
    assert answer.labeled_window is None


def test_a_wrong_window_is_refused_and_the_objects_are_kept_for_another_try(item: Item) -> None:
    item.add(square(4), "disk")
    with pytest.raises(InvalidInput, match="0 <= x0 < x1 <= 40"):
        item.accept(window=(0, 0, 41, 30))
    with pytest.raises(InvalidInput, match=r"objects\[0\] lies outside"):
        item.accept(window=(20, 0, 40, 30))
    for wrong in ((127.5, 255.0), (0, 0, 20.5, 30)):  # level and width are a window of another kind
        with pytest.raises(InvalidRequest, match=r"x0, y0, x1, y1 on whole image pixels; got"):
            item.accept(window=wrong)
    assert item.accept(window=np.array([0, 0, 20, 30])).version == 1


def test_a_proposal_says_how_it_came_about_and_checks_what_is_asked(http: TestClient, item: Item) -> None:
    path = f"/v1/items/{item.id}/window"
    assert http.get(path).json()["placed_by"] == "chance"
    for wrong in ("n_objects=0", "seed=-1", "objects=3"):
        answer = http.get(f"{path}?{wrong}")
        assert (answer.status_code, answer.json()["code"]) == (422, InvalidRequest.code)
    assert http.get("/v1/items/99/window").status_code == 404
