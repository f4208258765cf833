"""`prompts.huggingface` against the processors and full passes of `transformers`: tiny models, non-square images."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from prompts.errors import InvalidPrompt, StateMismatch
from prompts.huggingface import HuggingFaceModel, load_huggingface
from prompts.predictor import Predictor, as_points
from prompts.registry import load_predictor
from prompts.types import Box, Point, Prompt, Scribble
from tests.prompts.threads import assert_images_never_mix
from tests.prompts.tiny_hf import FAMILIES, PATCH_PX, SIDE_PX, save_tiny

SIZE = (40, 64)
ONE = (Point(10.3, 21.0),)
TWO = (Point(10.3, 21.0), Point(44.9, 3.2, 0))
BOX = Box(2.0, 12.5, 19.0, 40.0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {family: tmp_path_factory.mktemp(family) for family in FAMILIES}
    for family, folder in folders.items():
        save_tiny(family, folder)
    return folders


@pytest.fixture(scope="module")
def models(folders: dict[str, Path]) -> dict[str, HuggingFaceModel]:
    return {family: load_huggingface(str(folder), precision="float32") for family, folder in folders.items()}


def picture(size: tuple[int, int] = SIZE, *, seed: int = 0) -> np.ndarray:
    rows, cols = np.mgrid[: size[0], : size[1]]
    disc = (rows - size[0] * 0.7) ** 2 + (cols - size[1] * 0.2) ** 2 < (min(size) / 4) ** 2
    noise = np.random.default_rng(seed).integers(0, 90, (*size, 3))
    return np.clip(disc[..., None] * [150, 120, 60] + noise, 0, 255).astype(np.uint8)


def processor_of(family: str) -> Any:
    import transformers

    if family in ("sam", "sam_hq"):
        square = {"height": SIDE_PX, "width": SIDE_PX}
        images = transformers.SamImageProcessor(size={"longest_edge": SIDE_PX}, pad_size=square)
        return transformers.SamProcessor(images)
    name = "Sam3" if family == "sam3_tracker" else "Sam2"
    images = getattr(transformers, f"{name}ImageProcessor")(size={"height": SIDE_PX, "width": SIDE_PX})
    return transformers.Sam2Processor(images)


def reference(family: str, folder: Path, image: np.ndarray, prompt: Prompt, *, multimask: bool) -> tuple[Any, Any, Any]:
    """Ask `transformers` from pixels to masks; it adds half a model pixel to our points, so they come without it."""
    import transformers

    from prompts.huggingface import FAMILIES as known

    height, width = image.shape[:2]
    longest = SIDE_PX / max(height, width)
    square = family not in ("sam", "sam_hq")
    scale_xy = np.array([SIDE_PX / width, SIDE_PX / height] if square else [longest, longest])
    half = 0.5 / scale_xy
    model = getattr(transformers, known[family].model_class).from_pretrained(folder).eval()
    processor = processor_of(family)
    prompts: dict[str, Any] = {}
    if prompt.points:
        prompts["input_points"] = [[[list(np.array([p.x, p.y]) - half) for p in prompt.points]]]
        prompts["input_labels"] = [[[p.label for p in prompt.points]]]
    if prompt.box is not None:
        corners = np.array([prompt.box.x0, prompt.box.y0, prompt.box.x1, prompt.box.y1]) - np.tile(half, 2)
        prompts["input_boxes"] = [[list(corners)]]
    inputs = processor(images=image, return_tensors="pt", **prompts)
    logits = prompt.low_res_logits
    with torch.no_grad():
        output = model(
            pixel_values=inputs["pixel_values"],
            **{name: inputs[name].float() for name in ("input_points", "input_boxes") if name in inputs},
            **({"input_labels": inputs["input_labels"]} if prompt.points else {}),
            **({"input_masks": torch.from_numpy(logits)[None, None]} if logits is not None else {}),
            multimask_output=multimask,
        )
    sizes = (inputs["original_sizes"],) if square else (inputs["original_sizes"], inputs["reshaped_input_sizes"])
    masks = processor.post_process_masks(output.pred_masks, *sizes)[0][0]
    return masks.numpy(), output.iou_scores[0, 0].numpy(), output.pred_masks[0, 0].numpy()


def logits_of(family: str) -> np.ndarray:
    side = 4 * SIDE_PX // PATCH_PX[family]
    return np.random.default_rng(3).normal(size=(side, side)).astype(np.float32)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["click", "clicks", "box", "box+click", "clicks+logits"])
def test_every_kind_of_prompt_agrees_with_transformers(
    models: dict[str, HuggingFaceModel], folders: dict[str, Path], family: str, kind: str
) -> None:
    prompt = {
        "click": Prompt(points=ONE),
        "clicks": Prompt(points=TWO),
        "box": Prompt(box=BOX),
        "box+click": Prompt(points=ONE, box=BOX),
        "clicks+logits": Prompt(points=TWO, low_res_logits=logits_of(family)),
    }[kind]
    # No family scales this image but those that stretch it, and they are given one that fills the square.
    size = SIZE if family in ("sam", "sam_hq") else (SIDE_PX, SIDE_PX)
    image, model = picture(size), models[family]
    ours = model.predict(model.embed(image), prompt)
    masks, iou, logits = reference(family, folders[family], image, prompt, multimask=kind == "click")
    np.testing.assert_allclose(ours.low_res_logits, logits, rtol=1e-3, atol=2e-4)
    np.testing.assert_allclose(ours.predicted_iou, iou, rtol=1e-3, atol=1e-4)
    assert ours.masks.shape == masks.shape == (3 if kind == "click" else 1, *size)
    assert (ours.masks != masks).mean() < 1e-3
    assert 0.01 < ours.masks.mean() < 0.99 or kind != "click"  # all or nothing would agree about anything


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [(30, 50), (90, 41)])
def test_images_of_any_shape_agree_up_to_the_resampling(
    models: dict[str, HuggingFaceModel], folders: dict[str, Path], family: str, size: tuple[int, int]
) -> None:
    image, model = picture(size), models[family]
    prompt = Prompt(points=(Point(size[1] * 0.2, size[0] * 0.7),))
    ours = model.predict(model.embed(image), prompt)
    masks, _, logits = reference(family, folders[family], image, prompt, multimask=True)
    assert np.abs(ours.low_res_logits - logits).mean() < 0.05 * np.abs(logits).mean()
    assert (ours.masks != masks).mean() < 0.05
    assert ours.masks.shape == (3, *size)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stroke_is_asked_as_a_few_points_along_it(models: dict[str, HuggingFaceModel], family: str) -> None:
    model = models[family]
    state = model.embed(picture())
    stroked = Prompt(points=ONE, scribbles=(Scribble(((4.0, 20.0), (16.0, 20.0), (16.0, 23.0)), 0),))
    ours = model.predict(state, stroked)
    asked = model.predict(state, Prompt(points=as_points(stroked, SIZE)))
    assert len(ours.masks) == 1
    np.testing.assert_array_equal(ours.low_res_logits, asked.low_res_logits)
    assert len(model.predict(state, Prompt(scribbles=stroked.scribbles)).masks) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_its_own_logits_can_be_fed_back_and_change_the_answer(models: dict[str, HuggingFaceModel], family: str) -> None:
    model = models[family]
    assert isinstance(model, Predictor)
    state = model.embed(picture())
    first = model.predict(state, Prompt(points=ONE))
    assert (len(first.masks), first.chosen) == (3, int(np.argmax(first.predicted_iou)))
    fed = first.low_res_logits[first.chosen]
    second = model.predict(state, Prompt(points=ONE, low_res_logits=fed))
    plain = model.predict(state, Prompt(points=ONE), multimask=False)
    assert len(second.masks) == 1
    assert not np.allclose(second.low_res_logits, plain.low_res_logits)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_state_knows_its_image_and_its_weight_in_bytes(models: dict[str, HuggingFaceModel], family: str) -> None:
    state = models[family].embed(picture())
    assert state.image_size == SIZE
    assert state.n_bytes == sum(4 * feature.numel() for feature in state.features)
    assert state.model_id.startswith(f"{family}-{family}")


def test_bad_prompts_and_foreign_states_are_refused(models: dict[str, HuggingFaceModel]) -> None:
    state = models["sam2"].embed(picture())
    with pytest.raises(InvalidPrompt, match="outside the image"):
        models["sam2"].predict(state, Prompt(points=(Point(10.0, 50.0),)))
    with pytest.raises(InvalidPrompt, match=r"takes \(16, 16\)"):
        models["sam2"].predict(state, Prompt(points=ONE, low_res_logits=np.zeros((8, 16), np.float32)))
    with pytest.raises(StateMismatch, match="embed it again"):
        models["edgetam"].predict(state, Prompt(points=ONE))


@pytest.mark.parametrize("family", FAMILIES)
def test_two_images_in_eight_threads_never_mix(models: dict[str, HuggingFaceModel], family: str) -> None:
    assert_images_never_mix(models[family], [picture(seed=k) for k in range(2)], Prompt(points=TWO))


@pytest.mark.parametrize("family", ["sam", "sam2", "edgetam"])
def test_bfloat16_stays_near_float32_and_is_part_of_the_model_id(
    models: dict[str, HuggingFaceModel], folders: dict[str, Path], family: str
) -> None:
    half = load_huggingface(str(folders[family]), precision="bfloat16")
    assert half.model_id == models[family].model_id + "+bf16"
    exact, near = models[family].embed(picture()).features[-1], half.embed(picture()).features[-1]
    assert near.dtype == torch.float32
    assert float((exact - near).abs().mean() / exact.abs().mean()) < 0.1


def test_the_image_processor_of_a_folder_says_how_pixels_are_normalised(tmp_path: Path) -> None:
    import transformers

    save_tiny("sam2", tmp_path)
    plain = load_huggingface(str(tmp_path), precision="float32")
    transformers.Sam2ImageProcessor(image_mean=[0.0] * 3, image_std=[1.0] * 3).save_pretrained(tmp_path)
    other = load_huggingface(str(tmp_path), precision="float32")
    assert not np.allclose(plain.embed(picture()).features[-1], other.embed(picture()).features[-1])


def test_the_registry_opens_a_folder_and_two_weights_have_two_ids(
    models: dict[str, HuggingFaceModel], folders: dict[str, Path], tmp_path: Path
) -> None:
    same = load_predictor(f"huggingface:{folders['sam']}")
    assert same.model_id.removesuffix("+bf16") == models["sam"].model_id
    save_tiny("sam", tmp_path, seed=1)
    assert load_predictor(f"huggingface:{tmp_path}").model_id.partition("@")[2] not in models["sam"].model_id
