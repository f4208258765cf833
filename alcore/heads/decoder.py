"""The network of the segmentation head: frozen dense features and a shallow image stem, joined by addition."""

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


def _places(like: torch.Tensor) -> torch.Tensor:
    """Row, column and distance from the middle column of each cell: anatomy has its place in most views."""
    rows = torch.linspace(-1, 1, like.shape[-2], dtype=like.dtype).view(1, 1, -1, 1).expand(1, 1, *like.shape[-2:])
    columns = torch.linspace(-1, 1, like.shape[-1], dtype=like.dtype).view(1, 1, 1, -1).expand_as(rows)
    return torch.cat([rows, columns, columns.abs()], dim=1)


class ChannelDropout(nn.Module):
    """`nn.Dropout2d` with a generator of its own, so that networks trained in threads side by side stay reproducible.

    The global generator seeds it when it is made.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.kept = 1 - rate
        self.generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))

    def forward(self, x: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n c h w"]:
        """Set whole channels to 0 and scale up the others, in training only."""
        if not self.training:
            return x
        drawn = torch.empty(x.shape[0], x.shape[1], 1, 1).bernoulli_(self.kept, generator=self.generator)
        return x * (drawn / self.kept).to(x.dtype)


class Decoder(nn.Module):
    """A small U-Net whose contracting path also takes in the encoder's features.

    Its finest maps are at stride 2; each of their cells gives the logits of its four pixels.
    """

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        low, mid = STEM_WIDTHS
        self.stem_2 = _conv(3, low, stride=2)
        self.stem_4 = nn.Sequential(_conv(low, mid, stride=2), _conv(mid, mid))
        self.stem_8 = _conv(mid, FEATURE_WIDTH, stride=2)
        self.place = nn.Conv2d(3, FEATURE_WIDTH, 1)
        self.features = _conv(n_features, FEATURE_WIDTH, kernel=1)
        self.join_8 = _conv(FEATURE_WIDTH, FEATURE_WIDTH)
        self.down_16 = nn.Sequential(_conv(FEATURE_WIDTH, CONTEXT_WIDTH, stride=2), _conv(CONTEXT_WIDTH, CONTEXT_WIDTH))
        self.down_32 = nn.Sequential(_conv(CONTEXT_WIDTH, CONTEXT_WIDTH, stride=2), _conv(CONTEXT_WIDTH, CONTEXT_WIDTH))
        self.up_16 = _conv(CONTEXT_WIDTH, CONTEXT_WIDTH)
        self.narrow_8, self.up_8 = _conv(CONTEXT_WIDTH, FEATURE_WIDTH, kernel=1), _conv(FEATURE_WIDTH, FEATURE_WIDTH)
        self.narrow_4, self.up_4 = _conv(FEATURE_WIDTH, mid, kernel=1), _conv(mid, mid)
        self.narrow_2, self.up_2 = _conv(mid, low, kernel=1), _conv(low, low)
        self.dropout = ChannelDropout(0.1)
        self.logits = nn.Conv2d(low, 4 * n_classes, 1)

    def forward(
        self, features: Float[torch.Tensor, "n c hd wd"], images: Float[torch.Tensor, "n 3 s s"]
    ) -> Float[torch.Tensor, "n k s s"]:
        """Give the logits at the image's own side."""
        at_2 = self.stem_2(images)
        at_4 = self.stem_4(at_2)
        own = self.stem_8(at_4)
        at_8 = self.join_8(own + _resize(self.features(features), own) + self.place(_places(own)))
        at_16 = self.down_16(at_8)
        at_32 = self.down_32(at_16)
        up = self.up_16(_resize(at_32, at_16) + at_16)
        up = self.up_8(_resize(self.narrow_8(up), at_8) + at_8)
        up = self.up_4(_resize(self.narrow_4(self.dropout(up)), at_4) + at_4)
        up = self.up_2(_resize(self.narrow_2(up), at_2) + at_2)
        return functional.pixel_shuffle(self.logits(up), 2)
