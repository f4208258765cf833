"""Simulated annotators who label crowded images in windows: what they see, what they are paid, what heads learn."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alcore.errors import InvalidInput
from alcore.heads.base import HEAD_SIDE
from alcore.heads.registry import HEADS
from alcore.heads.training import train_head
from alcore.windows import window_mask
from app.cli import main
from app.simulate import SimulationSettings, run_simulation
from app.simulate_data import load_images
from app.simulate_oracles import SegmentationOracle, VerifyingOracle

CROWDED, SPARSE = 0, 1


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images of 64 x 96 with 24 squares each, and one with two of them, at place 1."""
    folder = tmp_path_factory.mktemp("crowd")
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    rng = np.random.default_rng(0)
    for number in range(9):
        labels = np.zeros((64, 96), np.uint8)
        for row in range(4):
            for column in range(6):
                if number != SPARSE or (row == 1 and column < 2):
                    labels[4 + 16 * row : 12 + 16 * row, 4 + 16 * column : 12 + 16 * column] = 1
        grey = np.clip(labels * 120 + 60 + rng.normal(0, 9, labels.shape), 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / "images" / f"i{number}.png")
        Image.fromarray(labels).save(folder / "masks" / f"i{number}.png")
    return folder


def oracle(dataset: Path, folder: Path, window_objects: int = 6, *, segmenter: str | None = None) -> SegmentationOracle:
    images = load_images(dataset, "segmentation")
    return SegmentationOracle(
        images, np.arange(9), prompts="box", segmenter=segmenter, folder=folder, window_objects=window_objects
    )


def test_a_crowded_image_is_labeled_in_a_window_and_paid_for_what_it_touches(dataset: Path, tmp_path: Path) -> None:
    annotator, rng = oracle(dataset, tmp_path), np.random.default_rng(0)
    window = annotator.window(CROWDED)
    assert window is not None
    assert (window[2] - window[0], window[3] - window[1]) == (48, 32)  # a quarter of the objects: half of each side
    answer, inside = annotator.answer(CROWDED, rng), window_mask(window, (64, 96))
    assert (answer.target[~inside] == 255).all()
    assert np.array_equal(answer.target[inside], annotator.truth(CROWDED)[inside])
    rows = sum(window[1] < 12 + 16 * i and window[3] > 4 + 16 * i for i in range(4))
    columns = sum(window[0] < 12 + 16 * i and window[2] > 4 + 16 * i for i in range(6))
    assert answer.seconds == 54 * rows * columns + 2.5  # outlines, and the look that chooses the window
    assert set(np.unique(annotator.truth(CROWDED))) == {0, 1}


def test_an_image_that_is_not_crowded_is_labeled_whole_and_so_is_every_one_without_windows(
    dataset: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    assert oracle(dataset, tmp_path).window(SPARSE) is None
    assert oracle(dataset, tmp_path).answer(SPARSE, rng).seconds == 2 * 54
    assert oracle(dataset, tmp_path, 24).window(CROWDED) is None
    whole = oracle(dataset, tmp_path / "whole", 0)
    assert whole.window(CROWDED) is None
    assert whole.answer(CROWDED, rng).seconds == 24 * 54


def test_an_image_keeps_its_window_whoever_asks_and_images_differ(dataset: Path, tmp_path: Path) -> None:
    one, other = oracle(dataset, tmp_path / "a"), oracle(dataset, tmp_path / "b")
    assert [one.window(row) for row in range(9)] == [other.window(row) for row in range(9)]
    assert len({one.window(row) for row in range(9)}) > 3
    answers = [o.answer(CROWDED, np.random.default_rng(s)).target for s, o in enumerate((one, other))]
    assert np.array_equal(*answers)


def test_answers_of_other_windows_are_kept_apart(dataset: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    targets = [oracle(dataset, tmp_path, k, segmenter="builtin").answer(CROWDED, rng).target for k in (6, 12, 0, 6)]
    n_ignored = [int((target == 255).sum()) for target in targets]
    assert n_ignored[0] == n_ignored[3] > n_ignored[1] > n_ignored[2] == 0
    assert len(list((tmp_path / "pseudo_masks").iterdir())) == 3


def test_a_starting_mask_is_verified_within_the_window_alone(dataset: Path, tmp_path: Path) -> None:
    labeler = oracle(dataset, tmp_path)
    annotator, rng = VerifyingOracle(labeler, 2), np.random.default_rng(0)
    window = labeler.window(CROWDED)
    assert window is not None
    inside = window_mask(window, (64, 96))
    wrong_outside = np.where(inside, annotator.truth(CROWDED), 0).astype(np.int16)
    kept = annotator.answer(CROWDED, rng, offer=wrong_outside)
    assert kept.seconds == 2 * 2.5  # it is looked at, and the window chosen
    assert (kept.target[~inside] == 255).all()
    redone = annotator.answer(CROWDED, rng, offer=np.zeros((64, 96), np.int16))
    assert redone.seconds == labeler.answer(CROWDED, rng).seconds + 2.5
    whole = annotator.answer(SPARSE, rng, offer=annotator.truth(SPARSE).astype(np.int16))
    assert whole.seconds == 2.5


@pytest.mark.parametrize("name", [name for name, kind in HEADS.items() if kind.task == "segmentation"])
def test_no_head_learns_from_pixels_outside_a_window(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from alcore.heads import segmentation

    torch.set_num_threads(1)
    monkeypatch.setattr(segmentation, "default_steps", lambda _n: 3)
    rng = np.random.default_rng(0)
    dense = rng.random((2, 4, 16, 16), np.float32)
    images = rng.integers(0, 256, (2, HEAD_SIDE, HEAD_SIDE, 3), np.uint8)
    targets = rng.integers(0, 2, (2, HEAD_SIDE, HEAD_SIDE)).astype(np.uint8)
    outside = ~window_mask((20, 40, 90, 100), (HEAD_SIDE, HEAD_SIDE))
    ignored = np.where(outside, 255, targets).astype(np.uint8)
    weightless = np.broadcast_to(~outside, targets.shape).astype(np.float32)
    by_label = train_head(name, dense, images, ignored, 2, seed=0, n_members=1).predict(dense, images)
    other_truth = np.where(outside, 1 - targets, targets).astype(np.uint8)
    for labels in (targets, other_truth):
        by_weight = train_head(name, dense, images, labels, 2, weights=weightless, seed=0, n_members=1)
        np.testing.assert_allclose(by_weight.predict(dense, images), by_label, atol=1e-5)


def test_simulate_takes_windows_from_the_command_line_and_names_them(dataset: Path, tmp_path: Path) -> None:
    options = "--task segmentation --strategies random --cold-start random --rounds 1 --batch-size 2 --seeds 1"
    seconds = {}
    for k in (0, 6):
        out = tmp_path / f"{k}.json"
        extra = ["--window-objects", str(k)] if k else []
        code = main(["simulate", str(dataset), *options.split(), "--prompts", "exact", "--head", "dense_linear",
                     "--cache", str(tmp_path), "--out", str(out), *extra])  # fmt: skip
        assert code == 0
        report = json.loads(out.read_text("utf-8"))
        assert report.get("window_objects") == (k or None)
        seconds[k] = report["runs"][0]["curve"][-1]["seconds"]
        full = report["full_supervision"]["value"]
    assert full > 0.5  # measured and taught on whole references, windows or not
    assert seconds[6] < seconds[0] / 2


@pytest.mark.parametrize(("task", "k"), [("segmentation", -1), ("classification", 3)])
def test_windows_are_for_segmentation_and_count_from_one(dataset: Path, task: str, k: int) -> None:
    with pytest.raises(InvalidInput, match=f"window_objects must be 0 .*got {k} in {task}"):
        run_simulation(dataset, SimulationSettings(task=task, strategies=("random",), window_objects=k))
