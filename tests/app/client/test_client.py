"""The client against the real server: every verb, on non-square images, with the built-in models."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from alcore.errors import InvalidInput, UnknownName
from app.client import Client, Project
from app.errors import AlreadyExists, InvalidRequest, LeaseLost, NotFound, VersionConflict
from prompts.errors import InvalidPrompt
from tests.live import live_http, write_images

N_IMAGES = 6


@pytest.fixture(scope="module")
def fewclick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with live_http(tmp_path_factory.mktemp("client") / "work") as http, Client(http=http) as client:
        yield client


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    write_images(folder, N_IMAGES)
    return folder


@pytest.fixture(scope="module")
def lesions(fewclick: Client, images: Path) -> Project:
    project = fewclick.create_project("lesions", task="segmentation", classes=["mass", "cyst"], batch_size=4)
    report = project.upload(images, group_by="patient", progress=False)
    assert report.added == report.items == N_IMAGES
    job = project.start_round(4, progress=False)
    assert job.state == "done"
    return project


def test_health_and_registry_are_typed(fewclick: Client) -> None:
    assert fewclick.health().status == "ok"
    registry = fewclick.registry()
    assert "kmeans_medoid" in {entry.name for entry in registry.strategies}
    assert {"builtin"} <= {entry.name for entry in registry.segmenters}


def test_projects_are_found_by_name_and_id(fewclick: Client, lesions: Project) -> None:
    assert fewclick.project("lesions").id == lesions.id
    assert fewclick.project(lesions.id).name == "lesions"
    with pytest.raises(NotFound, match="no project 'nope'; known: "):
        fewclick.project("nope")
    with pytest.raises(AlreadyExists):
        fewclick.create_project("lesions", task="segmentation", classes=["a"])
    with pytest.raises(UnknownName, match="known: "):
        fewclick.create_project("x", task="segmentation", classes=["a"], encoder="nope")


def test_upload_keeps_the_folders_and_names_what_did_not_go_in(fewclick: Client, images: Path, tmp_path: Path) -> None:
    original = next(images.rglob("*.png")).read_bytes()
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "good.png").write_bytes(original)
    (tmp_path / "twin.png").write_bytes(original)
    (tmp_path / "cut.png").write_bytes(original[: len(original) // 2])
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / ".hidden.png").write_bytes(original)
    project = fewclick.create_project("uploads", task="segmentation", classes=["a"])

    report = project.upload(tmp_path, progress=False)

    assert report.added == 1
    assert [item.name for item in project.items()] == ["a/b/good.png"]
    assert [(d.path, d.same_as) for d in report.duplicates] == [("twin.png", "a/b/good.png")]
    assert sorted(r.path for r in report.rejected) == ["cut.png", "empty.tif"]
    assert all(r.reason for r in report.rejected)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InvalidRequest, match="no files to upload"):
        project.upload(tmp_path / "nothing")


def test_one_item_from_lease_to_mask(lesions: Project, images: Path) -> None:
    item = lesions.next_item(annotator="ann")
    assert item is not None
    assert (item.height, item.width) == item.pixels().shape
    assert item.pixels().dtype == np.uint8

    first = item.predict(points=[(item.width / 2, item.height / 2, 1)])
    assert first.mask.shape == (item.height, item.width)
    assert first.mask.dtype == np.bool_
    assert len(first.candidates) >= 1
    assert 0 <= first.quality <= 1
    box = (item.width * 0.3, item.height * 0.3, item.width * 0.7, item.height * 0.6)
    second = item.predict(points=[(item.width / 2, item.height / 2, 1)], box=box, previous=first)
    assert second.logits_id != ""
    assert item.heartbeat().expires_at

    with pytest.raises(InvalidRequest, match="unknown class 'nerve'; known: mass, cyst"):
        item.add(second, "nerve")
    with pytest.raises(InvalidRequest, match="bool array"):
        item.add(np.zeros((3, 3), bool), "mass")
    line = [(item.width * 0.4, item.height * 0.5), (item.width * 0.6, item.height * 0.55)]
    third = item.predict(scribbles=[(line, 1), ([(1.0, 2.0)], 0)], previous=second)
    assert third.mask.shape == (item.height, item.width)
    item.add(second, "mass")
    item.add(third, "mass")
    drawn = np.zeros((item.height, item.width), bool)
    drawn[5:20, 10:40] = True
    receipt = item.accept(drawn, class_name="cyst")
    assert receipt.version == 1

    stored = lesions.item(item.id).state.annotation
    assert stored is not None
    assert [(o.class_id, o.edited, len(o.points), o.box is not None) for o in stored.objects] == [
        (1, False, 1, True),
        (1, False, 0, False),
        (2, True, 0, False),
    ]
    assert [[(s.points, s.label) for s in o.scribbles] for o in stored.objects] == [
        [],
        [(line, 1), ([(1.0, 2.0)], 0)],
        [],
    ]
    assert stored.clicks == 4  # a click and a box, and two strokes
    assert stored.annotator == "ann"
    assert stored.seconds > 0


def test_prompts_outside_the_image_are_refused_by_the_model(lesions: Project) -> None:
    item = lesions.next_item()
    assert item is not None
    with pytest.raises(InvalidPrompt):
        item.predict(points=[(item.width + 50.0, 5.0, 1)])
    with pytest.raises(InvalidPrompt, match="vertex 2 of scribble 1"):
        item.predict(scribbles=[([(5.0, 5.0), (5.0, item.height + 1.0)], 1)])
    with pytest.raises((InvalidPrompt, InvalidInput, InvalidRequest)):
        item.predict()
    item.release()


def test_an_accept_whose_answer_was_lost_is_not_counted_twice(
    fewclick: Client, lesions: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx2

    from app.client import ServerUnreachable, transport

    monkeypatch.setattr(transport, "RETRY_AFTER_S", ())
    item = lesions.next_item()
    assert item is not None
    mask = np.zeros((item.height, item.width), bool)
    mask[50:90, 60:140] = True
    http = fewclick._transport._client()
    request = http.request

    def lose_the_answer(*args: object, **options: object) -> object:
        request(*args, **options)  # type: ignore[arg-type]
        raise httpx2.ReadError("connection reset")

    with monkeypatch.context() as broken:
        broken.setattr(http, "request", lose_the_answer)
        with pytest.raises(ServerUnreachable):
            item.accept(mask, class_name="mass", seconds=3.0)
    receipt = item.accept(mask, class_name="mass", seconds=4.0)
    assert receipt.version == 1
    assert lesions.item(item.id).state.version == 1


def test_an_item_without_a_lease_cannot_be_answered(lesions: Project) -> None:
    first = lesions.items("labeled")[0]
    with pytest.raises(LeaseLost, match="without a lease"):
        lesions.item(first.id).accept()


def test_skipping_and_an_empty_queue(lesions: Project) -> None:
    item = lesions.next_item()
    assert item is not None
    item.skip("blurred")
    assert lesions.item(item.id).state.state == "skipped"
    last = lesions.next_item()
    assert last is not None
    last.accept()  # nothing to see: only background
    assert lesions.next_item() is None
    assert lesions.refresh().counts.labeled == 3


def test_training_reports_and_the_next_round_comes_with_suggestions(lesions: Project) -> None:
    report = lesions.train(progress=False)
    assert report.model_id
    assert report.metric == "dice"
    assert "n_labeled" in report.details

    lesions.start_round(1, strategy="random", progress=False)
    assert [made.strategy for made in lesions.rounds()][1:] == ["random"]
    item = lesions.next_item()
    assert item is not None
    assert item.suggestion() is not None
    for suggested in item.suggested_masks():
        assert suggested.mask.shape == (item.height, item.width)
        item.add(suggested, suggested.class_name)
    item.accept()


def test_exports_are_zip_files_that_open(lesions: Project, tmp_path: Path) -> None:
    coco = lesions.export("coco", tmp_path / "coco.zip")
    with zipfile.ZipFile(coco) as archive:
        document = json.loads(archive.read("annotations.json"))
    assert {c["name"] for c in document["categories"]} == {"mass", "cyst"}
    assert len(document["images"]) == 4
    table = lesions.export("csv", tmp_path / "table.zip")
    with zipfile.ZipFile(table) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
    assert {row["group"] for row in rows} <= {"p01", "p02", "p03"}
    with pytest.raises(InvalidRequest, match="known: coco, masks, csv"):
        lesions.export("voc", tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_image_labels_are_accepted_by_name(fewclick: Client, images: Path) -> None:
    project = fewclick.create_project("tags", task="classification", classes=["benign", "malignant"], batch_size=2)
    project.upload([next(images.rglob("p01*.png")), next(images.rglob("p02*.png"))], progress=False)
    project.start_round(progress=False)
    item = project.next_item()
    assert item is not None
    with pytest.raises((InvalidInput, InvalidRequest), match="benign"):
        item.accept(label="unheard of")
    item.accept(label="benign")
    stored = project.item(item.id).state.annotation
    assert stored is not None
    assert stored.label == "benign"


def test_a_stale_version_is_a_conflict_and_a_fresh_one_a_correction(lesions: Project) -> None:
    labeled = lesions.items("labeled")[0].id
    first, second = lesions.lease(labeled, annotator="bob"), lesions.lease(labeled, annotator="bob")
    before = first.state.version
    assert first.accept().version == before + 1
    with pytest.raises((VersionConflict, LeaseLost)):
        second.accept()
    assert lesions.lease(labeled, annotator="bob").accept().version == before + 2
