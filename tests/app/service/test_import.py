"""Import: the rest goes in, and every file that does not is named with the reason."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alcore.errors import InvalidInput
from app.errors import NotFound
from app.service import AnnotationService
from tests.app.workspaces import open_fake, picture, png


def bomb() -> bytes:
    """A PNG of a few bytes that declares 50,000 x 50,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.fixture
def project_id(fake_service: AnnotationService) -> int:
    return fake_service.create_project("pool", task="segmentation", classes=["a"]).id


def test_a_folder_with_bad_files_goes_in_without_them(
    fake_service: AnnotationService, project_id: int, tmp_path: Path
) -> None:
    folder, outside = tmp_path / "in", tmp_path / "secret.png"
    (folder / "p1").mkdir(parents=True)
    outside.write_bytes(png(picture(9)))
    (folder / "p1" / "good.png").write_bytes(png(picture(1)))
    (folder / "p1" / "twin.png").write_bytes(png(picture(1)))
    (folder / "truncated.png").write_bytes(png(picture(2))[:60])
    (folder / "note.png").write_text("not an image")
    (folder / "empty.png").touch()
    (folder / "bomb.png").write_bytes(bomb())
    (folder / "link.png").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")

    report = fake_service.import_paths(project_id, [folder], "patient")

    assert (report.added, report.items) == (1, 1)
    assert [(d.path, d.same_as) for d in report.duplicates] == [("p1/twin.png", "p1/good.png")]
    codes = {r.path: r.code for r in report.rejected}
    assert codes == {
        "truncated.png": "truncated",
        "note.png": "wrong_type",
        "empty.png": "empty_file",
        "bomb.png": "too_large",
        "link.png": "path_outside",
        "linked": "path_outside",
        "dangling.png": "not_a_file",
    }
    assert all(len(r.reason) > 15 for r in report.rejected)


@pytest.mark.parametrize(
    "name", ["../up.png", "a/../../up.png", "/etc/up.png", "C:\\up.png", "..\\up.png", "a\x00.png"]
)
def test_an_upload_whose_path_leaves_the_folder_is_refused(
    fake_service: AnnotationService, project_id: int, name: str
) -> None:
    files = [(name, io.BytesIO(png(picture(1)))), ("ok/in.png", io.BytesIO(png(picture(2))))]
    report = fake_service.import_files(project_id, files)
    assert [r.code for r in report.rejected] == ["path_outside"]
    assert report.added == 1
    assert [item.name for item in fake_service.items(project_id).items] == ["ok/in.png"]


def test_bytes_are_kept_under_their_hash_and_nothing_stays_in_tmp(
    fake_service: AnnotationService, project_id: int, tmp_path: Path
) -> None:
    data = png(picture(1))
    fake_service.import_files(project_id, [("a.png", io.BytesIO(data)), ("bad.png", io.BytesIO(b"x"))])
    digest = fake_service.content_hash(1)
    stored = tmp_path / "workspace" / "images" / digest[:2] / f"{digest}.png"
    assert stored.read_bytes() == data
    assert list((tmp_path / "workspace" / "tmp").iterdir()) == []
    assert np.array_equal(fake_service.pixels(1), picture(1))


def test_sixteen_bit_images_keep_their_depth_and_get_a_window(fake_service: AnnotationService, project_id: int) -> None:
    out = io.BytesIO()
    pixels = np.linspace(0, 4095, 30 * 40).reshape(30, 40).astype(np.uint16)
    Image.fromarray(pixels).save(out, "PNG")
    fake_service.import_files(project_id, [("ct.png", io.BytesIO(out.getvalue()))])
    item = fake_service.item(1)
    assert (item.dtype, item.channels, item.height, item.width) == ("uint16", 1, 30, 40)
    assert (item.window.min, item.window.max) == (0, 4095)
    assert np.array_equal(fake_service.pixels(1), pixels)


def test_a_file_over_the_limit_is_named(tmp_path: Path) -> None:
    with open_fake(tmp_path / "workspace", max_file_mb=0.0001) as service:
        project = service.create_project("pool", task="segmentation", classes=["a"])
        noise = np.random.default_rng(0).integers(0, 255, (50, 50), dtype=np.uint8)
        report = service.import_files(project.id, [("big.png", io.BytesIO(png(noise)))])
        assert [(r.path, r.code) for r in report.rejected] == [("big.png", "too_large")]
        assert list(service.tmp().iterdir()) == []


def test_of_a_dataset_folder_only_the_images_go_in(
    fake_service: AnnotationService, project_id: int, tmp_path: Path
) -> None:
    for name in ("images", "masks"):
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "1.png").write_bytes(png(picture(len(name))))
    assert fake_service.import_paths(project_id, [tmp_path / "set"]).added == 1
    assert fake_service.import_paths(project_id, [tmp_path / "set" / "masks" / "1.png"]).added == 1


def test_the_same_bytes_go_into_two_projects(fake_service: AnnotationService, project_id: int) -> None:
    other = fake_service.create_project("other", task="segmentation", classes=["a"])
    data = png(picture(1))
    assert fake_service.import_files(project_id, [("a.png", io.BytesIO(data))]).added == 1
    assert fake_service.import_files(other.id, [("a.png", io.BytesIO(data))]).added == 1


@pytest.mark.parametrize("pattern", ["(", "no group", "(two)(groups)"])
def test_a_pattern_without_exactly_one_group_is_refused(
    fake_service: AnnotationService, project_id: int, pattern: str
) -> None:
    with pytest.raises(InvalidInput, match="group_by"):
        fake_service.import_files(project_id, [], pattern)


def test_a_missing_path_is_named_before_anything_goes_in(
    fake_service: AnnotationService, project_id: int, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png(picture(1)))
    with pytest.raises(NotFound, match=r"gone\.png"):
        fake_service.import_paths(project_id, [tmp_path / "a.png", tmp_path / "gone.png"])
    assert fake_service.project(project_id).counts.items == 0
