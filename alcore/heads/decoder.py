"""The network of the segmentation head: frozen dense features and a shallow image stem, joined on the way up."""

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

STEM_WIDTHS = (16, 32)
"""Channels of the image stem at strides 2 and 4."""
FEATURE_WIDTH = 64
CONTEXT_WIDTH = 96


def _conv(n_in: int, n_out: int, *, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution, batch normalisation, rectifier."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )


def _resize(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Bilinear to the rows and columns of another map."""
    size = (like.shape[-2], like.shape[-1])
    if (x.shape[-2], x.shape[-1]) == size:
        return x
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


class Decoder(nn.Module):
    """A small U-Net whose contracting path also takes in the encoder's features; logits at half the image's side."""

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        low, mid = STEM_WIDTHS
        self.stem_2 = nn.Sequential(_conv(3, low, stride=2), _conv(low, low))
        self.stem_4 = nn.Sequential(_conv(low, mid, stride=2), _conv(mid, mid))
        self.stem_8 = _conv(mid, FEATURE_WIDTH, stride=2)
        self.features = _conv(n_features, FEATURE_WIDTH, kernel=1)
        self.join_8 = _conv(2 * FEATURE_WIDTH, FEATURE_WIDTH)
        self.down_16 = nn.Sequential(_conv(FEATURE_WIDTH, CONTEXT_WIDTH, stride=2), _conv(CONTEXT_WIDTH, CONTEXT_WIDTH))
        self.down_32 = nn.Sequential(_conv(CONTEXT_WIDTH, CONTEXT_WIDTH, stride=2), _conv(CONTEXT_WIDTH, CONTEXT_WIDTH))
        self.up_16 = _conv(2 * CONTEXT_WIDTH, CONTEXT_WIDTH)
        self.up_8 = _conv(CONTEXT_WIDTH + FEATURE_WIDTH, FEATURE_WIDTH)
        self.up_4 = _conv(FEATURE_WIDTH + mid, mid)
        self.up_2 = _conv(mid + low, low)
        self.dropout = nn.Dropout2d(0.1)
        self.logits = nn.Conv2d(low, n_classes, 1)

    def forward(
        self, features: Float[torch.Tensor, "n c hd wd"], images: Float[torch.Tensor, "n 3 s s"]
    ) -> Float[torch.Tensor, "n k hs ws"]:
        """Give the logits at half the image's side."""
        at_2 = self.stem_2(images)
        at_4 = self.stem_4(at_2)
        own = self.stem_8(at_4)
        at_8 = self.join_8(torch.cat([own, _resize(self.features(features), own)], dim=1))
        at_16 = self.down_16(at_8)
        at_32 = self.down_32(at_16)
        up = self.up_16(torch.cat([_resize(at_32, at_16), at_16], dim=1))
        up = self.up_8(torch.cat([_resize(up, at_8), at_8], dim=1))
        up = self.up_4(torch.cat([_resize(self.dropout(up), at_4), at_4], dim=1))
        up = self.up_2(torch.cat([_resize(up, at_2), at_2], dim=1))
        return self.logits(up)
