"""MobileSAM checkpoints: SAM's prompt encoder and mask decoder behind a small TinyViT, which `timm` brings.

The file names its tensors otherwise than `timm` does, and its TinyViT differs in one step: the last stage keeps the
resolution of the one before it, so that the embedding has 1/16 of the image's side, as SAM's decoder wants.
"""

import re
from pathlib import Path
from typing import Any

from jaxtyping import Float
from segment_anything.modeling.common import LayerNorm2d
from torch import Tensor, nn

from prompts.sam import SamModel, adapted_model, assign, build_around
from prompts.sam_layout import MobileLayout, read_mobile_layout
from prompts.weights import Precision, file_digest, read_state_dict

IMAGE_PX = 1024
"""Side of the published model's square input; no tensor of the file tells it."""
_STRIDE_PX = 16
_UNUSED = re.compile(r"image_encoder\.(norm_head|head)\.|.*\.attention_bias_idxs$")
"""The classifier that TinyViT was trained with, and a table that follows from the window's side."""


class MobileEncoder(nn.Module):
    """TinyViT without its classifier, its last stage not downsampled, and SAM's neck behind it."""

    def __init__(self, layout: MobileLayout, *, image_px: int) -> None:
        from timm.models.tiny_vit import TinyVit

        super().__init__()
        self.img_size = image_px
        trunk: Any = TinyVit(
            num_classes=0,
            embed_dims=layout.embed_dims,
            depths=layout.depths,
            num_heads=layout.n_heads,
            window_sizes=layout.windows_tokens,
            mlp_ratio=layout.mlp_ratio,
            mbconv_expand_ratio=layout.conv_expand_ratio,
            drop_path_rate=0.0,
        )
        trunk.stages[-1].downsample.conv2.conv.stride = (1, 1)
        self.patch_embed, self.stages = trunk.patch_embed, trunk.stages
        width = layout.prompt_dim
        self.neck = nn.Sequential(
            nn.Conv2d(layout.embed_dims[-1], width, kernel_size=1, bias=False),
            LayerNorm2d(width),
            nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False),
            LayerNorm2d(width),
        )

    def forward(self, pixels: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n d g g"]:
        """Encode normalised squares at 1/16 of their side."""
        embedding: Tensor = self.neck(self.stages(self.patch_embed(pixels)))
        return embedding


def load_mobile_sam(
    path: Path,
    *,
    image_px: int = IMAGE_PX,
    adaptation: Path | None = None,
    device: str = "cpu",
    precision: Precision = "auto",
) -> SamModel:
    """Load a MobileSAM; code hidden in a file is never run.

    Args:
        path: mobile_sam.pt or a fine-tune of it: a state dict, or one under "model", "state_dict" or
            "model_state_dict".
        image_px: side of the square input that the model was trained with, a multiple of 16.
        adaptation: another mask decoder for it, written by `prompts.adaptation`.
        device: where the model lives.
        precision: of the image encoder; "auto" takes bfloat16 where the device computes it natively.

    Raises:
        CheckpointError: the file is missing, truncated, unsafe, of another family or incomplete.

    Source: Zhang et al. 2023, Faster Segment Anything (arXiv:2306.14289); TinyViT is Wu et al. 2022 (arXiv:2207.10666).
    """
    state_dict = {key: value for key, value in read_state_dict(path).items() if not _UNUSED.match(key)}
    layout = read_mobile_layout({key: tuple(value.shape) for key, value in state_dict.items()}, source=path.name)
    encoder = MobileEncoder(layout, image_px=image_px)
    sam = build_around(encoder, layout, image_px=image_px, grid_tokens=image_px // _STRIDE_PX)
    assign(sam, {_name_in_timm(key): value for key, value in state_dict.items()}, path.name)
    return adapted_model(sam, f"mobile_sam@{file_digest(path)}", adaptation, device, precision)


def _name_in_timm(key: str) -> str:
    """Say where a tensor of the file has its place.

    `timm` calls layers stages and has the downsampling at the start of a stage where the file has it at the end of the
    layer before; the convolution of a normalised convolution is `conv` there and `c` in the file.
    """
    if not key.startswith("image_encoder."):
        return key
    key = re.sub(r"\.patch_embed\.seq\.0\.", ".patch_embed.conv1.", key)
    key = re.sub(r"\.patch_embed\.seq\.2\.", ".patch_embed.conv2.", key)
    key = re.sub(r"\.layers\.(\d+)\.downsample\.", lambda at: f".stages.{int(at[1]) + 1}.downsample.", key)
    key = re.sub(r"\.layers\.(\d+)\.", r".stages.\1.", key)
    return re.sub(r"\.c\.weight$", ".conv.weight", key)
