"""The sample pool: seeded, on disk as a DATASET folder, and a workspace in which an annotator can begin."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alcore.formats.folder import mask_class_ids, read_dataset
from alcore.formats.raster import read_image
from app import demo
from app.demo import POOLS, DemoPool, prepare_project, write_pool
from app.demo_images import draw_lesions, draw_nuclei
from tests.live import live_service


def test_the_pool_holds_at_least_eighty_images_of_two_kinds() -> None:
    assert sum(pool.n_images for pool in POOLS) >= 80
    assert {pool.name for pool in POOLS} == {"lesions", "nuclei"}


def test_drawing_is_seeded() -> None:
    for draw in (draw_nuclei, draw_lesions):
        first, second, other = draw(2, seed=3), draw(2, seed=3), draw(2, seed=4)
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, second, strict=True))
        assert not np.array_equal(first[0].pixels, other[0].pixels)


def test_nuclei_are_16_bit_and_brighter_than_their_surroundings() -> None:
    images = draw_nuclei(4, seed=0)
    for image in images:
        assert image.pixels.dtype == np.uint16
        assert image.pixels.shape == image.labels.shape == image.instances.shape
        inside = image.labels == 1
        assert 0.005 < inside.mean() < 0.7
        assert np.median(image.pixels[inside]) > 1.2 * np.median(image.pixels[~inside])
        assert np.array_equal(image.instances > 0, inside)
    assert {image.name.rpartition(".")[2] for image in images} == {"png", "tif"}


def test_lesions_are_8_bit_and_darker_than_the_gland_and_some_patients_have_none() -> None:
    images = draw_lesions(20, seed=0)
    kinds = {int(image.labels.max()) for image in images}
    assert kinds == {0, 1, 2}
    for image in images:
        assert image.pixels.dtype == np.uint8
        inside = image.labels > 0
        if inside.any():
            assert image.pixels[inside].mean() < 0.85 * image.pixels[~inside].mean()


def test_a_pool_is_a_data_set_that_our_reader_takes_and_is_drawn_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = DemoPool(name="nuclei", classes=("nucleus",), n_images=3, group_by=r"(w\d+)_", batch_size=2)
    folder = write_pool(tmp_path, pool)
    found = read_dataset(folder, group_regex=pool.group_by)
    assert mask_class_ids(found) == (1,)
    assert found.mask_names == {1: "nucleus"}
    assert {sample.group for sample in found.samples} == {"w01"}
    for sample, drawn in zip(found.samples, sorted(pool.draw(), key=lambda image: image.name), strict=True):
        assert np.array_equal(read_image(sample.image_path).pixels, drawn.pixels)
    with Image.open(folder / "instances" / "w01_f1.png") as image:
        assert np.asarray(image).max() > 1
    monkeypatch.setattr(demo.DemoPool, "draw", None)  # would fail if it were called
    assert write_pool(tmp_path, pool) == folder


def test_a_project_is_prepared_up_to_the_first_batch_and_a_second_start_changes_nothing(tmp_path: Path) -> None:
    pool = DemoPool(name="lesions", classes=("mass", "cyst"), n_images=4, group_by=r"(p\d+)_", batch_size=2)
    said: list[str] = []
    with live_service(tmp_path / "workspace") as service:
        prepare_project(service, pool, tmp_path / "pool", said.append)
        project = service.list_projects()[0]
        assert (project.counts.items, project.counts.queued, project.round) == (4, 2, 1)
        assert len(said) == 2
        prepare_project(service, pool, tmp_path / "pool", said.append)
        assert service.list_projects() == [project]
        assert len(said) == 2
        item = service.next_item(project.id, "ann")
        assert item is not None
        names = {entry.name for entry in service.items(project.id).items}
        assert not any("mask" in name or "instance" in name for name in names)
