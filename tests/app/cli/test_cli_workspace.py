"""The loop by command line on a workspace, without a server: each command's effect, text and JSON."""

import json
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import app.service
from alcore.masks import encode_rle
from app.api.schemas import AnnotationIn, ObjectIn, Rle
from app.cli import main
from app.service import AnnotationService
from app.settings import Settings
from tests.live import InlineRunner, QuickModels, write_images

OPEN = app.service.open_workspace


def open_quickly(path: Path, *, create: bool = False) -> AnnotationService:
    """As the commands open it, but with quick models and jobs that run on the spot."""
    runner = InlineRunner()
    settings = Settings(prefetch_items=0, min_audit=2, crossfit_folds=2)
    service = OPEN(path, create=create, settings=settings, models=QuickModels(), runner=runner)
    runner.context = service.context
    return service


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.set_num_threads(1)
    monkeypatch.setattr(app.service, "open_workspace", open_quickly)


@pytest.fixture
def work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "work"
    assert main(["init", str(folder)]) == 0
    capsys.readouterr()
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def accept_all(work: Path, class_id: int) -> None:
    import numpy as np

    with open_quickly(work) as service:
        while item := service.next_item(1, "ann"):
            assert item.lease is not None
            mask = np.zeros((item.height, item.width), bool)
            mask[item.height // 3 : item.height // 2, item.width // 3 : item.width // 2] = True
            wire = Rle(size=(item.height, item.width), counts=encode_rle(mask)["counts"])
            service.annotate(
                item.id,
                AnnotationIn(
                    submission_id=uuid4(),
                    lease_token=item.lease.token,
                    base_version=item.version,
                    objects=[ObjectIn(class_id=class_id, mask=wire, model_id=None)],
                    seconds=4.0,
                    clicks=2,
                ),
            )


def test_the_loop_from_init_to_export(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = tmp_path / "images"
    write_images(images, 6)
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    create = ["project", "create", str(work), "lesions", "--task", "segmentation", "--classes", "mass, cyst", "--json"]
    assert main(create) == 0
    assert [c["name"] for c in told(capsys)["classes"]] == ["mass", "cyst"]

    assert main(["import", str(work), "lesions", str(images), "--group-by", r"(p\d+)", "--json"]) == 0
    report = told(capsys)
    assert report["added"] == 6
    assert [r["path"].rpartition("/")[2] for r in report["rejected"]] == ["broken.png"]
    assert main(["import", str(work), "lesions", str(images)]) == 0
    assert "0 added, 6 duplicates, 1 rejected" in capsys.readouterr().out

    assert main(["embed", str(work), "lesions", "--json"]) == 0
    assert told(capsys)["embedded"] == 6
    assert main(["embed", str(work), "lesions", "--json"]) == 0
    assert told(capsys)["embedded"] == 0

    assert main(["select", str(work), "lesions", "--n", "4", "--strategy", "typiclust", "--seed", "3", "--json"]) == 0
    chosen = told(capsys)
    assert chosen["round"]["strategy"] == "typiclust"
    assert len({row["name"] for row in chosen["items"]}) == 4
    assert all(row["reason"] for row in chosen["items"])

    assert main(["train", str(work), "lesions"]) == 1  # the job began, and failed
    assert "annotated" in capsys.readouterr().err
    accept_all(work, class_id=1)
    assert main(["train", str(work), "lesions", "--json"]) == 0
    trained = told(capsys)
    assert trained["model_id"]
    assert trained["metric"] == "dice"

    assert main(["select", str(work), "lesions", "--n", "2"]) == 0
    assert "uherding" in capsys.readouterr().out

    out = tmp_path / "lesions.zip"
    assert main(["export", str(work), "lesions", str(out), "--format", "masks", "--json"]) == 0
    assert told(capsys)["path"] == str(out)
    with zipfile.ZipFile(out) as archive:
        assert len([name for name in archive.namelist() if name.endswith(".png")]) == 4

    assert main(["export", str(work), "lesions", str(out), "--format", "voc"]) == 2
    assert "known: coco, csv, masks" in capsys.readouterr().err
    assert main(["doctor", str(work)]) == 0
    assert "PASS  workspace" in capsys.readouterr().out


def test_init_leaves_a_workspace_as_it_is(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(work), "--json"]) == 0
    assert told(capsys) == {"workspace": str(work), "created": False}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["import", "WORK", "nope", "."], "no project 'nope'; known: none yet"),
        (["project", "create", "WORK", "p", "--task", "detection", "--classes", "a"], "task"),
        (["project", "create", "WORK", "p", "--task", "segmentation", "--classes", ","], "classes"),
        (
            ["project", "create", "WORK", "p", "--task", "segmentation", "--classes", "a", "--encoder", "x"],
            "unknown encoder 'x'",
        ),
        (["serve", "/nowhere/at/all"], "no workspace"),
        (["serve", "WORK", "--host", "0.0.0.0"], "set a token"),
    ],
)
def test_bad_input_is_told_in_one_line(
    arguments: list[str], says: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(work) if a == "WORK" else a for a in arguments]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_the_demo_prepares_a_workspace_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import demo

    small = tuple(
        demo.DemoPool(name=p.name, classes=p.classes, n_images=3, group_by=p.group_by, batch_size=2) for p in demo.POOLS
    )
    monkeypatch.setattr(demo, "POOLS", small)
    for _ in range(2):
        assert main(["demo", "--data", str(tmp_path / "demo"), "--no-serve", "--json"]) == 0
        assert told(capsys) == {"workspace": str(tmp_path / "demo" / "workspace"), "url": None}
    with open_quickly(tmp_path / "demo" / "workspace") as service:
        assert [(p.name, p.counts.queued, p.round) for p in service.list_projects()] == [
            ("lesions", 2, 1),
            ("nuclei", 2, 1),
        ]


def test_settings_for_more_than_one_reader_are_given_at_the_start(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ["project", "create", str(work), "twice", "--task", "segmentation", "--classes", "a", "--json"]
    assert main([*made, "--second-read-share", "0.2", "--adjudicate-below", "0.7", "--gold-share", "0.05"]) == 0
    project = told(capsys)
    assert (project["second_read_share"], project["adjudicate_below"], project["gold_share"]) == (0.2, 0.7, 0.05)
    assert main([*made, "--gold-share", "2"]) == 2
    assert "gold-share" in capsys.readouterr().err
