"""A SAM's image encoder as encoder, from tiny files of the segment_anything package's own classes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from alcore.encoders import load_encoder
from alcore.errors import InvalidInput, ModelFileError
from tests.alcore.encoders.test_foreign import IMAGES, Trap, check
from tests.prompts.tiny_sam import make_sam


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return make_sam().state_dict()


@pytest.fixture(scope="module")
def checkpoint(weights: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sam") / "medsam.pth"
    torch.save(weights, path)
    return path


def test_the_embedding_becomes_vector_and_dense_map(checkpoint: Path) -> None:
    encoder: Any = load_encoder(f"sam:{checkpoint}")
    check(encoder, 32, (32, 4, 4))
    assert encoder.encoder_id.startswith("sam-medsam-64-")
    pixels = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        embedding = make_sam().image_encoder(pixels)
        vectors, dense = encoder._forward(pixels)
    torch.testing.assert_close(vectors, embedding.mean((2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(dense[:, :, 1, 2], embedding[:, :, 2:4, 4:6].mean((2, 3)), rtol=1e-4, atol=1e-5)


def test_a_wrapped_or_safetensors_file_gives_the_same_and_other_weights_another_id(
    checkpoint: Path, weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save({"model": {f"module.{key}": value for key, value in weights.items()}}, tmp_path / "medsam.pt")
    save_file(weights, tmp_path / "medsam.safetensors")
    torch.save(make_sam(1).state_dict(), tmp_path / "other.pth")
    expected = load_encoder(f"sam:{checkpoint}")
    for name in ("medsam.pt", "medsam.safetensors"):
        same = load_encoder(f"sam:{tmp_path / name}")
        assert same.encoder_id == expected.encoder_id
        np.testing.assert_array_equal(same.encode(IMAGES).vectors, expected.encode(IMAGES).vectors)
    assert load_encoder(f"sam:{tmp_path / 'other.pth'}").encoder_id[-12:] != expected.encoder_id[-12:]


def test_other_families_incomplete_truncated_and_dangerous_files_are_refused(
    checkpoint: Path, weights: dict[str, torch.Tensor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.pth"
    for content, message in (
        (
            {"image_encoder.layers.0.blocks.0.conv1.c.weight": torch.zeros(2)},
            "no image encoder of the segment_anything",
        ),
        ({"layer1.0.conv1.weight": torch.zeros(2)}, "no image encoder of the segment_anything"),
        ({k: v for k, v in weights.items() if "neck.3" not in k}, "2 tensors missing"),
        (weights | {"image_encoder.blocks.0.Adapter.weight": torch.zeros(2)}, "1 without a place"),
        (weights | {"image_encoder.neck.2.weight": torch.zeros(32, 32, 1, 1)}, "another model"),
        ({"weights": Trap()}, "refused"),
    ):
        torch.save(content, path)
        with pytest.raises(ModelFileError, match=message):
            load_encoder(f"sam:{path}")
    path.write_bytes(checkpoint.read_bytes()[:5000])
    with pytest.raises(ModelFileError, match="truncated"):
        load_encoder(f"sam:{path}")
    with pytest.raises(InvalidInput, match="sam:<checkpoint file>"):
        load_encoder("sam")
    assert capsys.readouterr().out == ""
