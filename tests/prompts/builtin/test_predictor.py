"""The shipped model on made-up images: where masks land, what comes back, and what is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Bool, UInt8

from prompts.builtin.answers import candidates, never_empty
from prompts.builtin.frames import View, feedback_shape
from prompts.builtin.judging import Judge
from prompts.builtin.predictor import WEIGHTS, BuiltinPredictor
from prompts.errors import CheckpointError, InvalidPrompt, StateMismatch
from prompts.geometry import pixels_along
from prompts.types import Box, ImageState, Point, Prompt, Scribble
from tests.prompts.threads import assert_images_never_mix

HEIGHT, WIDTH = 240, 400
DISC_X, DISC_Y, DISC_R = 300.0, 70.0, 40.0


def disc(height: int, width: int, x: float, y: float, radius: float) -> Bool[np.ndarray, "h w"]:
    rows, cols = np.mgrid[:height, :width] + 0.5
    return (rows - y) ** 2 + (cols - x) ** 2 <= radius**2


def noisy_image(mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    grey = np.where(mask, 190.0, 60.0) + np.random.default_rng(0).normal(0, 12, mask.shape)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def dice(a: Bool[np.ndarray, "h w"], b: Bool[np.ndarray, "h w"]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


TRUTH = disc(HEIGHT, WIDTH, DISC_X, DISC_Y, DISC_R)
CLICK = Prompt(points=(Point(DISC_X, DISC_Y),))


@pytest.fixture(scope="module")
def predictor() -> BuiltinPredictor:
    return BuiltinPredictor()


@pytest.fixture(scope="module")
def state(predictor: BuiltinPredictor) -> ImageState:
    return predictor.embed(noisy_image(TRUTH))


def test_a_click_in_an_off_centre_disc_of_a_wide_image_gives_the_disc(
    predictor: BuiltinPredictor, state: ImageState
) -> None:
    found = predictor.predict(state, CLICK)
    assert found.mask[int(DISC_Y), int(DISC_X)]
    assert dice(found.mask, TRUTH) > 0.7


def test_two_images_in_eight_threads_never_mix(predictor: BuiltinPredictor) -> None:
    images = [noisy_image(truth) for truth in (TRUTH, disc(HEIGHT, WIDTH, 90.0, 160.0, 30.0))]
    assert_images_never_mix(predictor, images, Prompt(points=(Point(95.0, 150.0),)))


def test_a_click_in_a_tall_image_gives_the_disc(predictor: BuiltinPredictor) -> None:
    truth = disc(400, 150, 40.0, 310.0, 30.0)
    found = predictor.predict(predictor.embed(noisy_image(truth)), Prompt(points=(Point(40.0, 310.0),)))
    assert dice(found.mask, truth) > 0.7


def test_a_box_gives_the_disc(predictor: BuiltinPredictor, state: ImageState) -> None:
    box = Box(DISC_X - DISC_R, DISC_Y - DISC_R, DISC_X + DISC_R, DISC_Y + DISC_R)
    found = predictor.predict(state, Prompt(box=box))
    assert found.masks.shape == (1, HEIGHT, WIDTH)
    assert dice(found.mask, TRUTH) > 0.85


def test_a_box_around_a_small_object_of_a_large_image_is_looked_at_closely(predictor: BuiltinPredictor) -> None:
    truth = disc(600, 900, 700.0, 130.0, 20.0)
    state = predictor.embed(noisy_image(truth))
    found = predictor.predict(state, Prompt(box=Box(680.0, 110.0, 720.0, 150.0)))
    assert dice(found.mask, truth) > 0.8


@pytest.mark.parametrize(("closer_iou", "is_believed"), [(0.75, True), (0.65, False)])
def test_a_closer_look_that_expects_much_less_is_not_believed(
    predictor: BuiltinPredictor,
    state: ImageState,
    monkeypatch: pytest.MonkeyPatch,
    closer_iou: float,
    is_believed: bool,
) -> None:
    looks: list[View] = []

    def choose(_judge: Judge, logits: np.ndarray, _iou: object, _colours: object, view: View, _click: Point) -> tuple:
        looks.append(view)
        return logits[:3], np.full(3, closer_iou if view.level else 0.8, np.float32)

    monkeypatch.setattr("prompts.builtin.predictor.choose", choose)
    expected = predictor.predict(state, CLICK).predicted_iou[0]
    assert [view.level for view in looks] == [0, 1]
    assert expected == pytest.approx(closer_iou if is_believed else 0.8)


def test_a_single_click_has_three_candidates_and_more_prompts_one(
    predictor: BuiltinPredictor, state: ImageState
) -> None:
    found = predictor.predict(state, CLICK)
    low_h, low_w = feedback_shape(HEIGHT, WIDTH)
    assert found.masks.shape == (3, HEIGHT, WIDTH)
    assert found.masks.dtype == np.bool_
    assert found.predicted_iou.shape == (3,)
    assert found.low_res_logits.shape == (3, low_h, low_w)
    assert found.low_res_logits.dtype == np.float32
    assert found.chosen == 0
    np.testing.assert_array_equal(found.mask, predictor.predict(state, CLICK, multimask=False).mask)
    assert ((found.predicted_iou >= 0) & (found.predicted_iou <= 1)).all()
    two = Prompt(points=(*CLICK.points, Point(10.0, 200.0, 0)))
    assert len(predictor.predict(state, two).masks) == 1
    assert len(predictor.predict(state, two, multimask=True).masks) == 3
    assert len(predictor.predict(state, CLICK, multimask=False).masks) == 1


def test_fed_back_logits_and_a_background_click_take_an_area_away(predictor: BuiltinPredictor) -> None:
    left, right = disc(HEIGHT, WIDTH, 150.0, 120.0, 42.0), disc(HEIGHT, WIDTH, 226.0, 120.0, 42.0)
    state = predictor.embed(noisy_image(left | right))
    both = np.where(left | right, 6.0, -6.0).astype(np.float32)
    prompt = Prompt(points=(Point(140.0, 120.0), Point(240.0, 120.0, 0)), low_res_logits=both)
    found = predictor.predict(state, prompt)
    assert found.masks.shape[0] == 1
    assert not found.mask[120, 240]
    assert found.mask[120, 140]


def test_a_stroke_alone_gives_one_mask_that_holds_most_of_it(predictor: BuiltinPredictor, state: ImageState) -> None:
    stroke = Scribble(((DISC_X - 22, DISC_Y - 12), (DISC_X, DISC_Y + 4), (DISC_X + 20, DISC_Y + 15)))
    found = predictor.predict(state, Prompt(scribbles=(stroke,)))
    rows, cols = pixels_along(stroke).T
    assert found.masks.shape == (1, HEIGHT, WIDTH)
    assert found.mask[rows, cols].mean() > 0.9
    assert dice(found.mask, TRUTH) > 0.7
    assert len(predictor.predict(state, Prompt(points=CLICK.points, scribbles=(stroke,))).masks) == 1


def test_a_background_stroke_takes_an_area_away(predictor: BuiltinPredictor) -> None:
    left, right = disc(HEIGHT, WIDTH, 150.0, 120.0, 42.0), disc(HEIGHT, WIDTH, 226.0, 120.0, 42.0)
    state = predictor.embed(noisy_image(left | right))
    both = np.where(left | right, 6.0, -6.0).astype(np.float32)
    keep, away = Scribble(((140.0, 100.0), (140.0, 140.0))), Scribble(((240.0, 95.0), (240.0, 145.0)), 0)
    found = predictor.predict(state, Prompt(scribbles=(keep, away), low_res_logits=both))
    rows, cols = pixels_along(away).T
    assert found.mask[rows, cols].mean() < 0.2
    assert found.mask[120, 140]


def test_feeding_back_keeps_a_good_mask(predictor: BuiltinPredictor, state: ImageState) -> None:
    first = predictor.predict(state, CLICK)
    points = (*CLICK.points, Point(DISC_X, DISC_Y + 60, 0))
    again = predictor.predict(state, Prompt(points=points, low_res_logits=first.low_res_logits[first.chosen]))
    assert dice(again.mask, TRUTH) > 0.7


def test_an_answer_is_never_empty() -> None:
    unsure = np.full((4, 4), -6.0, np.float32)
    unsure[1, 2], unsure[2, 2] = -1.0, -1.2
    np.testing.assert_array_equal(np.argwhere(never_empty(unsure) > 0), [[1, 2], [2, 2]])
    np.testing.assert_array_equal(never_empty(-unsure), -unsure)


def test_the_candidate_most_like_the_single_answer_is_not_offered_twice() -> None:
    logits = np.full((4, 8, 8), -1.0, np.float32)
    logits[0, :4], logits[1, :1], logits[2, :4], logits[3, :8] = 1.0, 1.0, 1.0, 1.0
    assert candidates(logits, np.array([0.9, 0.2, 0.9, 0.5], np.float32)) == [0, 3, 1]


def test_the_same_question_gets_the_same_answer(predictor: BuiltinPredictor) -> None:
    image = noisy_image(TRUTH)
    first, second = (predictor.predict(predictor.embed(image), CLICK) for _ in range(2))
    np.testing.assert_array_equal(first.low_res_logits, second.low_res_logits)
    np.testing.assert_array_equal(first.predicted_iou, second.predicted_iou)


def test_embedding_leaves_the_image_alone_and_reports_its_memory(predictor: BuiltinPredictor) -> None:
    image = noisy_image(TRUTH)
    image.flags.writeable = False
    state = predictor.embed(image)
    assert state.image_size == (HEIGHT, WIDTH)
    assert 100_000 < state.n_bytes < 30_000_000


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (35, 51)])
def test_tiny_and_narrow_images_are_answered(predictor: BuiltinPredictor, shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 128, np.uint8)
    found = predictor.predict(predictor.embed(image), Prompt(points=(Point(shape[1] / 2, shape[0] / 2),)))
    assert found.masks.shape[1:] == shape


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt(),
        Prompt(points=(Point(WIDTH + 1.0, 5.0),)),
        Prompt(points=(Point(5.0, -0.5),)),
        Prompt(points=(Point(float("nan"), 5.0),)),
        Prompt(points=(Point(5.0, 5.0, 2),)),
        Prompt(scribbles=(Scribble(((5.0, 5.0), (5.0, HEIGHT + 0.0))),)),
        Prompt(box=Box(10.0, 10.0, 10.0, 50.0)),
        Prompt(box=Box(10.0, 10.0, WIDTH + 5.0, 50.0)),
        Prompt(points=(Point(5.0, 5.0),), low_res_logits=np.zeros((64, 64), np.float32)),
        Prompt(points=(Point(5.0, 5.0),), low_res_logits=np.full((HEIGHT, WIDTH), np.nan, np.float32)),
    ],
)
def test_a_wrong_prompt_is_refused(predictor: BuiltinPredictor, state: ImageState, prompt: Prompt) -> None:
    with pytest.raises(InvalidPrompt):
        predictor.predict(state, prompt)


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_a_wrong_image_is_refused(predictor: BuiltinPredictor, image: np.ndarray) -> None:
    with pytest.raises(InvalidPrompt):
        predictor.embed(image)


def test_a_state_of_another_model_is_refused(predictor: BuiltinPredictor) -> None:
    foreign = ImageState(model_id="sam-vit_b-0123456789ab", image_size=(HEIGHT, WIDTH), features=None)
    with pytest.raises(StateMismatch, match="sam-vit_b"):
        predictor.predict(foreign, CLICK)


def test_truncated_weights_are_refused_when_first_needed(tmp_path: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(WEIGHTS.read_bytes()[:200_000])
    with pytest.raises(CheckpointError, match="not a complete safetensors file"):
        BuiltinPredictor(cut).embed(noisy_image(TRUTH))


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    other = tmp_path / "other.safetensors"
    save_file({"layer.weight": np.zeros((2, 2), np.float32)}, other)
    with pytest.raises(CheckpointError, match="another model"):
        BuiltinPredictor(other).embed(noisy_image(TRUTH))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors"):
        _ = BuiltinPredictor(tmp_path / "gone.safetensors").model_id


def test_the_model_is_named_by_its_weights_which_are_small(predictor: BuiltinPredictor) -> None:
    assert predictor.model_id.startswith("builtin-")
    assert len(predictor.model_id) == len("builtin-") + 12
    assert WEIGHTS.stat().st_size <= 12_000_000


def test_importing_the_predictor_does_not_import_torch() -> None:
    code = "import sys, prompts.builtin.predictor, prompts.builtin.split; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
