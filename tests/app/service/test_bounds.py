"""What starting masks are worth at least: learned by hand-made numbers, then by real jobs over fakes."""

from types import SimpleNamespace

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.client import Client
from app.jobs.segmentation import FittedSegmentation
from app.server import create_app
from app.service import AnnotationService
from app.service.bounds import bound_facts, bound_of
from app.store import rounds as round_rows
from tests.app.workspaces import accept_all, seeded

LEARNED = {"lower_bound": {"margin": 0.1, "error_rate": 0.1, "n": 20}}


def objects(*expected: float | None) -> list[dict[str, object]]:
    return [{"class_id": i, "expected_dice": value} for i, value in enumerate(expected, start=1)]


def test_a_report_keeps_the_margin_of_the_items_of_which_both_numbers_are_known() -> None:
    confidences = np.array([np.nan, 0.9, *[0.8] * 10])
    values = np.array([0.1, np.nan, *(0.8 - np.arange(10) / 100)])
    assert bound_facts(confidences, values) == {"lower_bound": {"margin": 0.09, "error_rate": 0.1, "n": 10}}


def test_eight_items_promise_nothing_and_heads_of_images_learn_nothing() -> None:
    known = bound_facts(np.full(8, 0.8), np.full(8, 0.8))
    assert known == {"lower_bound": {"margin": None, "error_rate": 0.1, "n": 8}}
    assert bound_of(known, objects(0.9)) is None
    assert bound_facts(None, np.full(20, 1.0)) == {}


def test_an_image_is_bound_by_the_mean_of_its_masks() -> None:
    assert bound_of(LEARNED, objects(0.9)) == 0.8
    assert bound_of(LEARNED, objects(0.9, 0.7)) == 0.7
    assert bound_of(LEARNED, objects(0.96, 0.98)) == 0.87
    assert bound_of(LEARNED, objects(0.66666)) == 0.5666  # rounded down


@pytest.mark.parametrize(
    ("report", "offered"),
    [
        (None, objects(0.9)),
        ({}, objects(0.9)),
        (LEARNED, []),
        (LEARNED, objects(0.9, None)),
        (LEARNED, [{"class_id": 1}]),
        (LEARNED, objects(0.05)),
    ],
    ids=["no head", "a head of before", "no mask", "a mask left open", "a mask of before", "nothing above 0"],
)
def test_nothing_is_promised_where_nothing_is_known(
    report: dict[str, object], offered: list[dict[str, object]]
) -> None:
    assert bound_of(report, offered) is None


def project_with_masks(service: AnnotationService, *, n_labeled: int, head: str = "default") -> int:
    """A project whose next round offers starting masks of a head that learned from so many."""
    project = seeded(service, n_labeled + 8)
    service.update_project(project.id, head=head)
    service.start_round(project.id, n=n_labeled)
    assert accept_all(service, project.id) == n_labeled
    service.start_round(project.id, n=4)
    return project.id


def test_a_round_says_what_its_starting_masks_are_worth_over_http_and_in_the_client(
    fake_service: AnnotationService,
) -> None:
    project_id = project_with_masks(fake_service, n_labeled=14)
    app = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with TestClient(app, base_url="http://127.0.0.1:7860") as http, Client(http=http) as client:
        item = client.project(project_id).next_item()
        assert item is not None
        told = item.suggestion()
        assert told is not None
        assert told.lower_bound is not None
        assert 0 < told.lower_bound <= 1
        assert told == fake_service.suggestion(item.id)
        assert http.get(f"/v1/items/{item.id}/suggestion").json()["lower_bound"] == told.lower_bound
    with fake_service.context.db.read() as connection:
        model = round_rows.model(connection, told.model_id)
    assert model is not None
    learned = model["report"]["lower_bound"]
    assert learned["n"] >= 9
    expected = np.mean([one.expected_dice for one in told.objects])
    assert told.lower_bound == pytest.approx(min(1.0, expected - learned["margin"]), abs=2e-4)


def test_too_few_answers_offer_masks_without_a_promise(fake_service: AnnotationService) -> None:
    project_id = project_with_masks(fake_service, n_labeled=6)
    item = fake_service.next_item(project_id, "ann")
    assert item is not None
    told = fake_service.suggestion(item.id)
    assert told.objects[0].expected_dice is not None
    assert told.lower_bound is None


def test_classes_come_without_a_bound(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 20, task="classification")
    fake_service.start_round(project.id, n=14)
    accept_all(fake_service, project.id)
    fake_service.start_round(project.id, n=3)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert fake_service.suggestion(item.id).lower_bound is None


class Tempered:
    """A head that is as sure as its temperature lets it be."""

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature

    def tempered(self, temperature: float) -> "Tempered":
        return Tempered(temperature)

    def predict(self, dense: np.ndarray, images: np.ndarray) -> np.ndarray:
        foreground = np.full((1, len(dense), 8, 8), 1 / (1 + np.exp(-2.0 / self.temperature)))
        return np.stack([1 - foreground, foreground], axis=2)


def test_the_head_says_what_it_expects_at_temperature_1_as_those_it_is_compared_with() -> None:
    pool = SimpleNamespace(
        store=SimpleNamespace(dense=lambda keys: np.zeros((len(keys), 1))), keys=list, small=lambda rows: np.zeros(1)
    )
    rows = [{"id": 3, "height": 20, "width": 30}]
    found = []
    for temperature in (1.0, 4.0):
        fitted = FittedSegmentation(Tempered(temperature), SimpleNamespace(pool=pool), {})  # type: ignore[arg-type]
        (offer,) = fitted.suggest(rows, lambda done, total: None)
        found.append(offer.objects[0])
    assert found[0]["expected_dice"] == found[1]["expected_dice"]
    assert found[0]["mean_confidence"] > found[1]["mean_confidence"]  # type: ignore[operator]
