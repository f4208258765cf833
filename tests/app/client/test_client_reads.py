"""More than one reader over HTTP, from the client's side: every verb, and who a person is when they log in."""

from collections.abc import Iterator

import numpy as np
import pytest
from starlette.testclient import TestClient

from alcore.errors import InvalidInput
from app.api.schemas import ProjectPatch
from app.client import Client, Project
from app.errors import Conflict, InvalidRequest, NotFound
from app.server import create_app
from app.service import AnnotationService
from tests.app.workspaces import HEIGHT, WIDTH, queue_all, seeded


@pytest.fixture
def client(fake_service: AnnotationService) -> Iterator[Client]:
    api = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with Client(http=TestClient(api, base_url="http://127.0.0.1:7860")) as made:
        yield made


@pytest.fixture
def project(client: Client, fake_service: AnnotationService) -> Project:
    made = seeded(fake_service, 2)
    queue_all(fake_service, made.id)
    project = client.project(made.name)
    for _ in range(2):
        answer(project, "ann", 10)
    return project


def answer(project: Project, annotator: str, column: int) -> int:
    item = project.next_item(annotator=annotator)
    assert item is not None
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:13, column : column + 8] = True
    item.accept(mask, class_name="disk", seconds=2.0)
    return item.id


def test_from_the_wish_to_the_decision(project: Project) -> None:
    assert project.ask_second_reads([1], annotator="lead").asked == [1]
    project.item(2).ask_second_read()
    assert project.ask_second_reads([1, 2]).n_asked_before == 2
    assert [answer(project, "bob", column) for column in (14, 10)] == [1, 2]
    found = project.agreement()
    assert (found.n_read, found.n_apart, found.mean, found.seconds) == (2, 1, 0.75, 4.0)
    (dispute,) = project.adjudications()
    assert (dispute.item_id, dispute.score, dispute.unit) == (1, 0.5, "px")
    seen = project.adjudication(1)
    assert [(p.class_id, p.a, p.b, p.dice) for p in seen.pairs] == [(1, 0, 0, 0.5)]
    with pytest.raises(InvalidInput, match="1 pairs; got 2"):
        project.adjudicate(1, "a", objects=["a", "b"])
    made = project.adjudicate(1, "union", annotator="lead", seconds=3.0)
    assert (made.version, sorted(made.names.values())) == (2, ["ann", "bob"])
    newest = project.item(1).state.annotation
    assert newest is not None
    assert newest.adjudicates is not None
    assert (newest.annotator, newest.adjudicates.act) == ("lead", "union")
    assert project.adjudications() == []
    with pytest.raises(Conflict, match="decided before"):
        project.adjudicate(1, "a")
    with pytest.raises(NotFound):
        project.adjudication(99)


def test_gold_from_a_program(project: Project) -> None:
    project.update(ProjectPatch(gold_share=1.0))
    assert [g.item_id for g in project.mark_gold([2], annotator="lead").items] == [2]
    assert answer(project, "bob", 14) == 2
    (line,) = project.gold().annotators
    assert (line.annotator, line.n, line.mean) == ("bob", 1, 0.5)
    assert project.mark_gold([2], gold=False).items == []
    with pytest.raises(NotFound):
        project.mark_gold([99])


def test_shares_are_settings_of_the_project(client: Client, project: Project) -> None:
    state = project.update(ProjectPatch(second_read_share=1.0)).state
    assert (state.second_read_share, state.adjudicate_below, state.gold_share) == (1.0, 0.8, 0.0)
    assert project.agreement().n_wanted == 2
    made = client.create_project(
        "with readers", task="segmentation", classes=["a"], second_read_share=0.25, adjudicate_below=0.7, gold_share=0.1
    ).state
    assert (made.second_read_share, made.adjudicate_below, made.gold_share) == (0.25, 0.7, 0.1)


def test_what_is_out_of_range_is_refused_in_one_line(fake_service: AnnotationService) -> None:
    api = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    http = TestClient(api, base_url="http://127.0.0.1:7860")
    project = seeded(fake_service, 1)
    for body in ({"second_read_share": 1.5}, {"gold_share": -0.1}, {"adjudicate_below": "much"}):
        answered = http.patch(f"/v1/projects/{project.id}", json=body)
        assert answered.status_code == 422
        assert answered.json()["code"] == "invalid_request"
        assert next(iter(body)) in answered.json()["detail"]
    with pytest.raises(InvalidRequest, match="gold_share"):
        fake_service.create_project("x", task="segmentation", classes=["a"], gold_share=7)


def test_a_redo_over_http_decides(fake_service: AnnotationService, client: Client, project: Project) -> None:
    project.ask_second_reads([1])
    answer(project, "bob", 14)
    http = TestClient(
        create_app(fake_service.context.folder, service=fake_service, with_ui=False),
        base_url="http://127.0.0.1:7860",
    )
    item = http.post("/v1/items/1/adjudication/lease", json={"annotator": "lead"}).json()
    assert (item["annotation"], item["version"]) == (None, 1)
    body = {
        "submission_id": "6f1e2a0c-5c6f-4f0e-9f57-0f2f7f4b8e11", "lease_token": item["lease"]["token"],
        "base_version": 1, "objects": [],
    }  # fmt: skip
    assert http.put("/v1/items/1/annotation", json=body).json()["version"] == 2
    assert http.get("/v1/items/1/annotations").json()[-1]["adjudicates"]["act"] == "redo"
    assert client.project(project.id).adjudications() == []
