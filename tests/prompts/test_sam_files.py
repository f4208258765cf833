"""Weights files that are not a SAM of segment_anything, each refused with what came and what is expected."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from prompts.errors import CheckpointError
from prompts.sam import load_sam
from prompts.sam_layout import SIZES, check_size, read_layout
from tests.prompts.tiny_sam import make_sam


class RunsCode:
    """Unpickled carelessly, this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return make_sam().state_dict()


def saved(path: Path, what: object) -> Path:
    torch.save(what, path)
    return path


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no weights file 'nothing\.pth'"):
        load_sam(tmp_path / "nothing.pth")
    with pytest.raises(CheckpointError, match="no weights file"):
        load_sam(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_truncated_file_is_refused(
    weights: dict[str, torch.Tensor], tmp_path: Path, share: float, suffix: str
) -> None:
    path = tmp_path / f"cut{suffix}"
    if suffix == ".pth":
        torch.save(weights, path)
    else:
        save_file(weights, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"get (it|the file) again"):
        load_sam(path)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 not a zip", b"<html>404 Not Found</html>", b"\x89PNG\r\n\x1a\n" + bytes(99), b"\x80\x02"]
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_an_unrelated_file_is_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"odd{suffix}"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        load_sam(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path, zipped: bool) -> None:
    victim, path = tmp_path / "ran", tmp_path / "evil.pth"
    if zipped:
        torch.save({"weights": RunsCode(victim)}, path)
    else:
        path.write_bytes(pickle.dumps(RunsCode(victim), protocol=2))
    with pytest.raises(CheckpointError, match="could run code, which is refused"):
        load_sam(path)
    assert not victim.exists()


@pytest.mark.parametrize("what", [[1, 2], torch.zeros(3), {"a": 1}, {"model": {"b": "text"}}, {3: torch.zeros(1)}])
def test_a_file_without_a_state_dict_is_refused(tmp_path: Path, what: object) -> None:
    with pytest.raises(CheckpointError, match="state dict"):
        load_sam(saved(tmp_path / "odd.pth", what))


@pytest.mark.parametrize(
    ("key", "family"),
    [
        ("image_encoder.trunk.pos_embed", "SAM 2"),
        ("mask_decoder.hf_token.weight", "SAM-HQ"),
        ("image_encoder.layers.1.blocks.0.attn.qkv.weight", "MobileSAM"),
        ("image_encoder.blocks.0.Adapter.channel.0.weight", "SAM-Med2D"),
        ("vision_encoder.pos_embed", "transformers"),
        ("blocks.0.attn.qkv.weight", "DINOv2"),
        ("layer1.0.conv1.weight", "ResNet"),
        ("something.else", "no SAM"),
    ],
)
def test_a_file_of_another_family_is_named(tmp_path: Path, key: str, family: str) -> None:
    with pytest.raises(CheckpointError, match=family) as caught:
        load_sam(saved(tmp_path / "other.pth", {key: torch.zeros(2)}))
    assert "expected the image_encoder." in str(caught.value)


def test_an_empty_state_dict_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no tensor at all"):
        load_sam(saved(tmp_path / "empty.pth", {}))


def test_a_sam_that_lacks_or_adds_tensors_is_named(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    less = {k: v for k, v in weights.items() if "norm_final_attn" not in k}
    with pytest.raises(CheckpointError, match=r"2 missing \(mask_decoder\.transformer\.norm_final_attn\.bias"):
        load_sam(saved(tmp_path / "less.pth", less))
    with pytest.raises(CheckpointError, match=r"1 unknown \(mask_decoder\.extra"):
        load_sam(saved(tmp_path / "more.pth", weights | {"mask_decoder.extra": torch.zeros(1)}))
    encoder = {k: v for k, v in weights.items() if k.startswith("image_encoder.")}
    with pytest.raises(CheckpointError, match=r"lacks the tensor 'prompt_encoder"):
        load_sam(saved(tmp_path / "encoder.pth", encoder))


def test_tensors_of_impossible_shape_or_value_are_named(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    key = "image_encoder.blocks.2.mlp.lin1.weight"
    with pytest.raises(CheckpointError, match=r"blocks\.2\.mlp\.lin1\.weight is \(5, 24\) but must be \(96, 24\)"):
        load_sam(saved(tmp_path / "mixed.pth", weights | {key: torch.zeros(5, 24)}))
    with pytest.raises(CheckpointError, match="NaN"):
        load_sam(saved(tmp_path / "nan.pth", weights | {key: weights[key] * float("nan")}))
    with pytest.raises(CheckpointError, match="do not fit together"):
        load_sam(saved(tmp_path / "flat.pth", weights | {"image_encoder.pos_embed": torch.zeros(4)}))


@pytest.mark.parametrize("blocks", [(1,), (0, 3), (0, 1, 2, 3), ()])
def test_the_layout_is_read_from_the_shapes(blocks: tuple[int, ...]) -> None:
    sam = make_sam(depth=4, embed_dim=32, window=5, global_blocks=blocks)
    layout = read_layout({k: tuple(v.shape) for k, v in sam.state_dict().items()}, source="tiny")
    assert layout.global_blocks == blocks
    assert layout.window_tokens == (0 if len(blocks) == 4 else 5)
    assert (layout.embed_dim, layout.depth, layout.n_heads, layout.mlp_ratio) == (32, 4, 2, 4)
    assert (layout.image_px, layout.patch_px, layout.grid_tokens) == (64, 8, 8)
    assert (layout.prompt_dim, layout.mask_channels, layout.n_multimask) == (32, 8, 3)
    assert (layout.decoder_depth, layout.decoder_mlp_dim, layout.decoder_downsample) == (2, 40, 2)
    assert (layout.iou_depth, layout.iou_hidden_dim) == (3, 20)


@pytest.mark.parametrize("size", sorted(SIZES))
def test_the_published_sizes_are_recognised_from_their_shapes(size: str) -> None:
    """Built without memory, so that even vit_h costs nothing."""
    from segment_anything import sam_model_registry

    with torch.device("meta"):
        sam = sam_model_registry[size]()
    layout = read_layout({k: tuple(v.shape) for k, v in sam.state_dict().items()}, source=size)
    assert layout.size == size
    assert layout.global_blocks == tuple(i for i, b in enumerate(sam.image_encoder.blocks) if b.window_size == 0)
    assert (layout.image_px, layout.window_tokens) == (1024, 14)
    check_size(layout, size, source="file")
    other = "vit_h" if size == "vit_b" else "vit_b"
    with pytest.raises(CheckpointError, match=f"write 'sam_{size}:...' instead"):
        check_size(layout, other, source="file")
