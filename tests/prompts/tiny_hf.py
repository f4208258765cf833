"""Tiny random models of `transformers`, saved as the library saves them: config.json and model.safetensors."""

from pathlib import Path
from typing import Any

import torch

SIDE_PX = 64
FAMILIES = ("sam", "sam_hq", "sam2", "edgetam", "sam3_tracker")
PATCH_PX = {"sam": 8, "sam_hq": 8, "sam2": 16, "edgetam": 16, "sam3_tracker": 8}
"""Pixels to a cell of the image embedding; logits are four times as fine."""

_SAM_VISION = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "mlp_dim": 48,
    "image_size": SIDE_PX,
    "patch_size": 8,
    "output_channels": 32,
    "window_size": 3,
    "global_attn_indexes": [1],
    "num_pos_feats": 16,
}
_HIERA = {
    "model_type": "sam2_hiera_det_model",
    "hidden_size": 8,
    "num_attention_heads": 1,
    "image_size": [64, 64],
    "blocks_per_stage": [1, 1, 2, 1],
    "embed_dim_per_stage": [8, 16, 32, 64],
    "global_attention_blocks": [3],
    "num_attention_heads_per_stage": [1, 2, 4, 8],
    "window_size_per_stage": [4, 2, 2, 2],
    "window_positional_embedding_background_size": [2, 2],
}
_REPVIT = {
    "model_type": "timm_wrapper",
    "architecture": "repvit_m1",
    "num_classes": 2,
    "label_names": ["a", "b"],
    "model_args": {
        "in_chans": 3,
        "features_only": True,
        "out_indices": [0, 1, 2, 3],
        "embed_dim": (8, 16, 24, 32),
        "depth": (1, 1, 1, 1),
    },
}
_SAM3_VIT = {
    "model_type": "sam3_vit_model",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE_PX,
    "patch_size": 8,
    "window_size": 4,
    "global_attn_indexes": [1],
    "pretrain_image_size": SIDE_PX,
}
_PYRAMID = {"backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]], "fpn_hidden_size": 32}
_VISION: dict[str, dict[str, Any]] = {
    "sam": _SAM_VISION,
    "sam_hq": _SAM_VISION,
    "sam2": {"backbone_config": _HIERA, "backbone_channel_list": [64, 32, 16, 8], **_PYRAMID},
    "edgetam": {"backbone_config": _REPVIT, "backbone_channel_list": [32, 24, 16, 8], **_PYRAMID},
    "sam3_tracker": {
        "model_type": "sam3_vision_model",
        "backbone_config": _SAM3_VIT,
        "fpn_hidden_size": 32,
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
    },
}
_CLASSES = {"sam": "Sam", "sam_hq": "SamHQ", "sam2": "Sam2", "edgetam": "EdgeTam", "sam3_tracker": "Sam3Tracker"}


def make_config(family: str) -> Any:
    """Settings of the tiny model of a family."""
    import transformers

    decoder = {"hidden_size": 32, "mlp_dim": 40, "num_attention_heads": 8, "iou_head_hidden_dim": 20}
    return getattr(transformers, f"{_CLASSES[family]}Config")(
        vision_config=_VISION[family],
        prompt_encoder_config={
            "hidden_size": 32,
            "image_size": SIDE_PX,
            "patch_size": PATCH_PX[family],
            "mask_input_channels": 8,
        },
        mask_decoder_config=decoder | ({"vit_dim": 24} if family == "sam_hq" else {}),
    )


def save_tiny(family: str, folder: Path, *, seed: int = 0) -> Any:
    """Save a random model of a family and return it."""
    import transformers

    torch.manual_seed(seed)
    model = getattr(transformers, f"{_CLASSES[family]}Model")(make_config(family)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # As initialised, zeros would hide mistakes, and signals so small that no image makes a difference.
            if any(part in name for part in ("rel_pos", "pos_embed", "no_memory")):
                weight.normal_(std=0.3)
            elif weight.ndim > 1:
                weight.normal_(std=weight[0].numel() ** -0.5)
    model.save_pretrained(folder)
    return model
