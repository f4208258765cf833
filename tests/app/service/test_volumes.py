"""A volume goes in as its slices: all or none, grouped, with what the file says of values and sizes."""

import io
from pathlib import Path

import numpy as np
import pytest

from alcore.errors import UnreadableImage
from alcore.formats.nifti import read_nifti
from alcore.formats.raster import read_image
from app.errors import NotFound
from app.service import AnnotationService
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
