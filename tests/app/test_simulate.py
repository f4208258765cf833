"""Whole loops on small drawn data sets: the report's fields, splits, the annotator's cost, the cache."""

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from alcore.errors import InvalidInput, UnknownName
from alcore.loop import Answer
from app.cli import main
from app.demo import DemoPool, write_pool
from app.simulate import SimulationSettings, run_simulation, split
from app.simulate_data import load_images
from app.simulate_oracles import SegmentationOracle, VerifyingOracle, reference_objects

POOL = DemoPool(name="lesions", classes=("mass", "cyst"), n_images=10, group_by=r"(p\d+)_", batch_size=2)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_pool(tmp_path_factory.mktemp("simulate"), POOL)
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["stem", "label", "patient"])
        for image in POOL.draw():
            rows.writerow([image.name[:-4], ("none", "mass", "cyst")[image.labels.max()], image.name[:3]])
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def quick_head(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from alcore.heads import segmentation, training

    torch.set_num_threads(1)
    quick = partial(segmentation.train_segmentation_head, steps=2)
    monkeypatch.setattr(training, "TRAINERS", {**training.TRAINERS, "decoder": quick})


@pytest.mark.usefixtures("quick_head")
def test_segmentation_end_to_end_gives_the_fields_of_the_design(dataset: Path, cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    options = "--task segmentation --strategies random,entropy --cold-start kmeans_medoid --rounds 1 --batch-size 2"
    code = main(
        ["simulate", str(dataset), *options.split(), "--seeds", "1", "--prompts", "box", "--cache", str(cache),
         "--out", str(out)]
    )  # fmt: skip
    assert code == 0
    report = json.loads(out.read_text("utf-8"))
    assert set(report) == {
        "dataset", "task", "encoder", "segmenter", "head", "prompts", "full_supervision", "runs", "summary",
    }  # fmt: skip
    assert (report["dataset"], report["task"], report["prompts"]) == ("lesions", "segmentation", "box")
    assert (report["encoder"], report["segmenter"], report["head"]) == ("builtin", "builtin", "default")
    assert report["full_supervision"]["metric"] == "dice"
    assert [(run["strategy"], run["cold_start"], run["seed"]) for run in report["runs"]] == [
        ("random", "kmeans_medoid", 0),
        ("entropy", "kmeans_medoid", 0),
    ]
    for run in report["runs"]:
        assert [point["n_labeled"] for point in run["curve"]] == [2, 4]
        assert all(set(p) == {"round", "n_labeled", "clicks", "seconds", "metric", "value"} for p in run["curve"])
        assert 0 <= run["aubc"] <= 1
    assert report["runs"][0]["curve"][0] == report["runs"][1]["curve"][0]  # one seed, one cold start
    assert set(report["summary"]) == {"random", "entropy"}
    assert set(report["summary"]["random"]) == {"aubc_mean", "aubc_ci95", "seconds_to_95pct"}


def test_classification_end_to_end_costs_a_second_an_image(dataset: Path, cache: Path) -> None:
    settings = SimulationSettings(
        task="classification", strategies=("random", "margin"), rounds=2, batch_size=2, seeds=2, head="linear"
    )
    report = run_simulation(dataset, settings, cache=cache)
    assert (report["segmenter"], report["prompts"]) == (None, "class_tag")
    assert len(report["runs"]) == 4
    for run in report["runs"]:
        assert [(p["n_labeled"], p["seconds"], p["clicks"]) for p in run["curve"]] == [(2, 2, 2), (4, 4, 4), (6, 6, 6)]
        assert run["curve"][0]["metric"] == "balanced_accuracy"


def test_the_annotator_is_paid_by_the_cost_table_and_asked_once_an_image(dataset: Path, cache: Path) -> None:
    images = load_images(dataset, "segmentation")
    pool = np.arange(len(images.samples))
    oracle = SegmentationOracle(images, pool, prompts="box", segmenter="builtin", folder=cache / "one")
    rng = np.random.default_rng(0)
    first = oracle.answer(0, rng)
    assert (first.n_clicks, first.n_boxes, first.seconds) == (0, 1, 9.5)  # a box, and a look before accepting
    reference = oracle.truth(0) > 0
    overlap = 2 * (reference & (first.target > 0)).sum() / (reference.sum() + (first.target > 0).sum())
    assert overlap > 0.6

    again = SegmentationOracle(images, pool, prompts="box", segmenter="builtin", folder=cache / "one")
    again._predictor = None  # nothing to prompt with: the answer must come from disk
    kept = again.answer(0, rng)
    assert np.array_equal(kept.target, first.target)
    assert kept.seconds == first.seconds


def test_rough_masks_cost_fewer_clicks_and_are_kept_apart(dataset: Path, cache: Path) -> None:
    images, rng = load_images(dataset, "segmentation"), np.random.default_rng(0)
    pool = np.arange(len(images.samples))

    def answers(target_dice: float) -> list[Answer]:
        oracle = SegmentationOracle(
            images, pool, prompts="click", segmenter="builtin", folder=cache / "rough", target_dice=target_dice
        )
        return [oracle.answer(row, rng) for row in range(4)]

    first, rough, exact = answers(0.0), answers(0.7), answers(1.0)
    n_objects = [len(reference_objects(images.labels(i), images.instances(i))) for i in range(4)]
    assert [answer.n_clicks for answer in first] == n_objects
    assert [answer.seconds for answer in first] == [4.5 * n for n in n_objects]  # a click, and a look
    clicks = [sum(answer.n_clicks for answer in some) for some in (first, rough, exact)]
    assert clicks[0] <= clicks[1] < clicks[2]
    assert [a.n_clicks for a in answers(0.7)] == [a.n_clicks for a in rough]  # not what was kept of the others


def test_a_starting_mask_that_is_good_enough_is_kept(dataset: Path, tmp_path: Path) -> None:
    images = load_images(dataset, "segmentation")
    pool = np.arange(len(images.samples))
    labeler = SegmentationOracle(images, pool, prompts="exact", segmenter=None, folder=tmp_path)
    truth, rng = labeler.truth(0).astype(np.int16), np.random.default_rng(0)
    rows = np.flatnonzero((truth > 0).any(axis=1))
    offer = truth.copy()
    offer[rows[len(rows) // 2] :] = 0  # the upper half of the object: Dice two thirds
    seconds = {
        target: VerifyingOracle(labeler, images.n_classes + 1, target_dice=target).answer(0, rng, offer=offer).seconds
        for target in (0.5, 0.9)
    }
    assert seconds == {0.5: 2.5, 0.9: 56.5}


def test_exact_outlines_are_the_reference_and_cost_54_seconds_an_object(dataset: Path, tmp_path: Path) -> None:
    images = load_images(dataset, "segmentation")
    oracle = SegmentationOracle(
        images, np.arange(len(images.samples)), prompts="exact", segmenter=None, folder=tmp_path
    )
    answer = oracle.answer(0, np.random.default_rng(0))
    assert np.array_equal(answer.target, oracle.truth(0))
    assert answer.seconds == 54.0


def test_a_good_starting_mask_costs_a_look_and_a_bad_one_the_look_and_the_work(dataset: Path, tmp_path: Path) -> None:
    images = load_images(dataset, "segmentation")
    labeler = SegmentationOracle(
        images, np.arange(len(images.samples)), prompts="exact", segmenter=None, folder=tmp_path
    )
    oracle, rng = VerifyingOracle(labeler, images.n_classes + 1), np.random.default_rng(0)
    truth = oracle.truth(0).astype(np.int16)
    kept = oracle.answer(0, rng, offer=truth)
    assert (kept.seconds, kept.n_clicks, kept.n_boxes) == (2.5, 0, 0)
    assert np.array_equal(kept.target, truth)
    assert oracle.answer(0, rng, offer=np.zeros_like(truth)).seconds == 56.5
    wrong_class = np.where(truth > 0, 3 - truth, 0)
    assert oracle.answer(0, rng, offer=wrong_class).seconds == 56.5
    assert oracle.answer(0, rng).seconds == 54.0


@pytest.mark.usefixtures("quick_head")
def test_the_report_says_how_good_masks_were_enough(dataset: Path, cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    options = "--task segmentation --strategies random --rounds 1 --batch-size 2 --seeds 1 --prompts click"
    code = main(
        ["simulate", str(dataset), *options.split(), "--target-dice", "0.7", "--cache", str(cache), "--out", str(out)]
    )
    assert code == 0
    assert json.loads(out.read_text("utf-8"))["target_dice"] == 0.7


@pytest.mark.usefixtures("quick_head")
def test_verifying_begins_with_the_heads_own_masks(dataset: Path, cache: Path) -> None:
    settings = SimulationSettings(
        task="segmentation", strategies=("random",), prompts="verify", rounds=1, batch_size=2, seeds=1, full_value=1.0
    )
    report = run_simulation(dataset, settings, cache=cache)
    assert report["prompts"] == "verify"
    first, second = (point["seconds"] for point in report["runs"][0]["curve"])
    assert second - first >= 2 * (7 + 2.5 + 2.5)  # two steps teach nothing: looked at, then boxed


def test_touching_objects_are_told_apart_by_their_instances() -> None:
    labels = np.zeros((12, 20), np.uint8)
    labels[2:10, 2:8], labels[2:10, 8:14] = 1, 1
    instances = np.zeros((12, 20), np.int64)
    instances[2:10, 2:8], instances[2:10, 8:14], instances[0, 0] = 1, 2, 3
    assert len(reference_objects(labels, None)) == 1
    found = reference_objects(labels, instances)
    assert [(class_id, int(mask.sum())) for class_id, mask in found] == [(1, 48), (1, 48)]


def test_classes_and_pieces_are_objects_and_specks_are_not() -> None:
    labels = np.zeros((30, 50), np.uint8)
    labels[2:8, 2:8], labels[20:26, 40:46], labels[2:8, 8:14], labels[28, 0] = 1, 1, 2, 2
    assert [class_id for class_id, _ in reference_objects(labels, None)] == [1, 1, 2]


def test_upstreams_own_test_stems_win_and_groups_stay_whole() -> None:
    pool, test = split(["a", "test_b", "c", "test_d"], None)
    assert pool.tolist() == [0, 2]
    assert test.tolist() == [1, 3]
    groups = np.repeat(np.arange(20), 5).astype(object)
    pool, test = split([f"s{i}" for i in range(100)], groups)
    assert len(test) == 25
    assert not set(groups[pool]) & set(groups[test])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"task": "detection"}, "unknown task 'detection'"),
        ({"prompts": "scribble"}, "unknown kind of prompts 'scribble'; known: box, box\\+click, click, exact, verify"),
        ({"strategies": ("typiclst",)}, "unknown strategy 'typiclst'"),
        ({"cold_start": "entropy"}, "nothing is labeled yet"),
        ({"head": "linear"}, "is for classification"),
        ({"prompts": "click", "target_dice": 1.5}, r"target_dice must be in \[0, 1\].*1.5"),
        ({"target_dice": 0.7}, "nothing is corrected with prompts 'exact' of segmentation; leave it at 0.9, or use"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_known(
    changes: dict[str, object], says: str, dataset: Path, cache: Path
) -> None:
    wanted = {"task": "segmentation", "strategies": ("random",), "prompts": "exact", "batch_size": 2} | changes
    with pytest.raises((UnknownName, InvalidInput), match=says):
        run_simulation(dataset, SimulationSettings(**wanted), cache=cache)  # type: ignore[arg-type]


def test_a_folder_without_references_for_the_task_is_named(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "images").symlink_to(dataset / "images")
    (tmp_path / "masks").mkdir()
    source = next((dataset / "masks").glob("*.png"))
    (tmp_path / "masks" / source.name).write_bytes(source.read_bytes())
    with pytest.raises(InvalidInput, match=r"needs a mask for every image; .* lacks 9"):
        load_images(tmp_path, "segmentation")


@pytest.mark.parametrize("head", ["auto", "dense_prototype"])
def test_segmentation_runs_with_light_heads_and_says_so(dataset: Path, cache: Path, head: str) -> None:
    settings = SimulationSettings(
        task="segmentation",
        strategies=("random", "entropy"),
        rounds=1,
        batch_size=3,
        seeds=1,
        prompts="exact",
        head=head,
    )
    report = run_simulation(dataset, settings, cache=cache)
    assert report["head"] == head
    assert all(0 <= point["value"] <= 1 for run in report["runs"] for point in run["curve"])
    assert report["full_supervision"]["value"] > 0


def test_auto_chooses_among_the_cheap_heads_by_patients_kept_whole(
    dataset: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alcore.heads import measuring

    seen = []
    real = measuring.compare_classifiers

    def spy(names: tuple[str, ...], guess: object, targets: np.ndarray, *, groups: np.ndarray, seed: int) -> object:
        seen.append((names, groups))
        return real(names, guess, targets, groups=groups, seed=seed)  # type: ignore[arg-type]

    monkeypatch.setattr(measuring, "compare_classifiers", spy)
    settings = SimulationSettings(
        task="classification", strategies=("random",), rounds=1, batch_size=3, seeds=1, head="auto"
    )
    assert run_simulation(dataset, settings, cache=cache)["head"] == "auto"
    assert {names for names, _ in seen} == {("prototype", "linear", "knn")}
    assert all(str(group).startswith("p") for _, groups in seen for group in groups)
