"""A real `segment_anything.Sam`, small enough for tests, saved as the package saves it."""

from functools import partial
from typing import Any

import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

IMAGE_PX = 64
PROMPT_DIM = 32


def make_sam(seed: int = 0, *, depth: int = 3, embed_dim: int = 24, window: int = 3, global_blocks: Any = (1,)) -> Sam:
    """Build it from the package's own classes with random weights that make masks of some size."""
    torch.manual_seed(seed)
    grid = IMAGE_PX // 8
    sam = Sam(
        ImageEncoderViT(
            depth=depth,
            embed_dim=embed_dim,
            img_size=IMAGE_PX,
            mlp_ratio=4,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            num_heads=2,
            patch_size=8,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=global_blocks,
            window_size=window,
            out_chans=PROMPT_DIM,
        ),
        PromptEncoder(
            embed_dim=PROMPT_DIM,
            image_embedding_size=(grid, grid),
            input_image_size=(IMAGE_PX, IMAGE_PX),
            mask_in_chans=8,
        ),
        MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=PROMPT_DIM, mlp_dim=40, num_heads=8),
            transformer_dim=PROMPT_DIM,
            iou_head_depth=3,
            iou_head_hidden_dim=20,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    )
    with torch.no_grad():
        for name, weight in sam.named_parameters():
            if "rel_pos" in name or "pos_embed" in name:  # zeros at the start, which would hide a wrong layout
                weight.normal_(std=0.3)
    return sam.eval()
