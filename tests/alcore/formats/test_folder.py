"""DATASET folders: what is read, and a clear error for each thing that can be wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alcore.errors import InvalidInput, UnreadableImage
from alcore.formats.folder import mask_class_ids, read_dataset, read_label_mask
from tests.paths import shared_data


def write_image(path: Path, value=0, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 9), value, np.uint8)).convert(mode).save(path)


def make_folder(tmp_path: Path, *, masks=True, labels=None) -> Path:
    folder = tmp_path / "set"
    for stem in ("p1_a", "p1_b", "p2_a"):
        write_image(folder / "images" / f"{stem}.png")
    if masks:
        for value, stem in enumerate(("p1_a", "p1_b", "p2_a")):
            write_image(folder / "masks" / f"{stem}.png", value)
    if labels is not None:
        (folder / "labels.csv").write_text(labels)
    return folder


def test_images_masks_labels_and_groups_are_matched_by_stem(tmp_path: Path):
    folder = make_folder(tmp_path, labels="stem,label,patient,note\np2_a,sick,P2,x\np1_a,well,P1,y\n")
    dataset = read_dataset(folder)
    assert dataset.name == "set"
    assert [sample.stem for sample in dataset.samples] == ["p1_a", "p1_b", "p2_a"]
    assert [sample.label for sample in dataset.samples] == ["well", None, "sick"]
    assert [sample.group for sample in dataset.samples] == ["P1", None, "P2"]
    assert dataset.label_names == ("sick", "well")
    assert mask_class_ids(dataset) == (1, 2)


def test_a_pattern_gives_the_groups(tmp_path: Path):
    folder = make_folder(tmp_path)
    groups = [sample.group for sample in read_dataset(folder, group_regex=r"^(p\d)_").samples]
    assert groups == ["p1", "p1", "p2"]
    assert read_dataset(folder, group_regex=r"[ab]$").samples[1].group == "b"
    with pytest.raises(InvalidInput, match="finds nothing in 'p1_a'"):
        read_dataset(folder, group_regex="q")
    with pytest.raises(InvalidInput, match="no regular expression"):
        read_dataset(folder, group_regex="(")


def test_sub_folders_are_part_of_the_stem_and_class_names_are_read(tmp_path: Path):
    folder = make_folder(tmp_path)
    write_image(folder / "images" / "site" / "x.png")
    write_image(folder / "masks" / "site" / "x.png", 7)
    (folder / "classes.json").write_text('{"classes": {"0": "background", "7": "nerve"}}')
    dataset = read_dataset(folder)
    assert dataset.samples[-1].stem == "site/x"
    assert dataset.samples[-1].mask_path == folder / "masks" / "site" / "x.png"
    assert dataset.mask_names == {7: "nerve"}


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("stem,class\na,b\n", "no column 'label'; it has: stem, class"),
        ("stem,label\np1_a,x\np1_a,y\n", "line 3: stem 'p1_a' occurs twice"),
        ("stem,label\np1_a,\n", "line 2: stem and label must not be empty"),
        ("stem,label\nnowhere,x\n", r"labels\.csv names 1 stem\(s\) that images/ lacks, first 'nowhere'"),
        ("", "no column 'stem'; it has: nothing"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, labels, words):
    with pytest.raises(InvalidInput, match=words):
        read_dataset(make_folder(tmp_path, labels=labels))


def test_wrong_folders_are_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match="no folder images/"):
        read_dataset(tmp_path)
    folder = make_folder(tmp_path, masks=False)
    with pytest.raises(InvalidInput, match=r"neither masks/ nor labels\.csv"):
        read_dataset(folder)
    write_image(folder / "masks" / "orphan.png")
    with pytest.raises(InvalidInput, match="masks/ names 1 stem"):
        read_dataset(folder)
    write_image(folder / "images" / "p1_a.jpg")
    with pytest.raises(InvalidInput, match=r"two files of stem 'p1_a': p1_a\.jpg and p1_a\.png"):
        read_dataset(folder)
    (folder / "images" / "a.nii.gz").touch()
    with pytest.raises(InvalidInput, match="volume a"):
        read_dataset(folder)


def test_grey_and_palette_masks_give_their_ids(tmp_path: Path):
    labels = np.arange(54, dtype=np.uint8).reshape(6, 9) % 5
    palette = Image.fromarray(labels).convert("P")
    palette.putdata(labels.ravel().tolist())
    palette.putpalette([255, 0, 0, 0, 255, 0, 9, 9, 9, 8, 8, 8, 7, 7, 7])
    Image.fromarray(labels).save(tmp_path / "grey.png")
    palette.save(tmp_path / "palette.png")
    for name in ("grey.png", "palette.png"):
        np.testing.assert_array_equal(read_label_mask(tmp_path / name, shape=(6, 9)), labels)


def test_wrong_masks_are_refused(tmp_path: Path):
    write_image(tmp_path / "colour.png", 3, "RGB")
    write_image(tmp_path / "grey.png", 3)
    with pytest.raises(InvalidInput, match=r"colour\.png has mode RGB"):
        read_label_mask(tmp_path / "colour.png")
    with pytest.raises(InvalidInput, match=r"grey\.png is 9 x 6, its image 6 x 9"):
        read_label_mask(tmp_path / "grey.png", shape=(9, 6))
    (tmp_path / "cut.png").write_bytes((tmp_path / "grey.png").read_bytes()[:-20])
    with pytest.raises(UnreadableImage, match=r"cut\.png: the file is truncated"):
        read_label_mask(tmp_path / "cut.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UnreadableImage, match="must be PNG"):
        read_label_mask(tmp_path / "text.png")
    with pytest.raises(UnreadableImage, match="cannot be opened"):
        read_label_mask(tmp_path / "absent.png")


@pytest.mark.data
def test_the_real_sets_are_read():
    nerves = read_dataset(shared_data("us_nerve_usgra"))
    assert len(nerves.samples) == 243
    assert all(sample.mask_path for sample in nerves.samples)
    breasts = read_dataset(shared_data("cls_us_breast_busi"))
    assert breasts.label_names == ("benign", "malignant", "normal")
    assert all(sample.group for sample in breasts.samples)
    livers = read_dataset(shared_data("ct_liver_msd"), group_regex=r"msd_([^_]+)_")
    assert len({sample.group for sample in livers.samples}) < len(livers.samples)
