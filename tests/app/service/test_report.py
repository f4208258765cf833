"""A project's report: empty, young and grown; over the service, HTTP, the client and the command line alike."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.api.schemas import Report
from app.cli import main
from app.client import Client
from app.errors import JobFailed, NotFound
from app.server import create_app
from app.service import AnnotationService
from app.store import annotations as annotation_rows
from app.store.database import Row
from tests.app.jobs.test_arms import set_to
from tests.app.workspaces import accept_all, seeded


def grown(service: AnnotationService, rounds: int, *, task: str = "segmentation", n: int = 10) -> int:
    """A project of 90 patients with some rounds, all answered."""
    set_to(service, min_audit=4, audit_share=0.2, control_share=0.3)
    project = seeded(service, 90, n_patients=90, task=task)
    for _ in range(rounds):
        service.start_round(project.id, n=n)
        accept_all(service, project.id)
    return project.id


def answers(service: AnnotationService, project_id: int) -> list[Row]:
    with service.context.db.read() as connection:
        return list(annotation_rows.of_project(connection, project_id).values())


def test_the_command_tells_what_an_object_costs(
    fake_service: AnnotationService, on_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project_id = grown(fake_service, 1)
    n = fake_service.report(project_id).n_objects
    assert main(["report", str(on_disk), "pool"]) == 0
    told = f"clicks; {n} objects, {40 / n:.1f} s and {20 / n:.1f} clicks each\n"
    assert told in capsys.readouterr().out


def test_an_empty_project_says_so_plainly(fake_service: AnnotationService) -> None:
    project = fake_service.create_project("none", task="segmentation", classes=["a"])
    found = fake_service.report(project.id)
    assert (found.n_labeled, found.n_objects, found.clicks, found.rounds, found.curve) == (0, 0, 0, [], [])
    assert (found.metric, found.curve_on, found.control.comparison) == (None, None, None)
    assert found.advice.sentence == "Too early to advise: a forecast needs 4 measured rounds, and 0 are there."
    assert found.audit.note == "There is no audit set yet: the first round begins it."
    assert found.control.note.startswith("Too few yet: 0 of 16 control images")
    with pytest.raises(NotFound):
        fake_service.report(99)


def test_what_is_switched_off_is_said_to_be(fake_service: AnnotationService) -> None:
    set_to(fake_service, audit_share=0.0, control_share=0.0)
    project = seeded(fake_service, 30, n_patients=30)
    fake_service.start_round(project.id, n=10)
    found = fake_service.report(project.id)
    assert "audit_share is 0" in found.audit.note
    assert "control_share is 0" in found.control.note
    assert (found.rounds[0].n_audit, found.rounds[0].n_control) == (0, 0)


def test_one_round_has_no_curve_and_two_have_a_point(fake_service: AnnotationService) -> None:
    project_id = grown(fake_service, 1)
    assert fake_service.report(project_id).curve == []
    fake_service.start_round(project_id, n=10)
    found = fake_service.report(project_id)
    assert [(p.round, p.n_labeled, p.seconds, p.clicks) for p in found.curve] == [(2, 10, 40.0, 20)]
    assert found.curve_on == "crossfit"
    assert found.audit.note.startswith("Too few yet: 2 of 4 audit images are labeled.")
    assert (found.n_labeled, found.seconds, found.clicks, found.metric) == (10, 40.0, 20, "dice")
    assert found.n_objects == sum(len(entry["objects"]) for entry in answers(fake_service, project_id)) > 0


def test_a_grown_project_is_measured_on_its_audit_set_and_advised(fake_service: AnnotationService) -> None:
    project_id = grown(fake_service, 7)
    found = fake_service.report(project_id)
    assert found.curve_on == "audit"
    assert [p.round for p in found.curve] == [3, 4, 5, 6, 7]
    assert [p.seconds for p in found.curve] == [80.0, 120.0, 160.0, 200.0, 240.0]
    assert all(made.audit is not None and made.value == made.audit.value for made in found.rounds[2:])
    assert (found.audit.n_items, found.audit.n_labeled, found.audit.is_enough) == (18, 14, True)
    assert "14 images that none of them was trained on" in found.audit.note
    names = [check.name for check in found.advice.checks]
    assert names == ["next_batch_gain", "dice_stability", "pool_coverage"]
    gain = found.advice.checks[0]
    assert gain.ci95 is not None
    assert gain.ci95[0] <= gain.value <= gain.ci95[1]
    assert found.advice.action in ("stop", "consider", "go_on")


def test_the_forecast_waits_for_seconds(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 30, n_patients=30)
    fake_service.start_round(project.id, n=10)
    assert fake_service.report(project.id).advice.action == "wait"  # nothing was answered: no pace is known


@pytest.fixture
def compared(fake_service: AnnotationService) -> int:
    """A project whose arms can be compared."""
    project_id = grown(fake_service, 3, task="classification", n=24)
    assert fake_service.report(project_id).control.can_compare
    return project_id


def test_http_and_client_tell_what_the_service_tells(fake_service: AnnotationService, compared: int) -> None:
    fake_service.start_compare(compared)
    here = fake_service.report(compared)
    assert here.control.comparison is not None
    app = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with TestClient(app) as http, Client(http=http) as fewclick:
        answer = http.get(f"/v1/projects/{compared}/report")
        assert answer.status_code == 200
        assert Report.model_validate(answer.json()) == here
        assert http.get("/v1/projects/99/report").status_code == 404
        project = fewclick.project(compared)
        assert project.report() == here
        made = project.compare(seed=1, progress=False)
        assert made is not None
        assert made.created_at > here.control.comparison.created_at
        assert made.n_trained == here.control.comparison.n_trained
        young = fewclick.create_project("young", task="segmentation", classes=["a"])
        with pytest.raises(JobFailed, match="0 of 16 control images"):
            young.compare(progress=False)


def test_every_verdict_has_its_sentence() -> None:
    from datetime import UTC, datetime

    from app.api.schemas import Comparison
    from app.service.report import _told

    told = []
    for verdict in ("pays", "costs", "undecided"):
        values = {"metric": "balanced_accuracy", "strategy": 0.8, "control": 0.7, "difference": 0.1}
        facts = {"n_trained": 9, "n_measured": 20, "n_draws": 10, "created_at": datetime.now(UTC), "verdict": verdict}
        told.append(_told(Comparison.model_validate({**values, **facts, "ci95": (0.02, 0.2)})))
    basis = "models of 9 chosen and 9 random images: 0.800 against 0.700 balanced accuracy, difference +0.020 to +0.200"
    assert told[0] == f"Choosing pays: {basis}."
    assert told[1] == f"Choosing costs: {basis}. Try another strategy, or `random`."
    assert told[2] == f"No difference can be told yet: {basis}."


@pytest.fixture
def on_disk(fake_service: AnnotationService, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands open the fake service; closing it is the fixture's business."""
    import app.service

    monkeypatch.setattr(app.service, "open_workspace", lambda path, **_: fake_service)
    monkeypatch.setattr(fake_service, "close", lambda: None)
    return fake_service.context.folder


def test_the_command_tells_people_and_machines(
    fake_service: AnnotationService, on_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project_id = grown(fake_service, 3, task="classification", n=24)
    out = tmp_path / "report.json"
    assert main(["report", str(on_disk), "pool", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("pool (classification): 72 images labeled in 4.8 minutes and 144 clicks\nToo early")
    assert "balanced accuracy on the audit set" in text or "balanced accuracy by cross-fitting" in text
    assert "Audit set: Models are measured on" in text
    assert "Control arm: " in text
    assert json.loads(out.read_text()) == fake_service.report(project_id).model_dump(mode="json")
    assert main(["report", str(on_disk), "pool", "--compare", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["control"]["comparison"]["n_trained"] >= 8
    assert main(["report", str(on_disk), "nope"]) == 2
    assert "no project 'nope'; known: pool" in capsys.readouterr().err
    assert main(["report", str(on_disk), "pool", "--out", str(tmp_path / "no" / "x.json")]) == 2


def test_the_command_asks_a_server_too(
    fake_service: AnnotationService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import app.client

    project_id = grown(fake_service, 1)
    asked: list[tuple[str, str | None]] = []
    web = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with TestClient(web) as http:

        def connected(url: str, *, token: str | None) -> Client:
            asked.append((url, token))
            return Client(http=http)

        monkeypatch.setattr(app.client, "Client", connected)
        command = ["report", "http://host:7860", "pool", "--token", "secret", "--json"]
        assert main(command) == 0
        told = json.loads(capsys.readouterr().out)
        assert told == fake_service.report(project_id).model_dump(mode="json")
        assert main(["report", "http://host:7860", "pool", "--compare"]) == 1  # the job began, and failed
        assert "too few labels yet" in capsys.readouterr().err
    assert asked[0] == ("http://host:7860", "secret")
