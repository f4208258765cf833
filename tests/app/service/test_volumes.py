"""A volume goes in as its slices: all or none, grouped, with what the file says of values and sizes."""

import io
import uuid
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from alcore.errors import InvalidInput, UnreadableImage
from alcore.formats.nifti import read_nifti
from alcore.formats.raster import read_image
from alcore.masks import encode_rle
from app.api.schemas import AnnotationIn
from app.api.schemas_volumes import CarriedObject
from app.client import Client
from app.errors import InvalidRequest, NotFound
from app.server import create_app
from app.service import AnnotationService
from app.store import items as item_rows
from app.store import rounds
from tests.app.workspaces import picture, png
from tests.volumes import SHAPE, SPACING, ball_bytes, write_ball


@pytest.fixture
def project_id(fake_service: AnnotationService) -> int:
    return fake_service.create_project("volumes", task="segmentation", classes=["ball"]).id


def imported(service: AnnotationService, project_id: int, name: str = "p1/ball.nii.gz", **options: str) -> list[int]:
    assert service.import_files(project_id, [(name, io.BytesIO(ball_bytes()))], **options).added == SHAPE[2]
    return [item.id for item in service.items(project_id).items]


def test_every_slice_is_an_image_with_the_voxels_of_its_place(
    fake_service: AnnotationService, project_id: int, tmp_path: Path
) -> None:
    ids = imported(fake_service, project_id)
    volume = read_nifti(write_ball(tmp_path / "b.nii.gz"))
    for index, item_id in enumerate(ids):
        np.testing.assert_array_equal(fake_service.pixels(item_id), volume.voxels[index])
        item = fake_service.item(item_id)
        assert item.name == f"p1/ball.nii.gz/{index + 1:02d}"
        assert item.spacing_mm == pytest.approx((SPACING[1], SPACING[0]))
        assert item.volume is not None
        assert (item.volume.index, item.volume.n_slices, item.volume.plane) == (index, SHAPE[2], "axial")
        assert item.volume.spacing_mm == pytest.approx(SPACING[2])
        assert (item.volume.slope, item.volume.intercept) == (1.0, -50.0)
    windows = {(i.window.level, i.window.width, i.window.min, i.window.max) for i in map(fake_service.item, ids)}
    assert len(windows) == 1  # one window for all, so that scrolling does not flicker


def test_slices_belong_to_their_volume_or_to_their_patient(fake_service: AnnotationService, project_id: int) -> None:
    imported(fake_service, project_id)
    other = fake_service.create_project("by patient", task="segmentation", classes=["ball"]).id
    imported(fake_service, other, group_by="patient")
    assert {item.group for item in fake_service.items(project_id).items} == {"p1/ball.nii.gz"}
    assert {item.group for item in fake_service.items(other).items} == {"p1"}


def test_a_volume_tells_how_far_each_slice_is(fake_service: AnnotationService, project_id: int) -> None:
    ids = imported(fake_service, project_id)
    first = fake_service.item(ids[0])
    assert first.volume is not None
    leased = fake_service.lease(ids[3], "ann")
    assert leased.lease is not None
    fake_service.save_draft(ids[3], leased.lease.token, {"kept": True})
    fake_service.skip(ids[5], fake_service.lease(ids[5], "ann").lease.token)  # type: ignore[union-attr]
    volume = fake_service.volume(first.volume.volume_id)
    assert (volume.n_slices, volume.width, volume.height, volume.axes) == (SHAPE[2], SHAPE[0], SHAPE[1], "SPL")
    assert volume.spacing_mm == pytest.approx((SPACING[2], SPACING[1], SPACING[0]))
    assert [s.item_id for s in volume.slices] == ids
    assert [i for i, s in enumerate(volume.slices) if s.has_draft] == [3]
    assert [i for i, s in enumerate(volume.slices) if s.state == "skipped"] == [5]
    assert fake_service.volume_overview(volume.id).shape == (SHAPE[2], SHAPE[1], SHAPE[0])
    with pytest.raises(NotFound, match="no volume 99"):
        fake_service.volume(99)


def test_a_volume_that_is_there_already_is_a_duplicate(fake_service: AnnotationService, project_id: int) -> None:
    imported(fake_service, project_id)
    files = [("again.nii.gz", io.BytesIO(ball_bytes())), ("a.png", io.BytesIO(png(picture(1))))]
    report = fake_service.import_files(project_id, files)
    assert [(d.path, d.same_as) for d in report.duplicates] == [("again.nii.gz", "p1/ball.nii.gz")]
    assert (report.added, report.volumes, report.items) == (1, 0, SHAPE[2] + 1)


def test_a_broken_volume_leaves_nothing(fake_service: AnnotationService, project_id: int, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.nii.gz").write_bytes(ball_bytes()[: len(ball_bytes()) // 2])
    write_ball(folder / "b.nii")
    report = fake_service.import_paths(project_id, [folder])
    assert [(r.path, r.code) for r in report.rejected] == [("a.nii.gz", "truncated")]
    assert (report.added, report.volumes, report.items) == (SHAPE[2], 1, SHAPE[2])
    assert list(fake_service.tmp().glob("in-*")) == []


def test_the_file_is_kept_as_it_came(fake_service: AnnotationService, project_id: int) -> None:
    first = fake_service.item(imported(fake_service, project_id)[0])
    assert first.volume is not None
    file = fake_service.context.blobs.path(fake_service.volume_hash(first.volume.volume_id), ".nii.gz")
    assert file.read_bytes() == ball_bytes()
    with pytest.raises(UnreadableImage, match="gzip"):  # what reads images alone still says what it is
        read_image(file)


# masks carried over -------------------------------------------------------------------------------------------------


def square(index: int = 0) -> CarriedObject:
    """A mask of some rows and columns on a slice of the ball."""
    mask = np.zeros((SHAPE[1], SHAPE[0]), bool)
    mask[5:12, 8 + index : 17] = True
    return CarriedObject.model_validate({"class_id": 1, "mask": encode_rle(mask)})


def state_of(service: AnnotationService, item_id: int) -> list[tuple[str, bool]]:
    volume = service.item(item_id).volume
    assert volume is not None
    return [(s.state, s.has_suggestion) for s in service.volume(volume.volume_id).slices]


def accept(service: AnnotationService, item_id: int, objects: list[CarriedObject]) -> None:
    leased = service.lease(item_id, "ann")
    assert leased.lease is not None
    body = {
        "submission_id": uuid.uuid4(), "lease_token": leased.lease.token, "base_version": leased.version,
        "objects": [entry.model_dump() for entry in objects],
    }  # fmt: skip
    service.annotate(item_id, AnnotationIn.model_validate(body))


def test_accepted_masks_are_carried_to_both_sides_and_asked_next(
    fake_service: AnnotationService, project_id: int
) -> None:
    ids = imported(fake_service, project_id)
    fake_service.pick(project_id, [ids[0]])
    with pytest.raises(InvalidInput, match="no mask to carry over"):
        fake_service.propagate(ids[5], 2)
    accept(fake_service, ids[5], [square()])
    answer = fake_service.propagate(ids[5], 2)
    assert [s.index for s in answer.slices] == [4, 6, 3, 7]
    assert all(s.n_objects == 1 and 0 < s.quality <= 1 for s in answer.slices)
    assert [i for i, (_, has) in enumerate(state_of(fake_service, ids[0])) if has] == [3, 4, 6, 7]
    offered = fake_service.suggestion(ids[4])
    assert offered.model_id == "fake-segmenter"
    assert offered.objects[0].class_id == 1
    # The carried slices come before what was queued, nearest first.
    asked = [fake_service.next_item(project_id) for _ in range(5)]
    assert [item.volume.index for item in asked if item and item.volume] == [4, 6, 3, 7, 0]
    assert asked[0] is not None
    assert asked[0].reason == "masks carried over from slice 6"


def test_one_direction_and_masks_that_are_not_accepted_yet(fake_service: AnnotationService, project_id: int) -> None:
    ids = imported(fake_service, project_id)
    assert [s.index for s in fake_service.propagate(ids[5], 3, "after", [square(), square(2)]).slices] == [6, 7, 8]
    assert len(fake_service.suggestion(ids[8]).objects) == 2
    assert [s.index for s in fake_service.propagate(ids[1], 3, "before", [square()]).slices] == [0]


def test_what_people_did_is_never_touched(fake_service: AnnotationService, project_id: int) -> None:
    ids = imported(fake_service, project_id)
    accept(fake_service, ids[3], [square(1)])  # nothing is carried past it
    fake_service.lease(ids[6], "somebody")
    drafted = fake_service.lease(ids[7], "somebody")
    assert drafted.lease is not None
    fake_service.save_draft(ids[7], drafted.lease.token, {"kept": 1})
    fake_service.release(ids[7], drafted.lease.token)
    skipped = fake_service.lease(ids[8], "somebody")
    assert skipped.lease is not None
    fake_service.skip(ids[8], skipped.lease.token)
    with fake_service.context.db.write() as connection:
        item_rows.keep_for_audit(connection, [ids[9]])
    answer = fake_service.propagate(ids[5], 5, objects=[square()])
    assert [s.index for s in answer.slices] == [4, 10]
    assert set(answer.kept) == {ids[3], ids[6], ids[7], ids[8], ids[9]}
    newest = fake_service.item(ids[3]).annotation
    assert newest is not None
    assert newest.objects[0].mask.counts == square(1).mask.counts
    assert fake_service.draft(ids[7]) == {"kept": 1}


def test_a_head_leaves_what_was_carried_over(fake_service: AnnotationService, project_id: int) -> None:
    ids = imported(fake_service, project_id)
    fake_service.propagate(ids[5], 1, objects=[square()])
    offer = {"model_id": "head", "objects": [], "label": None, "uncertainty": b"map"}
    with fake_service.context.db.write() as connection:
        rounds.put_suggestions(connection, [{"item_id": i, **offer} for i in (ids[4], ids[5])])
    assert fake_service.suggestion(ids[4]).model_id == "fake-segmenter"
    assert fake_service.suggestion(ids[5]).model_id == "head"
    fake_service.propagate(ids[4], 1, objects=[square()])  # the other way round, it takes over and leaves the map
    assert fake_service.suggestion(ids[5]).model_id == "fake-segmenter"
    assert fake_service.uncertainty(ids[5]) == b"map"


def test_masks_that_do_not_fit_are_refused(fake_service: AnnotationService, project_id: int) -> None:
    ids = imported(fake_service, project_id)
    wrong = square().model_copy(update={"class_id": 7})
    with pytest.raises(InvalidInput, match=r"class 7 .* known classes are \[1\]"):
        fake_service.propagate(ids[5], objects=[wrong])
    fake_service.import_files(project_id, [("a.png", io.BytesIO(png(picture(1))))])
    single = fake_service.items(project_id).items[-1].id
    with pytest.raises(InvalidInput, match="no slice of a volume"):
        fake_service.propagate(single, objects=[square()])
    whole = fake_service.create_project("labels", task="classification", classes=["a", "b"]).id
    with pytest.raises(InvalidInput, match="only segmentation"):
        fake_service.propagate(imported(fake_service, whole)[0], objects=[square()])


def test_the_client_has_the_same_verbs(fake_service: AnnotationService, project_id: int, tmp_path: Path) -> None:
    with Client(http=TestClient(create_app(tmp_path / "other", service=fake_service, with_ui=False))) as client:
        project = client.project(project_id)
        write_ball(tmp_path / "scan.nii.gz")
        report = project.upload(tmp_path / "scan.nii.gz", progress=False)
        assert (report.added, report.volumes) == (SHAPE[2], 1)
        item = project.item(project.items()[5].id)
        assert item.slice_of is not None
        assert item.slice_of.index == 5
        assert item.volume() == fake_service.volume(item.slice_of.volume_id)
        np.testing.assert_array_equal(item.volume_overview(), fake_service.volume_overview(item.slice_of.volume_id))
        answer = item.propagate(1, direction="after", objects=[square()])
        assert [s.index for s in answer.slices] == [6]
        project.upload([_picture_file(tmp_path)], progress=False)
        alone = project.item(project.items()[-1].id)
        assert alone.slice_of is None
        with pytest.raises(InvalidRequest, match="no slice"):
            alone.volume()


def _picture_file(folder: Path) -> Path:
    (folder / "alone.png").write_bytes(png(picture(2)))
    return folder / "alone.png"
