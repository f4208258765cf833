"""The image encoder of a SAM as encoder, from a weights file of the segment_anything package."""

import re
from functools import partial
from pathlib import Path

import torch
from segment_anything.modeling import ImageEncoderViT
from torch.nn import functional

from alcore.encoders.foreign import ForeignEncoder
from alcore.encoders.weights import fill, fingerprint, read_tensors
from alcore.errors import ModelFileError

_PREFIX = "image_encoder."
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_COARSER = 2
"""SAM's embedding of 64 by 64 cells would take 2 MB an image; the dense map averages so many cells each way."""

Shapes = dict[str, tuple[int, ...]]


class SamEncoder(ForeignEncoder):
    """ImageEncoderViT with frozen weights; the vector is the mean of its embedding.

    Unlike SAM's own predictor, which pads, it sees the image squashed to its square, as every encoder here does.

    Source: Kirillov et al. 2023, Segment Anything (arXiv:2304.02643), image encoder.
    """

    def __init__(self, checkpoint: Path) -> None:
        tensors = {key.removeprefix("module."): value for key, value in read_tensors(checkpoint).items()}
        tensors = {key.removeprefix(_PREFIX): value for key, value in tensors.items() if key.startswith(_PREFIX)}
        try:
            self._network = _build({key: tuple(value.shape) for key, value in tensors.items()})
        except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
            raise ModelFileError(
                f"{checkpoint} holds no image encoder of the segment_anything package ({error}); expected a SAM vit_b, "
                "vit_l or vit_h or a fine-tune of them; MobileSAM, SAM 2 and others are no encoders here"
            ) from error
        fill(self._network, tensors, source=str(checkpoint))
        self._network.eval()
        side = self._network.img_size
        self.encoder_id = f"sam-{re.sub(r'[^A-Za-z0-9._]+', '-', checkpoint.stem)}-{side}-{fingerprint(self._network)}"
        super().__init__(side=side, mean=_MEAN, std=_STD)

    def _forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One pass, image by image: SAM's global attention over 4,096 tokens takes gigabytes for more."""
        embedding = torch.cat([self._network(image[None]) for image in pixels])
        return embedding.mean((2, 3)), functional.avg_pool2d(embedding, _COARSER)


def _build(shapes: Shapes) -> ImageEncoderViT:
    """Build the network whose tensors have these shapes."""
    embed_dim, _, patch_px, _ = shapes["patch_embed.proj.weight"]
    _, grid, n_cols, _ = shapes["pos_embed"]
    depth = 1 + max(int(key.split(".")[1]) for key in shapes if key.startswith("blocks."))
    spans = [(shapes[f"blocks.{i}.attn.rel_pos_h"][0] + 1) // 2 for i in range(depth)]
    windows = {span for span in spans if span != grid}
    if grid != n_cols or len(windows) > 1:
        raise ValueError(f"a position embedding of {grid} by {n_cols}, windows of {sorted(windows)} tokens")
    return ImageEncoderViT(
        img_size=grid * patch_px,
        patch_size=patch_px,
        embed_dim=embed_dim,
        depth=depth,
        num_heads=embed_dim // shapes["blocks.0.attn.rel_pos_h"][1],
        mlp_ratio=shapes["blocks.0.mlp.lin1.weight"][0] / embed_dim,
        out_chans=shapes["neck.0.weight"][0],
        qkv_bias="blocks.0.attn.qkv.bias" in shapes,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=windows.pop() if windows else 0,
        global_attn_indexes=tuple(i for i, span in enumerate(spans) if span == grid),
    )
