"""The other candidate: SAM's two-way transformer decoder at a small size, kept to repeat the comparison."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from prompts.builtin.frames import LOGITS_PX, WINDOW_PX
from prompts.builtin.model import N_OUTPUTS, Encoder, Features

WIDTH = 128
N_HEADS = 8
N_LAYERS = 2
MLP_WIDTH = 512
GRID = WINDOW_PX // 8


class FourierPosition(nn.Module):
    """SAM's random Fourier features of a position in [0, 1]."""

    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(2, WIDTH // 2))

    def forward(self, xy: Float[Tensor, "*s 2"]) -> Float[Tensor, "*s d"]:
        """Encode positions."""
        angles = 2 * math.pi * (2 * xy - 1) @ self.frequencies.float()
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Attention(nn.Module):
    """Multi-head attention with separate query, key and value inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend; `mask` is True where a key may be looked at."""
        q, k, v = (
            p(x).unflatten(-1, (N_HEADS, -1)).transpose(1, 2) for p, x in ((self.q, q), (self.k, k), (self.v, v))
        )
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=None if mask is None else mask[:, None, None, :])
        attended: Tensor = self.out(x.transpose(1, 2).flatten(2))
        return attended


class TwoWayLayer(nn.Module):
    """Self-attention of tokens, tokens to image, MLP, image to tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.to_image, self.to_tokens = Attention(), Attention(), Attention()
        self.mlp = nn.Sequential(nn.Linear(WIDTH, MLP_WIDTH), nn.ReLU(), nn.Linear(MLP_WIDTH, WIDTH))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(4))

    def forward(
        self, tokens: Tensor, image: Tensor, token_pe: Tensor, image_pe: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Update tokens (n, t, d) and image (n, p, d)."""
        q = tokens + token_pe
        tokens = self.norms[0](tokens + self.own(q, q, tokens, mask))
        tokens = self.norms[1](tokens + self.to_image(tokens + token_pe, image + image_pe, image))
        tokens = self.norms[2](tokens + self.mlp(tokens))
        image = self.norms[3](image + self.to_tokens(image + image_pe, tokens + token_pe, tokens, mask))
        return tokens, image


class TwoWayDecoder(nn.Module):
    """Prompt tokens, two two-way layers over stride 8, upscaling with the finer features, one hypernetwork a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.position = FourierPosition()
        self.kinds = nn.Embedding(5, WIDTH)  # background click, foreground click, box corner, box corner, padding
        self.outputs = nn.Parameter(torch.randn(1 + N_OUTPUTS, WIDTH) * 0.02)
        self.lateral8 = nn.Conv2d(64, WIDTH, 1)
        self.lateral16 = nn.Conv2d(96, WIDTH, 1)
        self.lateral32 = nn.Conv2d(128, WIDTH, 1)
        self.last_mask = nn.Sequential(nn.Conv2d(16, 32, 1), nn.GELU(), nn.Conv2d(32, WIDTH, 1))
        self.layers = nn.ModuleList(TwoWayLayer() for _ in range(N_LAYERS))
        self.final, self.norm = Attention(), nn.LayerNorm(WIDTH)
        self.up4, self.skip4 = nn.ConvTranspose2d(WIDTH, 32, 2, stride=2), nn.Conv2d(32, 32, 1)
        self.up2 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.hyper = nn.ModuleList(
            nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 16)) for _ in range(N_OUTPUTS)
        )
        self.iou = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, N_OUTPUTS))

    def forward(self, features: Features, maps: Tensor, points: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Answer n prompts; same contract as the convolutional decoder, but clicks and boxes go in as tokens."""
        n = len(maps)
        image = self.lateral8(features[1]) + F.interpolate(self.lateral16(features[2]), scale_factor=2.0)
        image = image + F.interpolate(self.lateral32(features[3]), scale_factor=4.0)
        image = image + self.last_mask(F.pixel_unshuffle(maps[:, 5:6], LOGITS_PX // GRID))
        image = image.flatten(2).transpose(1, 2)
        places = (torch.arange(GRID, dtype=torch.float32) + 0.5) / GRID
        grid = torch.stack(torch.meshgrid(places, places, indexing="xy"), dim=-1).reshape(1, -1, 2)
        image_pe = self.position(grid)
        has_box = boxes.sum(1, keepdim=True) > 0
        corners = boxes.reshape(n, 2, 2) / WINDOW_PX
        kinds = torch.where(points[..., 2] < 0, 4, points[..., 2].long())
        corner_kinds = torch.where(has_box, torch.tensor([2, 3]), 4)
        xy = torch.cat([points[..., :2] / WINDOW_PX, corners], dim=1)
        pe = self.position(xy)
        prompt = self.kinds(torch.cat([kinds, corner_kinds], dim=1)) + pe
        tokens = torch.cat([self.outputs.expand(n, -1, -1), prompt], dim=1)
        mask = torch.cat([torch.ones(n, 1 + N_OUTPUTS), points[..., 2] >= 0, has_box.expand(-1, 2)], dim=1).bool()
        token_pe = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, token_pe, image_pe, mask)
        tokens = self.norm(tokens + self.final(tokens + token_pe, image + image_pe, image))
        x = image.transpose(1, 2).reshape(n, WIDTH, GRID, GRID)
        x = F.gelu(self.up4(x) + self.skip4(features[0]))
        x = F.gelu(self.up2(x))
        weights = torch.stack([h(tokens[:, 1 + i]) for i, h in enumerate(self.hyper)], dim=1)
        logits = torch.einsum("nmc,nchw->nmhw", weights, x)
        return logits, self.iou(tokens[:, 0])


class TwoWayNet(nn.Module):
    """The encoder of the built-in model under the transformer decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(folded=False)
        self.decoder = TwoWayDecoder()

    def encode(self, images: Float[Tensor, "b 4 h w"]) -> Features:
        """Run the encoder."""
        features: Features = self.encoder(images)
        return features

    def decode(self, features: Features, maps: Tensor, points: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Run the decoder; clicks and boxes as numbers, last logits as a map."""
        out: tuple[Tensor, Tensor] = self.decoder(features, maps, points, boxes)
        return out
