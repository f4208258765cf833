"""Adapting the click model over HTTP, by client and by command line, over fakes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import app.service
from app.api.schemas import ProjectPatch
from app.cli import main
from app.client import Client
from app.errors import Conflict, JobFailed
from app.server import create_app
from app.service import AnnotationService
from prompts.errors import CheckpointError
from tests.app.workspaces import accept_all, open_fake, queue_all, seeded


def answered(service: AnnotationService, n: int) -> None:
    """The project `pool` with n answered images."""
    queue_all(service, seeded(service, n).id)
    assert accept_all(service, 1) == n


@pytest.fixture
def fewclick(fake_service: AnnotationService, tmp_path: Path) -> Iterator[Client]:
    server = create_app(tmp_path / "workspace", service=fake_service, with_ui=False)
    with TestClient(server, base_url="http://127.0.0.1:7860") as http, Client(http=http) as client:
        yield client


def test_a_client_adapts_lists_and_rolls_back(fewclick: Client, fake_service: AnnotationService) -> None:
    answered(fake_service, 16)
    project = fewclick.project("pool")
    assert project.adaptations() == []
    assert project.state.adaptation_id is None
    made = project.adapt(progress=False)
    assert made is not None
    assert (made.accepted, made.in_use, made.n_images, made.n_held_out) == (True, True, 8, 8)
    assert made.after.dice_1 > made.before.dice_1
    assert project.state.adaptation_id == made.id
    item = project.lease(1)
    assert item.predict(points=[(20.5, 15.5, 1)]).mask.sum() == 81
    (kept,) = project.rollback_adaptation()
    assert (kept.id, kept.in_use) == (made.id, False)
    assert project.state.adaptation_id is None
    assert item.predict(points=[(20.5, 15.5, 1)]).mask.sum() == 25
    with pytest.raises(Conflict, match="nothing to roll back"):
        project.rollback_adaptation()
    assert project.adapt(wait=False) is None
    assert len(project.adaptations()) == 2


def test_a_client_hears_why_nothing_was_adapted(fewclick: Client, fake_service: AnnotationService) -> None:
    answered(fake_service, 3)
    project = fewclick.project("pool")
    with pytest.raises(JobFailed, match="at least 8 images"):
        project.adapt(progress=False)
    project.update(ProjectPatch(segmenter="huggingface:some/model"))
    with pytest.raises(CheckpointError, match="models of transformers cannot be adapted"):
        project.adapt(progress=False)
    with pytest.raises(CheckpointError, match="cannot be adapted"):
        project.update(ProjectPatch(adapt_automatically=True))


def test_the_switch_is_a_setting_of_the_project(fewclick: Client) -> None:
    made = fewclick.create_project("auto", task="segmentation", classes=["a"], adapt_automatically=True)
    assert made.state.adapt_automatically is True
    assert made.update(ProjectPatch(adapt_automatically=False)).state.adapt_automatically is False


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    with open_fake(folder) as service:
        answered(service, 16)
    monkeypatch.setattr(app.service, "open_workspace", open_fake)
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_one_command_adapts_and_one_goes_back(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapt", str(work), "pool", "--json"]) == 0
    made = told(capsys)
    assert made["accepted"] is True
    assert main(["adapt", str(work), "pool", "--list", "--json"]) == 0
    assert [entry["id"] for entry in told(capsys)["adaptations"]] == [made["id"]]
    assert main(["adapt", str(work), "pool", "--list"]) == 0
    shown = capsys.readouterr().out
    assert f"click model in use: {made['id']}" in shown
    assert "as shipped" in shown
    assert main(["adapt", str(work), "pool", "--rollback"]) == 0
    assert "click model in use: as shipped" in capsys.readouterr().out
    assert main(["adapt", str(work), "pool", "--rollback"]) == 2
    assert "nothing to roll back" in capsys.readouterr().err
    assert main(["adapt", str(work), "pool"]) == 0
    assert "is taken into use" in capsys.readouterr().out


def test_the_command_turns_the_switch_and_does_one_thing_at_a_time(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adapt", str(work), "pool", "--auto", "--json"]) == 0
    assert told(capsys)["adapt_automatically"] is True
    assert main(["adapt", str(work), "pool", "--no-auto"]) == 0
    assert "when told to" in capsys.readouterr().out
    assert main(["adapt", str(work), "pool", "--rollback", "--list"]) == 2
    assert "give one" in capsys.readouterr().err
    with open_fake(work) as service:
        assert service.adaptations(1).adaptations == []
