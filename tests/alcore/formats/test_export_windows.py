"""Exports of images that were labeled in a window: each format says so in its own way."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alcore.errors import InvalidInput
from alcore.formats.export import ExportClass, ProjectMeta, write_export
from alcore.formats.folder import mask_class_ids, read_dataset
from tests.alcore.formats.test_export import PROJECT, disk, members, record

WINDOW = (10, 5, 40, 25)
MASK = disk(40, 70, 18, 36, 8)


def exported(tmp_path: Path, format: str, window: tuple[int, int, int, int] | None = WINDOW) -> dict[str, bytes]:
    return members(
        write_export(format, PROJECT, [record(1, "a.png", [(1, MASK)], labeled_window=window)], tmp_path / "out.zip")
    )


def test_coco_names_the_window_of_an_image_and_keeps_masks_whole(tmp_path: Path) -> None:
    document = json.loads(exported(tmp_path, "coco")["annotations.json"])
    assert document["images"][0]["fewclick_window"] == list(WINDOW)
    assert document["annotations"][0]["area"] == MASK.sum()
    assert "fewclick_window" not in json.loads(exported(tmp_path, "coco", None)["annotations.json"])["images"][0]


def test_label_masks_are_255_outside_the_window_and_list_it(tmp_path: Path) -> None:
    found = exported(tmp_path, "masks")
    labels = np.asarray(Image.open(io.BytesIO(found["masks/a.png"])))
    inside = np.zeros((40, 70), bool)
    inside[5:25, 10:40] = True
    assert (labels[~inside] == 255).all()
    assert np.array_equal(labels[inside], MASK[inside])
    index = json.loads(found["classes.json"])
    assert (index["not_labeled"], index["windows"]) == (255, {"masks/a.png": list(WINDOW)})
    assert "windows" not in json.loads(exported(tmp_path, "masks", None)["classes.json"])


def test_such_label_masks_read_back_as_a_dataset_without_a_class_more(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    (tmp_path / "masks" / "a.png").write_bytes(exported(tmp_path, "masks")["masks/a.png"])
    Image.fromarray(np.zeros((40, 70), np.uint8)).save(tmp_path / "images" / "a.png")
    assert mask_class_ids(read_dataset(tmp_path)) == (1,)


def test_csv_has_a_column_for_the_window(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(tmp_path, "csv")["labels.csv"].decode())))
    assert rows[0]["window"] == "10 5 40 25"
    rows = list(csv.DictReader(io.StringIO(exported(tmp_path, "csv", None)["labels.csv"].decode())))
    assert rows[0]["window"] == ""


def test_a_window_outside_its_image_and_a_class_255_beside_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="0 <= x0 < x1 <= 70"):
        exported(tmp_path, "coco", (0, 0, 71, 40))
    many = ProjectMeta(
        name="n", task="segmentation", classes=(ExportClass(id=1, name="a"), ExportClass(id=255, name="b"))
    )
    with pytest.raises(InvalidInput, match="255, which is a class here; export as coco"):
        write_export("masks", many, [record(1, "a.png", [(1, MASK)], labeled_window=WINDOW)], tmp_path / "out.zip")
