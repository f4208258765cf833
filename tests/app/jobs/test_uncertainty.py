"""The map of uncertainty: made by the head's job, kept with the suggestion, served as a picture."""

import io

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.errors import NotFound
from app.jobs.masks import uncertainty_map
from app.server import create_app
from app.service import AnnotationService
from tests.app.workspaces import accept_all, seeded


def read(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)))


def test_sure_pixels_are_black_and_a_toss_up_is_white() -> None:
    probabilities = np.full((4, 2, 3), 0.25)
    probabilities[:, 0, 0] = [1, 0, 0, 0]
    probabilities[:, 1, 2] = [0.5, 0.5, 0, 0]
    assert read(uncertainty_map(probabilities)).tolist() == [[0, 255, 255], [255, 255, 128]]


def test_classes_in_another_order_give_the_same_map() -> None:
    odds = np.random.default_rng(0).dirichlet(np.ones(3), (8, 8)).transpose(2, 0, 1)
    assert uncertainty_map(odds) == uncertainty_map(odds[[2, 0, 1]])


def test_a_suggestion_comes_with_its_map_and_goes_with_it(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 14)
    fake_service.start_round(project.id, n=6)
    first = fake_service.next_item(project.id, "ann")
    assert first is not None
    assert not first.has_uncertainty
    with pytest.raises(NotFound, match="no map of uncertainty"):
        fake_service.uncertainty(first.id)
    assert first.lease is not None
    fake_service.release(first.id, first.lease.token)
    accept_all(fake_service, project.id)
    fake_service.start_round(project.id, n=3)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.has_uncertainty
    app = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with TestClient(app, base_url="http://127.0.0.1:7860") as http:
        answer = http.get(f"/v1/items/{item.id}/uncertainty")
        assert answer.headers["content-type"] == "image/png"
        served = read(answer.content)
        assert served.shape == (fake_service.context.models.head_side,) * 2
        assert served.dtype == np.uint8
        assert http.get(f"/v1/items/{first.id}/uncertainty").json()["code"] == "not_found"


def test_classification_has_no_map(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 16, task="classification")
    fake_service.start_round(project.id, n=8)
    accept_all(fake_service, project.id)
    fake_service.start_round(project.id, n=3)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert (item.has_suggestion, item.has_uncertainty) == (True, False)
