"""Folders that are no promptable model of `transformers`, each refused with what came and what is allowed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from prompts.errors import CheckpointError
from prompts.huggingface import load_huggingface
from prompts.registry import load_predictor
from tests.prompts.test_sam_files import RunsCode
from tests.prompts.tiny_hf import make_config, save_tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_tiny("sam2", tmp_path / "model")
    return tmp_path / "model"


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def change_config(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def test_a_hub_name_is_not_fetched_unless_allowed() -> None:
    with pytest.raises(CheckpointError, match="downloads are off, so give a local folder"):
        load_huggingface("nobody/no-such-model")
    with pytest.raises(CheckpointError, match=r"write 'huggingface:<hub name or folder>'"):
        load_predictor("huggingface")


def test_an_empty_folder_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(CheckpointError, match=r"Needed: config\.json"):
            load_huggingface(str(place))


def test_a_model_of_another_family_is_named_with_the_families_that_are_allowed(tmp_path: Path) -> None:
    import transformers

    tiny = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    transformers.Dinov2Model(transformers.Dinov2Config(**tiny)).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"type 'dinov2', which takes no clicks here; allowed: sam, sam_hq, sam2"):
        load_huggingface(str(tmp_path))


def test_an_unknown_type_and_a_broken_config_are_refused(folder: Path) -> None:
    change_config(folder, lambda config: config.update(model_type="no_such_type"))
    with pytest.raises(CheckpointError, match="cannot load"):
        load_huggingface(str(folder))
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot load"):
        load_huggingface(str(folder))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_truncated_weights_are_refused(folder: Path, share: float) -> None:
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"intact \.safetensors weights"):
        load_huggingface(str(folder))


def test_pickled_weights_are_refused_and_run_nothing(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"weights": RunsCode(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="pickled ones are refused"):
        load_huggingface(str(folder))
    assert not (tmp_path / "ran").exists()


def test_code_that_comes_with_a_folder_is_never_run(folder: Path, tmp_path: Path) -> None:
    (folder / "evil.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n")
    change_config(folder, lambda config: config.update(model_type="evil", auto_map={"AutoConfig": "evil.Config"}))
    with pytest.raises(CheckpointError, match="cannot load"):
        load_huggingface(str(folder))
    assert not (tmp_path / "ran").exists()


def test_weights_of_another_size_are_refused(folder: Path) -> None:
    change_config(folder, lambda config: config["mask_decoder_config"].update(mlp_dim=48))
    with pytest.raises(CheckpointError):
        load_huggingface(str(folder))


def test_missing_tensors_are_named(folder: Path) -> None:
    change_weights(folder, lambda weights: weights.pop("mask_decoder.iou_token.weight"))
    with pytest.raises(CheckpointError, match=r"1 tensors are missing \['mask_decoder\.iou_token\.weight'\]"):
        load_huggingface(str(folder))


def test_weights_that_are_not_finite_are_refused(folder: Path) -> None:
    change_weights(folder, lambda weights: weights["mask_decoder.iou_token.weight"].fill_(np.nan))
    with pytest.raises(CheckpointError, match=r"iou_token\.weight holds NaN"):
        load_huggingface(str(folder))


def test_adapters_that_would_be_left_out_are_refused(folder: Path) -> None:
    extra = {"vision_encoder.backbone.blocks.0.attn.qkv.lora_A.weight": torch.zeros(2, 2)}
    change_weights(folder, lambda weights: weights.update(extra))
    with pytest.raises(CheckpointError, match="merge them first"):
        load_huggingface(str(folder))


def test_a_spare_tensor_is_reported_and_harmless(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    change_weights(folder, lambda weights: weights.update({"extra.weight": torch.zeros(2)}))
    load_huggingface(str(folder))
    assert "1 tensors of the checkpoint have no place" in caplog.text


def test_a_video_model_serves_with_its_image_part(tmp_path: Path) -> None:
    """Meta's own SAM 2 says that it is a video model."""
    import transformers

    tiny = make_config("sam2")
    config = transformers.Sam2VideoConfig(
        vision_config=tiny.vision_config,
        prompt_encoder_config=tiny.prompt_encoder_config,
        mask_decoder_config=tiny.mask_decoder_config,
        memory_attention_hidden_size=32,
        memory_attention_feed_forward_hidden_size=32,
        memory_encoder_hidden_size=32,
        memory_encoder_output_channels=16,
        mask_downsampler_embed_dim=32,
        memory_fuser_embed_dim=32,
        memory_fuser_intermediate_dim=32,
        image_size=64,
    )
    torch.manual_seed(0)
    video = transformers.Sam2VideoModel(config)
    video.save_pretrained(tmp_path)
    model = load_huggingface(str(tmp_path), precision="float32")
    assert model.model_id.startswith("sam2-")
    image = np.random.default_rng(0).integers(0, 255, (40, 64, 3), dtype=np.uint8)
    ours = model.embed(image).features[-1]
    weights = video.state_dict()
    kept = model._model.state_dict()
    assert all(torch.equal(kept[key], weights[key]) for key in kept)
    assert tuple(ours.shape) == (1, 32, 4, 4)


def test_an_edgetam_video_model_serves_with_its_image_part(tmp_path: Path) -> None:
    import transformers

    tiny = make_config("edgetam")
    config = transformers.EdgeTamVideoConfig(
        vision_config=tiny.vision_config,
        prompt_encoder_config=tiny.prompt_encoder_config,
        mask_decoder_config=tiny.mask_decoder_config,
        image_size=64,
        memory_attention_hidden_size=32,
        memory_attention_mlp_hidden_size=32,
        memory_encoder_hidden_size=32,
        memory_encoder_output_channels=16,
        mask_downsampler_embed_dim=32,
        memory_fuser_embed_dim=32,
        memory_fuser_intermediate_dim=32,
        perceiver_resampler_hidden_size=16,
        perceiver_resampler_mlp_intermediate_size=32,
    )
    video = transformers.EdgeTamVideoModel(config)
    video.save_pretrained(tmp_path)
    weights, kept = video.state_dict(), load_huggingface(str(tmp_path))._model.state_dict()
    assert all(torch.equal(kept[key], weights[key]) for key in kept)
