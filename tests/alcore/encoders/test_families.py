"""Families of encoders that people name most, from tiny checkpoints in their own formats; the network stays off."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alcore.encoders import load_encoder
from alcore.errors import ModelFileError
from tests.alcore.encoders.test_foreign import IMAGES, check, save_model

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TEXT = SMALL | {"vocab_size": 50, "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
SQUARE = SMALL | {"image_size": 32, "patch_size": 8}
STAGES = {"hidden_sizes": [8, 12, 16, 24], "depths": [1, 1, 1, 1], "image_size": 64}


def test_dinov3_drops_cls_and_registers_from_the_dense_map(tmp_path: Path) -> None:
    import transformers

    save_model("DINOv3ViTConfig", "DINOv3ViTModel", tmp_path, num_register_tokens=4, **SQUARE)
    encoder: Any = load_encoder(f"huggingface:{tmp_path}")
    check(encoder, 32, (16, 4, 4))
    pixels = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        tokens = transformers.DINOv3ViTModel.from_pretrained(tmp_path).eval()(pixels).last_hidden_state
        vectors, dense = encoder._forward(pixels)
    assert tokens.shape[1] == 1 + 4 + 16
    torch.testing.assert_close(dense[0].flatten(1).T, tokens[0, 5:])
    torch.testing.assert_close(vectors[0], torch.cat([tokens[0, 0], tokens[0, 5:].mean(0)]))


def test_dinov3_takes_a_larger_side_than_it_was_trained_with(tmp_path: Path) -> None:
    """Its positions are rotations, so that the side is free."""
    import transformers

    save_model("DINOv3ViTConfig", "DINOv3ViTModel", tmp_path, num_register_tokens=4, **SQUARE)
    transformers.ViTImageProcessor(size={"height": 48, "width": 48}).save_pretrained(tmp_path)
    check(load_encoder(f"huggingface:{tmp_path}"), 32, (16, 6, 6))


def test_dinov3_convnext_gives_a_map_though_it_answers_in_tokens(tmp_path: Path) -> None:
    save_model("DINOv3ConvNextConfig", "DINOv3ConvNextModel", tmp_path, **STAGES)
    check(load_encoder(f"huggingface:{tmp_path}"), 24, (16, 4, 4))


def test_rad_dino_is_a_dinov2_with_a_processor_of_its_own(tmp_path: Path) -> None:
    import transformers

    save_model("Dinov2Config", "Dinov2Model", tmp_path, **SMALL, image_size=56, patch_size=14)
    transformers.BitImageProcessor(
        crop_size={"height": 56, "width": 56},
        size={"shortest_edge": 60},
        image_mean=[0.5307] * 3,
        image_std=[0.2583] * 3,
    ).save_pretrained(tmp_path)
    encoder: Any = load_encoder(f"huggingface:{tmp_path}")
    check(encoder, 32, (16, 4, 4))
    assert encoder._mean == (0.5307, 0.5307, 0.5307)


def test_phikon_is_a_vit_whose_file_may_lack_the_pooler(tmp_path: Path) -> None:
    import transformers

    torch.manual_seed(0)
    transformers.ViTModel(transformers.ViTConfig(**SQUARE), add_pooling_layer=False).save_pretrained(tmp_path)
    check(load_encoder(f"huggingface:{tmp_path}"), 32, (16, 4, 4))


@pytest.mark.parametrize(("family", "dim"), [("CLIP", 32), ("Siglip", 16)])
@pytest.mark.parametrize("whole", [True, False])
def test_the_vision_tower_serves_alone_or_out_of_a_model_with_texts(
    tmp_path: Path, family: str, dim: int, whole: bool
) -> None:
    """CLIP has a CLS token and SigLIP none."""
    if whole:
        save_model(f"{family}Config", f"{family}Model", tmp_path, vision_config=SQUARE, text_config=TEXT)
    else:
        save_model(f"{family}VisionConfig", f"{family}VisionModel", tmp_path, **SQUARE)
    check(load_encoder(f"huggingface:{tmp_path}"), dim, (16, 4, 4))


def test_siglip_2_of_flexible_sides_gets_the_patches_that_its_own_processor_cuts(tmp_path: Path) -> None:
    import transformers

    save_model("Siglip2VisionConfig", "Siglip2VisionModel", tmp_path, **SMALL, num_patches=16, patch_size=8)
    encoder: Any = load_encoder(f"huggingface:{tmp_path}")
    check(encoder, 16, (16, 4, 4))
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    half = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    inputs = transformers.Siglip2ImageProcessor(patch_size=8, max_num_patches=16, **half)(image, return_tensors="pt")
    model = transformers.Siglip2VisionModel.from_pretrained(tmp_path).eval()
    pixels = (torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255 - 0.5) / 0.5
    with torch.inference_mode():
        tokens = model(**inputs).last_hidden_state
        _, dense = encoder._forward(pixels)
    torch.testing.assert_close(dense[0].flatten(1).T, tokens[0], rtol=1e-3, atol=1e-4)


def test_promptable_and_text_models_are_refused_by_name(tmp_path: Path) -> None:
    from tests.prompts.tiny_hf import save_tiny

    save_tiny("sam2", tmp_path / "sam2")
    with pytest.raises(ModelFileError, match=r"promptable model \(sam2\).*sam:<file>"):
        load_encoder(f"huggingface:{tmp_path / 'sam2'}")
    save_model("BertConfig", "BertModel", tmp_path / "bert", **SMALL, vocab_size=50)
    with pytest.raises(ModelFileError, match="takes input_ids, not images"):
        load_encoder(f"huggingface:{tmp_path / 'bert'}")


def test_a_model_that_cannot_take_a_square_says_so(tmp_path: Path) -> None:
    import transformers

    save_model("VivitConfig", "VivitModel", tmp_path, **SMALL, image_size=32, tubelet_size=[2, 8, 8], num_frames=4)
    assert transformers.VivitModel.main_input_name == "pixel_values"
    with pytest.raises(ModelFileError, match="cannot be run on a 32 pixel square"):
        load_encoder(f"huggingface:{tmp_path}")


def test_code_that_comes_with_a_folder_is_never_run(tmp_path: Path) -> None:
    save_model("ViTConfig", "ViTModel", tmp_path, **SQUARE)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModel": "evil.M"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n")
    with pytest.raises(ModelFileError, match="cannot load"):
        load_encoder(f"huggingface:{tmp_path}")
    assert not (tmp_path / "ran").exists()


@pytest.fixture(scope="module")
def open_clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As open_clip saves BiomedCLIP: a timm trunk, a projection, a text tower, a temperature."""
    import timm

    torch.manual_seed(0)
    trunk = timm.create_model("test_vit", pretrained=False, num_classes=0).state_dict()
    rest = {
        "visual.head.proj.weight": torch.zeros(8, 64),
        "text.transformer.embeddings.position_ids": torch.arange(8)[None],
        "text.proj.0.weight": torch.zeros(8, 8),
        "logit_scale": torch.tensor(4.6),
    }
    path = tmp_path_factory.mktemp("clip") / "open_clip_pytorch_model.bin"
    torch.save({f"visual.trunk.{key}": value for key, value in trunk.items()} | rest, path)
    return path


def test_biomedclip_gives_its_vision_tower_with_clips_normalisation(open_clip_file: Path) -> None:
    import timm

    encoder: Any = load_encoder(f"timm:test_vit:{open_clip_file}")
    check(encoder, 64, (64, 10, 10))
    assert encoder._mean == (0.48145466, 0.4578275, 0.40821073)
    model = timm.create_model("test_vit", pretrained=False, num_classes=0).eval()
    trunk = torch.load(open_clip_file, weights_only=True)
    model.load_state_dict({k.removeprefix("visual.trunk."): v for k, v in trunk.items() if "trunk" in k})
    pixels = torch.randn(1, 3, 160, 160)
    with torch.inference_mode():
        torch.testing.assert_close(encoder._forward(pixels)[0], model(pixels))


def test_an_open_clip_file_of_another_trunk_is_refused(open_clip_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="another model"):
        load_encoder(f"timm:resnet10t:{open_clip_file}")
    short = tmp_path / "short.bin"
    short.write_bytes(open_clip_file.read_bytes()[:3000])
    with pytest.raises(ModelFileError, match="truncated"):
        load_encoder(f"timm:test_vit:{short}")


def test_images_of_any_size_keep_their_order(open_clip_file: Path) -> None:
    encoder = load_encoder(f"timm:test_vit:{open_clip_file}")
    both, last = encoder.encode(IMAGES).vectors, encoder.encode(IMAGES[-1:]).vectors
    np.testing.assert_allclose(both[-1:], last, atol=1e-5)
