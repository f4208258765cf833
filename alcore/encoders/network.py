"""The small convolutional network of the built-in encoder: a residual trunk with a feature pyramid on top."""

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

INPUT_SIDE = 256
"""Images are squashed to this square before they enter."""
WIDTHS = (32, 64, 128, 192)
"""Channels at strides 4, 8, 16 and 32."""
BLOCKS = (1, 2, 3, 2)
"""Residual blocks at those strides."""
DENSE_CHANNELS = 64
DENSE_STRIDE = 8
POOLED_DIM = DENSE_CHANNELS + WIDTHS[2] + WIDTHS[3]
STATISTICS_DIM = 2 * (sum(WIDTHS[1:]) + DENSE_CHANNELS)
VECTOR_DIM = 256


def _norm_conv(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, then batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=False), nn.BatchNorm2d(n_out)
    )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut; the first may halve the side."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = _norm_conv(n_in, n_out, 3, stride)
        self.second = _norm_conv(n_out, n_out, 3)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or n_in != n_out:
            self.shortcut = _norm_conv(n_in, n_out, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add the transformed input to the shortcut."""
        return functional.relu(self.second(functional.relu(self.first(x), inplace=True)) + self.shortcut(x))


class EncoderNetwork(nn.Module):
    """One pass gives the stride-8 feature map and the pooled vector; sides must be multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_norm_conv(3, 24, 3, 2), nn.ReLU(inplace=True))
        stages: list[nn.Module] = []
        n_in = 24
        for width, n_blocks in zip(WIDTHS, BLOCKS, strict=True):
            blocks = [ResidualBlock(n_in if b == 0 else width, width, 2 if b == 0 else 1) for b in range(n_blocks)]
            stages.append(nn.Sequential(*blocks))
            n_in = width
        self.stages = nn.ModuleList(stages)
        self.laterals = nn.ModuleList([nn.Conv2d(width, DENSE_CHANNELS, 1) for width in WIDTHS[1:]])
        self.fuse = nn.Sequential(
            _norm_conv(DENSE_CHANNELS, DENSE_CHANNELS, 3),
            nn.ReLU(inplace=True),
            nn.Conv2d(DENSE_CHANNELS, DENSE_CHANNELS, 1),
        )

    def forward(
        self, images: Float[torch.Tensor, "n 3 h w"]
    ) -> tuple[list[Float[torch.Tensor, "n _c _h _w"]], Float[torch.Tensor, "n c hd wd"]]:
        """Encode a normalised batch.

        Args:
            images: as `normalise` makes them; h and w multiples of 32.

        Returns:
            The maps at strides 4, 8, 16 and 32, and the dense map at stride 8 that joins the last three.
        """
        x = self.stem(images)
        levels: list[torch.Tensor] = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        dense = self.laterals[0](levels[1])
        size = dense.shape[-2:]
        for lateral, level in zip(list(self.laterals)[1:], levels[2:], strict=True):
            dense = dense + functional.interpolate(lateral(level), size=size, mode="bilinear", align_corners=False)
        return levels, self.fuse(functional.relu(dense))


def pooled(levels: list[torch.Tensor], dense: torch.Tensor) -> Float[torch.Tensor, "n d"]:
    """Average maps over the image: what self-supervision learns from."""
    parts = [functional.relu(dense).mean((2, 3)), levels[2].mean((2, 3)), levels[3].mean((2, 3))]
    return torch.cat(parts, dim=1)


def statistics(levels: list[torch.Tensor], dense: torch.Tensor) -> Float[torch.Tensor, "n d"]:
    """Describe maps by mean and deviation of each channel: how much of a texture there is, and how unevenly."""
    parts = [torch.cat([m.mean((2, 3)), m.std((2, 3))], dim=1) for m in (*levels[1:], dense)]
    return torch.cat(parts, dim=1).float()


class WhitenedEncoder(nn.Module):
    """The network that ships: the trunk, and a linear map that makes its statistics comparable."""

    mean: torch.Tensor
    matrix: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = EncoderNetwork()
        self.register_buffer("mean", torch.zeros(STATISTICS_DIM))
        self.register_buffer("matrix", torch.zeros(STATISTICS_DIM, VECTOR_DIM))

    def forward(
        self, images: Float[torch.Tensor, "n 3 h w"]
    ) -> tuple[Float[torch.Tensor, "n d"], Float[torch.Tensor, "n c hd wd"]]:
        """Give the vector (not yet L2-normalised) and the dense map of each normalised image."""
        levels, dense = self.trunk(images)
        return (statistics(levels, dense) - self.mean) @ self.matrix, dense


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Bring uint8 or [0, 255] pixels to roughly zero mean and unit spread."""
    return (images.float() - 96.0) / 64.0
