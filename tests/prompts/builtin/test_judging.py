"""Choosing among the masks of a first click: what describes a mask, who judges it, and which three are offered."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from prompts.builtin import judging
from prompts.builtin.engine import Engine
from prompts.builtin.frames import View
from prompts.builtin.judging import SHIFTS, SIDE, Judge
from prompts.builtin.predictor import WEIGHTS, BuiltinPredictor
from prompts.builtin.training import judge as training
from prompts.errors import CheckpointError
from prompts.types import Point, Prompt

N_FEATURES = 46


def judge_of(feature: int, *, n_units: int = 2) -> Judge:
    """One that takes a twentieth of one feature, where it is positive, for the Dice."""
    w1 = np.zeros((1, N_FEATURES, n_units), np.float32)
    w1[0, feature, 0] = 1
    w2 = np.zeros((1, n_units), np.float32)
    w2[0, 0] = 0.1
    zeros, ones = np.zeros(N_FEATURES, np.float32), np.ones(N_FEATURES, np.float32)
    return Judge(zeros, 2 * ones, w1, np.zeros((1, n_units), np.float32), w2, np.zeros(1, np.float32))


def hill(row: float, col: float, radius: float, side: int = SIDE) -> np.ndarray:
    """Logits that are positive within `radius` cells and fall by 0.25 a cell."""
    rows, cols = np.mgrid[:side, :side]
    return ((radius - np.hypot(rows - row, cols - col)) / 4).astype(np.float32)


def test_masks_are_the_parts_that_hold_the_click() -> None:
    logits = np.maximum(hill(20, 40, 6), hill(50, 10, 6))
    masks = judging.parts_at(np.stack([logits > 0, logits > -1]), 20, 40)
    assert masks[0, 20, 40]
    assert not masks[:, 50, 10].any()
    assert masks[1].sum() > masks[0].sum()


def test_a_clicked_cell_belongs_to_its_mask_even_where_the_network_says_no() -> None:
    masks = judging.parts_at(np.zeros((1, SIDE, SIDE), np.bool_), 3, 60)
    assert masks.sum() == 1
    assert masks[0, 3, 60]


def test_a_cell_grows_to_three_by_three() -> None:
    masks = np.zeros((1, SIDE, SIDE), np.bool_)
    masks[0, 10, 20] = True
    grown = judging.grown(masks)
    assert grown.sum() == 9
    assert grown[0, 9:12, 19:22].all()


def test_colours_of_a_mask_by_hand() -> None:
    masks = np.zeros((1, 1, 4), np.bool_)
    masks[0, 0, :2] = True
    colours = np.array([[[1.0, 3.0, 9.0, 9.0]], [[0, 0, 9, 9]], [[2, 2, 9, 9]]], np.float32)
    mean, variance = judging.colours_of(masks, colours)
    np.testing.assert_allclose(mean, [[2.0, 0.0, 2.0]])
    np.testing.assert_allclose(variance, [1.0])
    np.testing.assert_allclose(judging.means(np.concatenate([masks, ~masks & False]), colours[:1]), [[2.0], [0.0]])


def test_the_own_answer_is_the_first_candidate_and_differs_from_itself_in_nothing() -> None:
    logits = np.stack([hill(30, 12, 8), hill(30, 12, 4)])
    pixels = np.random.default_rng(0).normal(size=(3, SIDE, SIDE)).astype(np.float32)
    features, masks = judging.describe(logits, np.float32([0.7, 0.4]), pixels, 30, 12)
    assert features.shape == (2 * len(SHIFTS), N_FEATURES)
    np.testing.assert_array_equal(masks[0], logits[0] > 0)
    n_own = (N_FEATURES - 4) // 3
    assert not features[0, n_own : 2 * n_own].any()
    np.testing.assert_allclose(features[0, -4:], [0, 0.7, 0.7, 1])
    np.testing.assert_allclose(features[len(SHIFTS), -4:], [0, 0.4, 0.7, 0], rtol=1e-6)


def test_contrast_and_edges_are_highest_where_the_mask_ends_with_the_object() -> None:
    rows, cols = np.mgrid[:SIDE, :SIDE]
    pixels = np.repeat((np.hypot(rows - 30, cols - 20) <= 10).astype(np.float32)[None], 3, axis=0)
    masks = np.stack([np.hypot(rows - 30, cols - 20) <= radius for radius in (5, 10, 15)])
    own = judging.of_masks(masks, np.zeros(masks.shape, np.float32), pixels, 30, 20)
    assert own[:, 1].argmax() == 1
    assert own[:, 3].argmax() == 1


def test_three_masks_are_offered_that_are_unlike_each_other() -> None:
    rows, cols = np.mgrid[:SIDE, :SIDE]
    masks = np.stack([np.hypot(rows - 30, cols - 20) <= radius for radius in (10, 10.4, 4, 20)])
    assert judging.unlike(masks, np.array([0.9, 0.8, 0.3, 0.5])).tolist() == [0, 3, 2]
    assert judging.unlike(masks[:3], np.array([0.9, 0.8, 0.3])).tolist() == [0, 2, 1]


def test_parts_without_the_click_are_lowered() -> None:
    logits = np.maximum(hill(20, 40, 6), hill(50, 10, 6))
    judging.only_part_at(logits, 20, 40)
    assert logits[20, 40] > 0
    assert logits[50, 10] == judging.ELSEWHERE_LOGIT


def test_a_judge_is_the_mean_of_its_networks() -> None:
    rng = np.random.default_rng(1)
    shapes = ((5,), (5,), (3, 5, 4), (3, 4), (3, 4), (3,))
    judge = Judge(*(rng.uniform(0.5, 1, shape).astype(np.float32) for shape in shapes))
    x = rng.normal(size=(7, 5)).astype(np.float32)
    z = (x - judge.mean) / judge.deviation
    each = [np.maximum(z @ judge.w1[e] + judge.b1[e], 0) @ judge.w2[e] + judge.b2[e] for e in range(3)]
    np.testing.assert_allclose(judge.predict(x), np.mean(each, axis=0), rtol=1e-4)


def test_the_chosen_mask_is_the_one_that_the_judge_prefers() -> None:
    logits = np.stack([hill(60, 24, 10, 128), hill(60, 24, 30, 128)])
    pixels = np.zeros((3, 128, 128), np.float32)
    view = View(0, 2.0, 64, 32)
    click = Point((24.5 * 2 + 64) / 2.0, (60.5 * 2 + 32) / 2.0)
    assert judging.cell_of(view, click) == (30, 12)
    chosen, iou = judging.choose(judge_of(0), logits, np.float32([0.5, 0.5]), pixels, view, click)
    assert chosen.shape == (3, 128, 128)
    assert (chosen[0] > 0).sum() == (logits[1] + max(SHIFTS) > 0).sum()
    assert 0 < iou[0] < 1


def test_weights_without_a_judge_answer_by_the_network_alone(tmp_path: Path) -> None:
    tensors = {name: value for name, value in load_file(WEIGHTS).items() if not name.startswith("judge.")}
    save_file(tensors, tmp_path / "plain.safetensors")
    plain = BuiltinPredictor(tmp_path / "plain.safetensors")
    found = plain.predict(plain.embed(np.full((80, 120, 3), 90, np.uint8)), Prompt(points=(Point(60.0, 40.0),)))
    assert found.masks.shape == (3, 80, 120)


def test_a_judge_with_an_array_missing_is_refused(tmp_path: Path) -> None:
    tensors = load_file(WEIGHTS) | judge_of(0).tensors()
    del tensors["judge.w2"]
    save_file(tensors, tmp_path / "odd.safetensors")
    with pytest.raises(CheckpointError, match="judge"):
        Engine((tmp_path / "odd.safetensors").read_bytes(), source=tmp_path / "odd.safetensors")


def test_an_adapted_decoder_is_not_judged() -> None:
    engine = Engine(WEIGHTS.read_bytes(), source=WEIGHTS)
    adapted = Engine(WEIGHTS.read_bytes(), source=WEIGHTS, decoder=engine.copy_of_decoder().state_dict())
    assert engine.judge is not None
    assert adapted.judge is None


def test_a_part_shows_its_object_whole_and_large() -> None:
    mask = np.zeros((300, 500), np.bool_)
    mask[100:140, 200:260] = True
    rgb = np.zeros((300, 500, 3), np.uint8)
    for seed in range(10):
        part = training.part_around(rgb, mask, np.random.default_rng(seed))
        assert part is not None
        assert part[1].sum() == mask.sum()
        assert 0.25 < 60 / max(part[1].shape) <= 0.9


def test_fitting_finds_which_candidate_is_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "STEPS", 250)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 6, 5)).astype(np.float32)
    dice = 1 / (1 + np.exp(-features[..., 2]))
    torch.set_num_threads(1)
    judge = training.fit([(features[:150], dice[:150])])
    chosen = [d[judge.predict(f).argmax()] for f, d in zip(features[150:], dice[150:], strict=True)]
    assert np.mean(chosen) > 0.95 * dice[150:].max(1).mean()
