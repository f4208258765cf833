"""The click benchmark on a drawn data set and a predictor whose answers are known."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prompts.bench import bench_clicks
from prompts.bench_data import read_bench_images, read_rgb
from prompts.errors import DatasetError, InvalidPrompt
from tests.paths import shared_data
from tests.prompts.fakes import ErodingPredictor, disc

SIZE = (48, 90)
FIELDS = [
    *("dataset", "segmenter", "n_objects", "dice", "iou", "noc85", "noc90", "embed_ms_p50", "predict_ms_p50"),
    "predict_ms_p95",
]


def save(folder: Path, name: str, ids: np.ndarray, *, instances: np.ndarray | None = None) -> None:
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    Image.fromarray(((ids > 0)[..., None] * np.array([255, 90, 30])).astype(np.uint8)).save(
        folder / "images" / f"{name}.png"
    )
    Image.fromarray(ids.astype(np.uint8)).save(folder / "masks" / f"{name}.png")
    if instances is not None:
        (folder / "instances").mkdir(exist_ok=True)
        Image.fromarray(instances.astype(np.uint16)).save(folder / "instances" / f"{name}.png")


@pytest.fixture
def one_disc_each(tmp_path: Path) -> Path:
    for k in range(4):
        save(tmp_path / "discs", f"im{k}", disc(SIZE, 20 + k, 60 - k, 14).astype(int))
    return tmp_path / "discs"


def test_the_report_has_the_agreed_fields_and_is_json(one_disc_each: Path) -> None:
    report = bench_clicks(one_disc_each, ErodingPredictor(), segmenter_name="fake")
    assert list(report) == FIELDS
    assert report["dataset"] == "discs"
    assert report["segmenter"] == "fake"
    assert report["n_objects"] == 4
    assert list(report["dice"]) == list(report["iou"]) == ["box", "1", "3", "5", "10"]
    assert json.loads(json.dumps(report)) == report


def test_scores_are_those_of_the_known_answers(one_disc_each: Path) -> None:
    """Four clicks give the object itself; before that it is eroded by 4 - clicks steps of a diamond."""
    report = bench_clicks(one_disc_each, ErodingPredictor(start=4, boxed=2), segmenter_name="fake")
    state = ErodingPredictor().embed(read_rgb(one_disc_each / "images" / "im0.png"))
    full = int(state.features.sum())
    from scipy.ndimage import binary_erosion

    left = [int(binary_erosion(state.features, iterations=n).sum()) / full for n in (1, 2, 3)]
    assert report["iou"] == pytest.approx({"box": left[1], "1": left[2], "3": left[0], "5": 1.0, "10": 1.0}, abs=1e-3)
    assert report["dice"]["box"] == pytest.approx(2 * left[1] / (1 + left[1]), abs=1e-3)
    assert report["noc85"] == next(k for k, s in ((1, left[2]), (2, left[1]), (3, left[0]), (4, 1)) if s >= 0.85)
    assert report["noc90"] == next(k for k, s in ((1, left[2]), (2, left[1]), (3, left[0]), (4, 1)) if s >= 0.90)


def test_an_object_that_never_gets_there_counts_twenty_clicks(one_disc_each: Path) -> None:
    model = ErodingPredictor(start=99)
    report = bench_clicks(one_disc_each, model, segmenter_name="fake", limit=1)
    assert report["noc85"] == report["noc90"] == 20
    assert len(model.prompts) == 1 + 1 + 20  # warm-up, box, clicks


def test_clicks_stop_when_every_number_is_known(one_disc_each: Path) -> None:
    model = ErodingPredictor(start=1)
    bench_clicks(one_disc_each, model, segmenter_name="fake", limit=1)
    assert len(model.prompts) == 1 + 1 + 1


def test_limit_counts_objects_and_progress_reaches_it(one_disc_each: Path) -> None:
    calls: list[tuple[int, int]] = []
    report = bench_clicks(
        one_disc_each, ErodingPredictor(), segmenter_name="f", limit=3, progress=lambda *c: calls.append(c)
    )
    assert report["n_objects"] == 3
    assert calls == [(1, 3), (2, 3), (3, 3)]
    calls.clear()
    bench_clicks(one_disc_each, ErodingPredictor(), segmenter_name="f", progress=lambda *c: calls.append(c))
    assert calls[-1] == (4, 4)


def test_jitter_changes_the_box_only_and_alike_each_time(one_disc_each: Path) -> None:
    boxes = []
    for jitter in (0.0, 0.1, 0.1):
        model = ErodingPredictor()
        bench_clicks(one_disc_each, model, segmenter_name="f", jitter=jitter)
        boxes.append([p.box for p in model.prompts if p.box][1:])
    assert boxes[1] == boxes[2] != boxes[0]


def test_stems_choose_images_and_unknown_ones_are_refused(one_disc_each: Path) -> None:
    assert bench_clicks(one_disc_each, ErodingPredictor(), segmenter_name="f", stems=["im2"])["n_objects"] == 1
    with pytest.raises(DatasetError, match="no image 'zz'"):
        bench_clicks(one_disc_each, ErodingPredictor(), segmenter_name="f", stems=["im2", "zz"])


def test_held_out_images_are_those_of_the_split(one_disc_each: Path) -> None:
    from prompts.builtin.split import is_held_out

    expected = [s for s in ("im0", "im1", "im2", "im3") if is_held_out("discs", s)]
    if expected:
        report = bench_clicks(one_disc_each, ErodingPredictor(), segmenter_name="f", held_out_only=True)
        assert report["n_objects"] == len(expected)
    else:
        with pytest.raises(DatasetError, match="held-out"):
            bench_clicks(one_disc_each, ErodingPredictor(), segmenter_name="f", held_out_only=True)


def test_components_of_each_label_are_objects_and_small_ones_are_not(tmp_path: Path) -> None:
    ids = disc(SIZE, 12, 12, 8) * 1 + disc(SIZE, 30, 70, 8) * 1 + disc(SIZE, 30, 40, 9) * 2 + disc(SIZE, 5, 80, 3) * 2
    save(tmp_path, "a", ids)
    (image,) = read_bench_images(tmp_path)
    assert sorted(int(o.sum()) for o in image.objects) == sorted(
        int(disc(SIZE, *d).sum()) for d in ((12, 12, 8), (30, 70, 8), (30, 40, 9))
    )


def test_touching_objects_come_apart_where_there_are_instances(tmp_path: Path) -> None:
    two = np.zeros(SIZE, int)
    two[10:30, 10:30], two[10:30, 30:60] = 1, 1000
    save(tmp_path, "a", two > 0, instances=two)
    (image,) = read_bench_images(tmp_path)
    assert [int(o.sum()) for o in image.objects] == [400, 600]


def test_three_objects_an_image_are_drawn_alike_whatever_else_is_asked(tmp_path: Path) -> None:
    many = np.zeros(SIZE, int)
    for k in range(8):
        many[10:20, k * 11 : k * 11 + 10] = k + 1
    for name in ("a", "b"):
        save(tmp_path, name, many > 0, instances=many)
    both = {i.stem: i for i in read_bench_images(tmp_path)}
    (alone,) = read_bench_images(tmp_path, stems=["b"])
    assert len(alone.objects) == 3
    assert all((x == y).all() for x, y in zip(alone.objects, both["b"].objects, strict=True))


def test_wide_grey_palette_and_grey_images_become_rgb(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 5000, 200).astype(np.uint16).reshape(10, 20)
    Image.fromarray(ramp).save(tmp_path / "wide.png")
    rgb = read_rgb(tmp_path / "wide.png")
    assert (rgb.shape, rgb.dtype, int(rgb[0, 0, 0]), int(rgb[-1, -1, 2])) == ((10, 20, 3), np.uint8, 0, 255)
    Image.fromarray(np.full((10, 20), 7, np.uint8)).save(tmp_path / "grey.png")
    assert (read_rgb(tmp_path / "grey.png") == 7).all()
    Image.fromarray(np.full((10, 20, 3), 9, np.uint8)).convert("P").save(tmp_path / "palette.png")
    assert read_rgb(tmp_path / "palette.png").shape == (10, 20, 3)


def test_a_broken_data_set_says_what_is_wrong(tmp_path: Path, one_disc_each: Path) -> None:
    def run() -> None:
        bench_clicks(one_disc_each, ErodingPredictor(), segmenter_name="f")

    with pytest.raises(DatasetError, match="no folder 'images/'"):
        bench_clicks(tmp_path / "nowhere", ErodingPredictor(), segmenter_name="f")
    with pytest.raises(InvalidPrompt, match="at least 1 object"):
        bench_clicks(one_disc_each, ErodingPredictor(), segmenter_name="f", limit=0)
    mask = one_disc_each / "masks" / "im1.png"
    content = mask.read_bytes()
    mask.write_bytes(content[:40])
    with pytest.raises(DatasetError, match=r"'masks/im1\.png' cannot be read"):
        run()
    Image.fromarray(np.ones(SIZE[::-1], np.uint8)).save(mask)
    with pytest.raises(DatasetError, match=r"\(90, 48\), its image \(48, 90\)"):
        run()
    mask.unlink()
    with pytest.raises(DatasetError, match=r"there is no 'masks/im1\.png'"):
        run()
    mask.write_bytes(content)
    (one_disc_each / "images" / "im1.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match="two images called 'im1'"):
        run()


def test_a_data_set_without_objects_is_refused(tmp_path: Path) -> None:
    save(tmp_path, "a", np.zeros(SIZE, int))
    with pytest.raises(DatasetError, match="no object"):
        bench_clicks(tmp_path, ErodingPredictor(), segmenter_name="f")


@pytest.mark.data
def test_the_builtin_model_gets_better_with_clicks_on_real_ultrasound() -> None:
    from prompts.registry import load_predictor

    folder = shared_data("us_nerve_usgra")
    report = bench_clicks(folder, load_predictor("builtin"), segmenter_name="builtin", limit=6, held_out_only=True)
    assert report["dice"]["1"] < report["dice"]["10"]
    assert report["dice"]["box"] > 0.5
