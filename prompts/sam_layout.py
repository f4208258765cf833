"""Reads a SAM's hyper-parameters from the shapes in its weights file, and says whose file it is when it is not SAM's.

Shapes only, no torch: the family, the size and every missing or surplus key are known before a network is built.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from prompts.errors import CheckpointError

Shapes = Mapping[str, tuple[int, ...]]
Layout = TypeVar("Layout")

SIZES: Mapping[str, tuple[int, int]] = {"vit_b": (768, 12), "vit_l": (1024, 24), "vit_h": (1280, 32)}
"""(embed_dim, depth) of the image encoders that Meta published."""

DECODER_HEADS = 8
"""Heads of the decoder's attention: no shape tells it, and every published SAM has 8."""

_EXPECTED = "the image_encoder., prompt_encoder. and mask_decoder. tensors of the segment_anything package"
_MOBILE = r"^image_encoder\.layers\.\d+\.blocks\."
_FAMILIES: tuple[tuple[str, str], ...] = (  # the first pattern found in any key names the family
    (r"^image_encoder\.trunk\.|memory_attention\.|^sam_mask_decoder\.", "SAM 2 (or a model grown from it)"),
    (r"^mask_decoder\.(hf_token|hf_mlp|compress_vit_feat)", "SAM-HQ"),
    (_MOBILE, "MobileSAM (TinyViT encoder), for which mobile_sam stands"),
    (r"^image_encoder\..*(adapter|Adapter)", "a SAM with adapters, such as SAM-Med2D"),
    (r"^vision_encoder\.|^shared_image_embedding\.", "a SAM in the format of the transformers library"),
    (r"^(encoder\.layer|embeddings)\.|^blocks\.\d+\.attn\.", "a plain vision transformer, such as DINOv2"),
    (r"^(layer\d\.|conv1\.weight|fc\.weight)", "a ResNet-like image classifier"),
)


@dataclass(frozen=True, kw_only=True)
class DecoderLayout:
    """What is needed to build prompt encoder and mask decoder, whatever the image encoder is."""

    prompt_dim: int
    mask_channels: int
    n_multimask: int
    decoder_depth: int
    decoder_mlp_dim: int
    decoder_downsample: int
    iou_depth: int
    iou_hidden_dim: int


@dataclass(frozen=True, kw_only=True)
class SamLayout(DecoderLayout):
    """All that is needed to build the network that a weights file was saved from."""

    embed_dim: int
    depth: int
    n_heads: int
    patch_px: int
    image_px: int
    """Side of the square input."""
    window_tokens: int
    global_blocks: tuple[int, ...]
    """Blocks whose attention sees the whole image."""
    mlp_ratio: float
    qkv_bias: bool

    @property
    def grid_tokens(self) -> int:
        """Side of the image embedding."""
        return self.image_px // self.patch_px

    @property
    def size(self) -> str:
        """vit_b, vit_l or vit_h, or "custom" for another encoder."""
        return next((name for name, shape in SIZES.items() if shape == (self.embed_dim, self.depth)), "custom")


@dataclass(frozen=True, kw_only=True)
class MobileLayout(DecoderLayout):
    """What is needed to build a MobileSAM: SAM's decoder behind a TinyViT, one number for each of its stages."""

    embed_dims: tuple[int, ...]
    depths: tuple[int, ...]
    n_heads: tuple[int, ...]
    """The first stage is convolutional and has none; it says 1 here, as for its window."""
    windows_tokens: tuple[int, ...]
    mlp_ratio: float
    conv_expand_ratio: float


def read_layout(shapes: Shapes, *, source: str) -> SamLayout:
    """Derive the layout from tensor shapes by key.

    Args:
        shapes: shape of each tensor in the file.
        source: name of the file, for messages.

    Raises:
        CheckpointError: the file is of another family, or tensors are missing or of impossible shape.
    """
    _refuse_other_families(shapes, source)
    return _read(_layout, shapes, source)


def read_mobile_layout(shapes: Shapes, *, source: str) -> MobileLayout:
    """Derive the layout of a MobileSAM from tensor shapes by key; arguments and errors are those of `read_layout`."""
    if not any(re.match(_MOBILE, key) for key in shapes):
        family = next((name for pattern, name in _FAMILIES if any(re.search(pattern, key) for key in shapes)), None)
        if family is None and any(key.startswith("image_encoder.blocks.") for key in shapes):
            family = "a SAM with a plain transformer, for which sam_vit_b, sam_vit_l and sam_vit_h stand"
        raise CheckpointError(
            f"'{source}' is {family or 'no SAM that is known'}, not a MobileSAM; expected image_encoder.layers., "
            f"image_encoder.neck., prompt_encoder. and mask_decoder. tensors, as in mobile_sam.pt"
        )
    return _read(_mobile_layout, shapes, source)


def _read(reader: Callable[[Shapes], Layout], shapes: Shapes, source: str) -> Layout:
    """Read a layout and say it plainly where the shapes do not allow it."""
    try:
        return reader(shapes)
    except KeyError as missing:
        raise CheckpointError(
            f"'{source}' looks like a SAM but lacks the tensor {missing}; it is incomplete or was saved by other code. "
            f"Expected {_EXPECTED}; get the file again or export the full model.state_dict()"
        ) from missing
    except (IndexError, ValueError, ZeroDivisionError) as error:
        raise CheckpointError(
            f"'{source}' has the names of a SAM but tensor shapes that do not fit together ({error}); get it again"
        ) from error


def check_size(layout: SamLayout, size: str, *, source: str) -> None:
    """Raise `CheckpointError` unless the encoder is that of `size`, one of `SIZES`."""
    if layout.size != size:
        embed_dim, depth = SIZES[size]
        found = f"sam_{layout.size}" if layout.size != "custom" else "no published size"
        raise CheckpointError(
            f"'{source}' has an encoder {layout.embed_dim} wide and {layout.depth} blocks deep ({found}); "
            f"sam_{size} is {embed_dim} wide and {depth} deep; "
            + (f"write 'sam_{layout.size}:...' instead" if layout.size != "custom" else "name a file of that size")
        )


def refuse_key_mismatch(missing: Iterable[str], unexpected: Iterable[str], *, source: str) -> None:
    """Raise `CheckpointError` naming the first keys that a built SAM lacks or cannot place."""
    missing, unexpected = sorted(missing), sorted(unexpected)
    if missing or unexpected:
        parts = [
            f"{len(keys)} {what} ({', '.join(keys[:3])}{', …' if len(keys) > 3 else ''})"
            for keys, what in ((missing, "missing"), (unexpected, "unknown"))
            if keys
        ]
        raise CheckpointError(
            f"'{source}' is not a plain SAM: {' and '.join(parts)} tensors; it is incomplete or a variant. "
            f"Expected exactly {_EXPECTED}"
        )


def _refuse_other_families(shapes: Shapes, source: str) -> None:
    """Name the family of a file that is not SAM's."""
    for pattern, family in _FAMILIES:
        if any(re.search(pattern, key) for key in shapes):
            raise CheckpointError(
                f"'{source}' is {family}, not a SAM of the segment_anything package; expected {_EXPECTED}, "
                f"such as sam_vit_b_01ec64.pth or medsam_vit_b.pth"
            )
    if not any(key.startswith(("image_encoder.", "prompt_encoder.", "mask_decoder.")) for key in shapes):
        some = ", ".join(sorted(shapes)[:3]) or "no tensor at all"
        raise CheckpointError(
            f"'{source}' holds no SAM: its tensors are {some}{', …' if len(shapes) > 3 else ''}; expected {_EXPECTED}, "
            f"such as sam_vit_b_01ec64.pth or medsam_vit_b.pth"
        )


def _count(shapes: Shapes, pattern: str) -> int:
    """Return one more than the highest number that the first group of `pattern` takes, or 0."""
    numbers = [int(found.group(1)) for key in shapes if (found := re.match(pattern, key))]
    return max(numbers, default=-1) + 1


def _layout(shapes: Shapes) -> SamLayout:
    """Read each number from the one tensor that shows it best."""
    embed_dim, _, patch_px, _ = shapes["image_encoder.patch_embed.proj.weight"]
    _, grid, grid_cols, _ = shapes["image_encoder.pos_embed"]
    if grid != grid_cols:
        raise ValueError(f"the position embedding is {grid} by {grid_cols}, not square")
    depth = _count(shapes, r"image_encoder\.blocks\.(\d+)\.")
    spans = [(shapes[f"image_encoder.blocks.{i}.attn.rel_pos_h"][0] + 1) // 2 for i in range(depth)]
    windows = sorted({span for span in spans if span != grid})
    if len(windows) > 1:
        raise ValueError(f"the blocks have windows of {windows} tokens")
    head_dim = shapes["image_encoder.blocks.0.attn.rel_pos_h"][1]
    n_heads, rest = divmod(embed_dim, head_dim)
    if rest:
        raise ValueError(f"a width of {embed_dim} is not a multiple of {head_dim} per head")
    return SamLayout(
        embed_dim=embed_dim,
        depth=depth,
        n_heads=n_heads,
        patch_px=patch_px,
        image_px=grid * patch_px,
        window_tokens=windows[0] if windows else 0,
        global_blocks=tuple(i for i, span in enumerate(spans) if span == grid),
        mlp_ratio=shapes["image_encoder.blocks.0.mlp.lin1.weight"][0] / embed_dim,
        qkv_bias="image_encoder.blocks.0.attn.qkv.bias" in shapes,
        **_decoder_layout(shapes),
    )


def _decoder_layout(shapes: Shapes) -> dict[str, int]:
    """Read the fields of `DecoderLayout`."""
    prompt_dim = shapes["image_encoder.neck.0.weight"][0]
    if prompt_dim % DECODER_HEADS:
        raise ValueError(f"a prompt width of {prompt_dim} does not divide into {DECODER_HEADS} heads")
    return {
        "prompt_dim": prompt_dim,
        "mask_channels": shapes["prompt_encoder.mask_downscaling.3.weight"][0],
        "n_multimask": shapes["mask_decoder.mask_tokens.weight"][0] - 1,
        "decoder_depth": _count(shapes, r"mask_decoder\.transformer\.layers\.(\d+)\."),
        "decoder_mlp_dim": shapes["mask_decoder.transformer.layers.0.mlp.lin1.weight"][0],
        "decoder_downsample": prompt_dim
        // shapes["mask_decoder.transformer.final_attn_token_to_image.q_proj.weight"][0],
        "iou_depth": _count(shapes, r"mask_decoder\.iou_prediction_head\.layers\.(\d+)\."),
        "iou_hidden_dim": shapes["mask_decoder.iou_prediction_head.layers.0.weight"][0],
    }


def _mobile_layout(shapes: Shapes) -> MobileLayout:
    """Read a TinyViT's numbers: windows from the attention biases, one for each offset in a window."""
    n_stages = _count(shapes, r"image_encoder\.layers\.(\d+)\.")
    if n_stages != 4:
        raise ValueError(f"the TinyViT has {n_stages} stages, not 4")
    stages = [f"image_encoder.layers.{i}" for i in range(n_stages)]
    embed_dims = (
        shapes["image_encoder.patch_embed.seq.2.c.weight"][0],
        *(shapes[f"{stage}.downsample.conv1.c.weight"][0] for stage in stages[:-1]),
    )
    biases = [shapes[f"{stage}.blocks.0.attn.attention_biases"] for stage in stages[1:]]
    windows = [math.isqrt(n_offsets) for _, n_offsets in biases]
    if [side**2 for side in windows] != [n_offsets for _, n_offsets in biases]:
        raise ValueError(f"attention biases of shapes {biases} belong to no square windows")
    return MobileLayout(
        embed_dims=embed_dims,
        depths=tuple(_count(shapes, rf"{re.escape(stage)}\.blocks\.(\d+)\.") for stage in stages),
        n_heads=(1, *(n_heads for n_heads, _ in biases)),
        windows_tokens=(1, *windows),
        mlp_ratio=shapes[f"{stages[1]}.blocks.0.mlp.fc1.weight"][0] / embed_dims[1],
        conv_expand_ratio=shapes[f"{stages[0]}.blocks.0.conv1.c.weight"][0] / embed_dims[0],
        **_decoder_layout(shapes),
    )
