"""Exports are read back by other people's readers: pycocotools, Pillow, the csv module."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from alcore.errors import InvalidInput, UnknownName
from alcore.formats.export import ExportClass, ExportObject, ExportRecord, ProjectMeta, write_export
from alcore.masks import encode_rle

PROJECT = ProjectMeta(
    name="nerves",
    task="segmentation",
    classes=(ExportClass(id=1, name="nerve"), ExportClass(id=2, name="vessel")),
)
LABELS = ProjectMeta(
    name="breast",
    task="classification",
    classes=(ExportClass(id=1, name="benign"), ExportClass(id=2, name="malignant")),
)


def disk(height: int, width: int, row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width] + 0.5
    return np.hypot(rows - row, columns - column) < radius


def ring_and_vessel() -> tuple[np.ndarray, np.ndarray]:
    """On a non-square image: a ring with a hole and a piece apart, and a disk that overlaps it."""
    ring = disk(40, 70, 18, 20, 12) & ~disk(40, 70, 18, 20, 5)
    ring[30:34, 60:66] = True
    return ring, disk(40, 70, 18, 33, 6)


def record(item_id: int, name: str, masks: Sequence[tuple[int, np.ndarray]], **more: Any) -> ExportRecord:
    objects = tuple(ExportObject(class_id=c, mask=encode_rle(m), predicted_iou=0.9, quality=0.8) for c, m in masks)
    height, width = masks[0][1].shape if masks else (40, 70)
    return ExportRecord(item_id=item_id, name=name, width=width, height=height, version=1, objects=objects, **more)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own
def test_coco_gives_pycocotools_the_same_masks_holes_and_pieces_included(tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    ring, vessel = ring_and_vessel()
    records = [record(7, "a/one.png", [(1, ring), (2, vessel)]), record(9, "two.tif", [])]
    files = members(write_export("coco", PROJECT, records, tmp_path / "out.zip"))
    assert list(files) == ["annotations.json"]
    plain = tmp_path / "annotations.json"
    plain.write_bytes(files["annotations.json"])

    coco = COCO(str(plain))

    assert {c["id"]: c["name"] for c in coco.loadCats(coco.getCatIds())} == {1: "nerve", 2: "vessel"}
    assert [(i["id"], i["file_name"], i["width"], i["height"]) for i in coco.loadImgs([7, 9])] == [
        (7, "a/one.png", 70, 40),
        (9, "two.tif", 70, 40),
    ]
    assert coco.getAnnIds(imgIds=[9]) == []
    found = coco.loadAnns(coco.getAnnIds(imgIds=[7]))
    for annotation, mask in zip(found, (ring, vessel), strict=True):
        assert np.array_equal(coco.annToMask(annotation).astype(bool), mask)
        rle = coco.annToRLE(annotation)
        from pycocotools import mask as reference

        assert annotation["area"] == reference.area(rle)
        assert annotation["bbox"] == reference.toBbox(rle).tolist()


def test_coco_leaves_out_an_empty_mask(tmp_path: Path) -> None:
    files = members(
        write_export("coco", PROJECT, [record(1, "a.png", [(1, np.zeros((4, 6), bool))])], tmp_path / "o.zip")
    )
    document = json.loads(files["annotations.json"])
    assert document["annotations"] == []
    assert len(document["images"]) == 1


def test_coco_holds_an_objects_own_name_as_an_attribute(tmp_path: Path) -> None:
    masks = [(1, mask) for mask in ring_and_vessel()]
    plain = record(1, "a.png", masks)
    first, second = plain.objects
    named = replace(plain, objects=(replace(first, name="left"), second))
    document = json.loads(members(write_export("coco", PROJECT, [named], tmp_path / "out.zip"))["annotations.json"])
    assert [entry.get("attributes") for entry in document["annotations"]] == [{"name": "left"}, None]


def test_masks_hold_the_label_ids_at_the_size_of_the_image(tmp_path: Path) -> None:
    ring, vessel = ring_and_vessel()
    out = write_export("masks", PROJECT, [record(7, "a/one.tif", [(1, ring), (2, vessel)])], tmp_path / "out.zip")
    files = members(out)

    labels = np.asarray(Image.open(io.BytesIO(files["masks/a/one.png"])))

    assert labels.dtype == np.uint8
    assert np.array_equal(labels, np.where(vessel, 2, np.where(ring, 1, 0)))  # the later object lies on top
    index = json.loads(files["classes.json"])
    assert index["classes"] == {"0": "background", "1": "nerve", "2": "vessel"}
    assert index["images"] == {"masks/a/one.png": "a/one.tif"}


def test_masks_of_images_with_one_stem_do_not_overwrite_each_other(tmp_path: Path) -> None:
    ring, vessel = ring_and_vessel()
    records = [record(1, "a.png", [(1, ring)]), record(2, "a.tif", [(2, vessel)]), record(3, "a.tif.png", [(2, ring)])]
    files = members(write_export("masks", PROJECT, records, tmp_path / "out.zip"))
    names = json.loads(files["classes.json"])["images"]
    assert sorted(names.values()) == ["a.png", "a.tif", "a.tif.png"]
    assert set(names) == set(files) - {"classes.json"}


def test_an_image_without_objects_is_all_background(tmp_path: Path) -> None:
    files = members(write_export("masks", PROJECT, [record(1, "a.png", [])], tmp_path / "out.zip"))
    assert not np.asarray(Image.open(io.BytesIO(files["masks/a.png"]))).any()


def test_csv_of_labels_reads_back_with_commas_quotes_and_umlauts(tmp_path: Path) -> None:
    records = [
        record(1, 'p1/left, "upper".png', [], label="benign", group="p1", annotator="Jörg", seconds=2.5, clicks=1),
        record(2, "p2/b.png", [], label="malignant", group="p2"),
    ]
    files = members(write_export("csv", LABELS, records, tmp_path / "out.zip"))
    assert list(files) == ["labels.csv"]
    rows = list(csv.DictReader(io.StringIO(files["labels.csv"].decode())))
    assert [(r["stem"], r["label"], r["group"]) for r in rows] == [
        ('left, "upper"', "benign", "p1"),
        ("b", "malignant", "p2"),
    ]
    assert rows[0]["name"] == 'p1/left, "upper".png'
    assert (rows[0]["annotator"], rows[0]["seconds"], rows[0]["clicks"]) == ("Jörg", "2.5", "1")


def test_csv_of_objects_measures_in_the_pixel_frame(tmp_path: Path) -> None:
    mask = np.zeros((40, 70), bool)
    mask[10:14, 20:30] = True
    files = members(write_export("csv", PROJECT, [record(1, "a.png", [(2, mask)])], tmp_path / "out.zip"))
    (row,) = csv.DictReader(io.StringIO(files["objects.csv"].decode()))
    assert (row["class_name"], row["area_px"]) == ("vessel", "40")
    assert [float(row[k]) for k in ("x0", "y0", "x1", "y1")] == [20, 10, 30, 14]
    assert (float(row["centre_x"]), float(row["centre_y"])) == (25.0, 12.0)


@pytest.mark.parametrize("format", ["coco", "masks", "csv"])
def test_equal_annotations_give_equal_bytes(format: str, tmp_path: Path) -> None:
    ring, _ = ring_and_vessel()
    first, second = (
        write_export(format, PROJECT, [record(1, "a.png", [(1, ring)])], tmp_path / name).read_bytes()
        for name in ("a.zip", "b.zip")
    )
    assert first == second


def test_an_unknown_format_is_named_with_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="'voc'; known: coco, csv, masks"):
        write_export("voc", PROJECT, [], tmp_path / "out.zip")


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "a/../../b.png", ""])
def test_a_name_that_leaves_the_folder_is_refused_and_nothing_is_left_behind(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no path inside the export"):
        write_export("masks", PROJECT, [record(1, name, [])], tmp_path / "out.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_mask_of_another_size_and_an_unknown_class_are_refused(tmp_path: Path) -> None:
    ring, _ = ring_and_vessel()
    wrong_size = ExportRecord(
        item_id=1, name="a.png", width=40, height=70, version=1,
        objects=(ExportObject(class_id=1, mask=encode_rle(ring)),),
    )  # fmt: skip
    with pytest.raises(InvalidInput, match=r"\[40, 70\] on an image of \[70, 40\]"):
        write_export("coco", PROJECT, [wrong_size], tmp_path / "out.zip")
    with pytest.raises(InvalidInput, match="unknown class id 5"):
        write_export("coco", PROJECT, [record(1, "a.png", [(5, ring)])], tmp_path / "out.zip")


@pytest.mark.parametrize("format", ["coco", "masks"])
def test_image_labels_are_sent_to_csv(format: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="csv"):
        write_export(format, LABELS, [], tmp_path / "out.zip")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        write_export("csv", LABELS, [], tmp_path / "nowhere" / "out.zip")


def test_an_old_export_survives_a_failed_one(tmp_path: Path) -> None:
    out = write_export("csv", LABELS, [record(1, "a.png", [], label="benign")], tmp_path / "out.zip")
    before = out.read_bytes()
    with pytest.raises(InvalidInput):
        write_export("csv", LABELS, [record(1, "../a.png", [])], out)
    assert out.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["out.zip"]
