"""`prompts.sam` against segment_anything's own SamPredictor: a tiny model of the same classes, non-square images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from segment_anything import SamPredictor
from segment_anything.modeling import Sam

from prompts.errors import CheckpointError, InvalidPrompt, StateMismatch
from prompts.predictor import POINTS_PER_STROKE, as_points
from prompts.registry import load_predictor
from prompts.sam import SamModel, load_sam
from prompts.types import Box, MaskPrediction, Point, Prompt, Scribble
from tests.prompts.threads import assert_images_never_mix
from tests.prompts.tiny_sam import IMAGE_PX, make_sam

torch.set_num_threads(1)
SIZE = (30, 50)
SCALE_XY = np.array([64 / 50, 38 / 30])


@pytest.fixture(scope="module")
def sam() -> Sam:
    return make_sam()


@pytest.fixture(scope="module")
def checkpoint(sam: Sam, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sam") / "tiny.pth"
    torch.save(sam.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> SamModel:
    return load_sam(checkpoint, precision="float32")


def disc_image(size: tuple[int, int] = SIZE, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[: size[0], : size[1]]
    disc = (rows - size[0] * 0.7) ** 2 + (cols - size[1] * 0.2) ** 2 < (min(size) / 4) ** 2
    return np.clip(disc[..., None] * [150, 120, 60] + rng.integers(0, 90, (*size, 3)), 0, 255).astype(np.uint8)


def reference(
    sam: Sam, image: np.ndarray, prompt: Prompt, *, multimask: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ask SamPredictor; it scales before it adds half a pixel, so its numbers for our points are these."""
    predictor = SamPredictor(sam)
    predictor.set_image(image)
    height, width = image.shape[:2]
    h, w = predictor.input_size
    half = 0.5 / np.array([w / width, h / height])
    points, box = prompt.points, prompt.box
    logits = prompt.low_res_logits
    return predictor.predict(
        point_coords=np.array([(p.x, p.y) for p in points]) - half if points else None,
        point_labels=np.array([p.label for p in points]) if points else None,
        box=np.array([box.x0, box.y0, box.x1, box.y1]) - np.tile(half, 2) if box else None,
        mask_input=None if logits is None else logits[None],
        multimask_output=multimask,
    )


def assert_equal(ours: MaskPrediction, theirs: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    np.testing.assert_allclose(ours.low_res_logits, theirs[2], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.predicted_iou, theirs[1], rtol=1e-4, atol=1e-5)
    assert ours.masks.shape == theirs[0].shape
    assert (ours.masks != theirs[0]).mean() < 1e-3


ONE = (Point(10.3, 21.0),)
TWO = (Point(10.3, 21.0), Point(44.9, 3.2, 0))
BOX = Box(2.0, 12.5, 19.0, 30.0)
LOGITS = np.random.default_rng(3).normal(size=(32, 32)).astype(np.float32)


@pytest.mark.parametrize("size", [SIZE, (50, 30), (90, 41), (64, 64)])
def test_masks_agree_with_sam_predictor_on_every_shape_of_image(
    sam: Sam, model: SamModel, size: tuple[int, int]
) -> None:
    image = disc_image(size)
    prompt = Prompt(points=(Point(size[1] * 0.2, size[0] * 0.7),))
    ours = model.predict(model.embed(image), prompt)
    assert_equal(ours, reference(sam, image, prompt, multimask=True))
    assert ours.masks.shape == (3, *size)
    assert 0.01 < ours.masks.mean() < 0.99  # a mask that is all or nothing would agree about anything


@pytest.mark.parametrize("multimask", [True, False])
@pytest.mark.parametrize(
    "prompt",
    [
        Prompt(points=ONE),
        Prompt(points=TWO),
        Prompt(box=BOX),
        Prompt(points=TWO, box=BOX),
        Prompt(points=TWO, low_res_logits=LOGITS),
        Prompt(points=ONE, box=BOX, low_res_logits=LOGITS),
    ],
)
def test_every_kind_of_prompt_agrees_with_sam_predictor(
    sam: Sam, model: SamModel, prompt: Prompt, multimask: bool
) -> None:
    image = disc_image()
    ours = model.predict(model.embed(image), prompt, multimask=multimask)
    assert_equal(ours, reference(sam, image, prompt, multimask=multimask))


def test_only_a_single_bare_click_gets_three_candidates_and_the_best_is_chosen(model: SamModel) -> None:
    state = model.embed(disc_image())
    prediction = model.predict(state, Prompt(points=ONE))
    assert len(prediction.masks) == 3
    assert prediction.chosen == int(np.argmax(prediction.predicted_iou))
    for prompt in (Prompt(points=TWO), Prompt(box=BOX), Prompt(points=ONE, low_res_logits=LOGITS)):
        assert len(model.predict(state, prompt).masks) == 1


def test_a_stroke_is_asked_as_a_few_points_along_it_and_gets_one_mask(model: SamModel) -> None:
    state = model.embed(disc_image())
    stroke = Scribble(((4.0, 20.0), (16.0, 20.0), (16.0, 23.0)), 0)  # 15 long
    points = as_points(Prompt(points=ONE, scribbles=(stroke,)), SIZE)
    assert points == (*ONE, Point(4.0, 20.0, 0), Point(9.0, 20.0, 0), Point(14.0, 20.0, 0), Point(16.0, 23.0, 0))
    assert len(points) == 1 + POINTS_PER_STROKE
    stroked = model.predict(state, Prompt(points=ONE, scribbles=(stroke,)))
    assert len(stroked.masks) == 1
    np.testing.assert_array_equal(stroked.low_res_logits, model.predict(state, Prompt(points=points)).low_res_logits)
    alone = Prompt(scribbles=(Scribble(((4.0, 20.0),)),))
    assert as_points(alone, SIZE) == (Point(4.0, 20.0),)
    assert len(model.predict(state, alone).masks) == 1
    assert len(as_points(Prompt(scribbles=(Scribble(((4.0, 20.0), (4.5, 20.0))),)), SIZE)) == 2


def test_its_own_logits_can_be_fed_back_and_change_the_answer(model: SamModel) -> None:
    state = model.embed(disc_image())
    first = model.predict(state, Prompt(points=ONE))
    fed = first.low_res_logits[first.chosen]
    second = model.predict(state, Prompt(points=ONE, low_res_logits=fed), multimask=False)
    plain = model.predict(state, Prompt(points=ONE), multimask=False)
    assert not np.allclose(second.low_res_logits, plain.low_res_logits)


def test_two_images_in_eight_threads_never_mix(model: SamModel) -> None:
    assert_images_never_mix(model, [disc_image(seed=k) for k in range(2)], Prompt(points=TWO))


def test_the_state_knows_its_image_and_its_weight_in_bytes(model: SamModel) -> None:
    state = model.embed(disc_image())
    assert state.image_size == SIZE
    assert state.n_bytes == 32 * 8 * 8 * 4


def test_bad_prompts_and_foreign_states_are_refused(model: SamModel, tmp_path: Path) -> None:
    state = model.embed(disc_image())
    with pytest.raises(InvalidPrompt, match="outside the image"):
        model.predict(state, Prompt(points=(Point(21.0, 40.0),)))
    with pytest.raises(InvalidPrompt, match=r"takes \(32, 32\)"):
        model.predict(state, Prompt(points=ONE, low_res_logits=np.zeros((16, 32), np.float32)))
    torch.save(make_sam(1).state_dict(), tmp_path / "other.pth")
    other = load_sam(tmp_path / "other.pth", precision="float32")
    with pytest.raises(StateMismatch, match="embed it again"):
        other.predict(state, Prompt(points=ONE))


def test_bfloat16_stays_near_float32_and_is_part_of_the_model_id(checkpoint: Path, model: SamModel) -> None:
    half = load_sam(checkpoint, precision="bfloat16")
    assert half.model_id == model.model_id + "+bf16"
    exact, near = model.embed(disc_image()).features, half.embed(disc_image()).features
    assert near.dtype == torch.float32
    assert float((exact - near).abs().mean() / exact.abs().mean()) < 0.05


def test_a_file_loads_the_same_as_safetensors_or_wrapped_or_with_pixel_statistics(
    sam: Sam, model: SamModel, tmp_path: Path
) -> None:
    state_dict = sam.state_dict()
    save_file(state_dict, tmp_path / "tiny.safetensors")
    torch.save({"model": {f"module.{k}": v for k, v in state_dict.items()}, "epoch": 3}, tmp_path / "wrapped.pth")
    torch.save(state_dict | {"pixel_mean": sam.pixel_mean, "pixel_std": sam.pixel_std}, tmp_path / "old.pth")
    expected = model.embed(disc_image()).features
    for name in ("tiny.safetensors", "wrapped.pth", "old.pth"):
        features = load_sam(tmp_path / name, precision="float32").embed(disc_image()).features
        assert torch.allclose(features, expected, atol=1e-5), name


def test_half_precision_files_are_computed_in_float32(sam: Sam, tmp_path: Path) -> None:
    torch.save({k: v.half() for k, v in sam.state_dict().items()}, tmp_path / "half.pth")
    assert load_sam(tmp_path / "half.pth", precision="float32").embed(disc_image()).features.dtype == torch.float32


def test_the_registry_opens_a_spec_and_checks_the_size(checkpoint: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"24 wide and 3 blocks deep \(no published size\).*sam_vit_b is 768 wide"
    ):
        load_predictor(f"sam_vit_b:{checkpoint}")
    with pytest.raises(CheckpointError, match="sam_vit_h is 1280 wide"):
        load_predictor("sam_vit_h", checkpoint=checkpoint)


def test_two_weights_files_have_two_model_ids(model: SamModel, checkpoint: Path, tmp_path: Path) -> None:
    torch.save(make_sam(1).state_dict(), tmp_path / "other.pth")
    assert model.model_id.startswith("sam_custom@")
    assert load_sam(checkpoint, precision="float32").model_id == model.model_id
    assert load_sam(tmp_path / "other.pth", precision="float32").model_id != model.model_id


def test_the_tiny_model_has_the_frame_that_these_tests_speak_of(model: SamModel) -> None:
    frame = model._frame(SIZE)
    assert frame.side_px == IMAGE_PX
    np.testing.assert_allclose(frame.to_sam(np.array([[50.0, 30.0]])), [SCALE_XY * [50, 30] - 0.5])
