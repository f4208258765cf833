"""`prompts.mobile_sam` against a slow reading of the same file, under the names that MobileSAM's makers gave."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from prompts.errors import CheckpointError
from prompts.mobile_sam import load_mobile_sam
from prompts.registry import load_predictor
from prompts.sam import SamModel, load_sam
from prompts.types import Box, Point, Prompt, Scribble
from tests.prompts.test_sam import disc_image
from tests.prompts.test_sam_files import RunsCode
from tests.prompts.threads import assert_images_never_mix
from tests.prompts.tiny_mobile_sam import PUBLISHED, encode, make_state_dict
from tests.prompts.tiny_sam import make_sam

SIDE_PX = 96
SIZE = (40, 96)
MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return make_state_dict()


@pytest.fixture(scope="module")
def checkpoint(weights: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mobile") / "mobile_sam.pt"
    torch.save(weights, path)
    return path


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> SamModel:
    return load_mobile_sam(checkpoint, image_px=SIDE_PX, precision="float32")


def test_each_tensor_goes_to_its_place(model: SamModel, weights: dict[str, torch.Tensor]) -> None:
    """The image fills the square's width, so that only its lower part is padding."""
    image = disc_image(SIZE)
    pixels = torch.tensor((image - MEAN) / STD, dtype=torch.float32).permute(2, 0, 1)[None]
    expected = encode(weights, functional.pad(pixels, (0, 0, 0, SIDE_PX - SIZE[0])))
    features = model.embed(image).features
    assert features.shape == (1, 32, SIDE_PX // 16, SIDE_PX // 16)
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-4)


def test_clicks_boxes_and_strokes_become_masks(model: SamModel) -> None:
    state = model.embed(disc_image(SIZE))
    click = model.predict(state, Prompt(points=(Point(19.0, 28.0),)))
    boxed = model.predict(
        state, Prompt(box=Box(2.0, 5.0, 60.0, 40.0), low_res_logits=click.low_res_logits[click.chosen])
    )
    stroked = model.predict(state, Prompt(scribbles=(Scribble(((10.0, 28.0), (25.0, 30.0))),)))
    assert (click.masks.shape, boxed.masks.shape, stroked.masks.shape) == ((3, *SIZE), (1, *SIZE), (1, *SIZE))
    assert click.low_res_logits.shape == (3, 24, 24)


def test_two_images_in_eight_threads_never_mix(model: SamModel) -> None:
    images = [disc_image(SIZE, seed=k) for k in range(2)]
    assert_images_never_mix(model, images, Prompt(points=(Point(19.0, 28.0),)))


def test_bfloat16_stays_near_float32(checkpoint: Path, model: SamModel) -> None:
    half = load_mobile_sam(checkpoint, image_px=SIDE_PX, precision="bfloat16")
    exact, near = model.embed(disc_image(SIZE)).features, half.embed(disc_image(SIZE)).features
    assert half.model_id == model.model_id + "+bf16"
    assert float((exact - near).abs().mean() / exact.abs().mean()) < 0.1


def test_the_published_size_is_that_of_the_published_file_and_loads_at_1024_pixels(tmp_path: Path) -> None:
    """mobile_sam.pt has 40,728,226 bytes; beyond its tensors a file has some hundred bytes for each."""
    weights = make_state_dict(PUBLISHED, prompt_dim=256, image_px=1024, mlp_dim=2048)
    n_bytes = sum(value.numel() * value.element_size() for value in weights.values())
    assert 0 < 40_728_226 - n_bytes < 400 * len(weights)
    torch.save(weights, tmp_path / "mobile_sam.pt")
    model = load_predictor(f"mobile_sam:{tmp_path / 'mobile_sam.pt'}")
    assert isinstance(model, SamModel)
    assert model.model_id.startswith("mobile_sam@")
    assert model._frame((50, 80)).input_size == (640, 1024)
    assert model._logits_size == (256, 256)


def test_wrapped_and_safetensors_files_load_alike(
    model: SamModel, weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    save_file({key: value.contiguous() for key, value in weights.items()}, tmp_path / "tiny.safetensors")
    index = {"image_encoder.layers.1.blocks.0.attn.attention_bias_idxs": torch.zeros(9, 9, dtype=torch.long)}
    torch.save({"model": weights | index, "epoch": 3}, tmp_path / "wrapped.pth")
    expected = model.embed(disc_image(SIZE)).features
    for name in ("tiny.safetensors", "wrapped.pth"):
        other = load_mobile_sam(tmp_path / name, image_px=SIDE_PX, precision="float32")
        assert torch.equal(other.embed(disc_image(SIZE)).features, expected)


def test_files_of_other_families_are_told_apart(checkpoint: Path, tmp_path: Path) -> None:
    torch.save(make_sam().state_dict(), tmp_path / "sam.pth")
    torch.save({"layer1.0.conv1.weight": torch.zeros(2)}, tmp_path / "resnet.pth")
    with pytest.raises(CheckpointError, match="a SAM with a plain transformer, for which sam_vit_b"):
        load_mobile_sam(tmp_path / "sam.pth")
    with pytest.raises(CheckpointError, match=r"a ResNet-like image classifier, not a MobileSAM"):
        load_mobile_sam(tmp_path / "resnet.pth")
    with pytest.raises(CheckpointError, match="for which mobile_sam stands"):
        load_sam(checkpoint)
    with pytest.raises(CheckpointError, match=r"write 'mobile_sam:/path/to/file\.pth'"):
        load_predictor("mobile_sam")


def test_incomplete_and_mixed_files_are_refused(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "odd.pt"
    key = "image_encoder.layers.2.blocks.1.mlp.fc1.weight"
    for changed, message in (
        ({k: v for k, v in weights.items() if "neck.3" not in k}, r"2 missing \(image_encoder\.neck\.3\.bias"),
        (weights | {"image_encoder.extra": torch.zeros(1)}, r"1 unknown \(image_encoder\.extra"),
        (weights | {key: torch.zeros(5, 24)}, r"is \(5, 24\) but must be \(96, 24\)"),
        (weights | {key: weights[key] * float("nan")}, "holds NaN"),
        ({k: v for k, v in weights.items() if ".layers.3." not in k}, "3 stages, not 4"),
        (weights | {"image_encoder.layers.1.blocks.0.attn.attention_biases": torch.zeros(2, 8)}, "no square windows"),
    ):
        torch.save(changed, path)
        with pytest.raises(CheckpointError, match=message):
            load_mobile_sam(path, image_px=SIDE_PX)


def test_truncated_and_dangerous_files_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    short, evil = tmp_path / "short.pt", tmp_path / "evil.pt"
    short.write_bytes(checkpoint.read_bytes()[:20_000])
    torch.save({"weights": RunsCode(tmp_path / "ran")}, evil)
    with pytest.raises(CheckpointError, match="get it again"):
        load_mobile_sam(short)
    with pytest.raises(CheckpointError, match="could run code, which is refused"):
        load_mobile_sam(evil)
    assert not (tmp_path / "ran").exists()
