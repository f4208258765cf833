"""The network: an image encoder that runs once, and a light convolutional decoder that runs once a prompt.

All maps belong to square windows of `WINDOW_PX` pixels. The encoder is fully convolutional, so a window's features may
be cut out of those of a larger canvas; the decoder always sees one window.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from prompts.builtin.frames import LOGITS_PX, MASK_PX, WINDOW_PX
from prompts.builtin.geodesic import GEODESIC_MAPS, geodesic_maps

STRIDES = (4, 8, 16, 32)
IMAGE_CHANNELS = 4
"""Red, green, blue, and 1 where there is image at all (0 in the padding)."""
PROMPT_CHANNELS = 8
N_OUTPUTS = 4
"""Output 0 is the single answer; 1 to 3 are candidates, of which only the best is trained, as in SAM."""
ENCODER_WIDTHS = (48, 96, 192, 256)
ENCODER_BLOCKS = (1, 3, 3, 1)
DECODER_WIDTHS = (32, 64, 96, 128)
SUBCELLS = MASK_PX * STRIDES[0] // WINDOW_PX
"""Mask cells a side in one cell of stride 4: borders are drawn finer than the decoder computes."""
NARROW_SIGMA_PX = 4.0
WIDE_SIGMA_PX = 20.0
LOGIT_SCALE = 8.0
CORE_SHARE = 0.22
"""Standard deviation of a box's core, in its sides."""
RING_SHARE, RING_PX = 0.2, 4.0
"""How far the ring around a box reaches on each side: a share of the side and some pixels."""
CUES = 5
"""What places are compared with: clicks, clicks away, the last mask, the core of the box and the ring around it."""

COLOUR_SPREAD = 0.4
"""Colours this far apart, in deviations of the whole image, begin to look unlike."""

Features = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""Maps at strides 4, 8, 16, 32, unit vectors at stride 8 for telling like from unlike, and the pixels at stride 2."""
FEATURE_STRIDES = (*STRIDES, STRIDES[1], 2)


class ConvNorm(nn.Sequential):
    """Convolution and batch norm, or the convolution alone once the norm has been folded into it."""

    def __init__(self, c_in: int, c_out: int, *, kernel: int = 3, stride: int = 1, folded: bool) -> None:
        conv = nn.Conv2d(c_in, c_out, kernel, stride=stride, padding=kernel // 2, bias=folded)
        super().__init__(conv) if folded else super().__init__(conv, nn.BatchNorm2d(c_out))


class UnshuffledConvNorm(ConvNorm):
    """The same of what `pixel_unshuffle` makes of an image, 2 x 2, without making it, which costs more."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c_out h/2 w/2"]:
        """Convolve with a kernel of twice the side in steps of two: the same products, summed in another order."""
        conv, *norms = self
        assert isinstance(conv, nn.Conv2d)
        n_out, _, side, _ = conv.weight.shape
        split = conv.weight.reshape(n_out, -1, 2, 2, side, side)
        kernel = split.permute(0, 1, 4, 2, 5, 3).reshape(n_out, -1, 2 * side, 2 * side)
        x = F.conv2d(x, kernel, conv.bias, stride=2, padding=2)
        for norm in norms:
            x = norm(x)
        return x


class Residual(nn.Module):
    """Two 3x3 convolutions around a skip connection."""

    def __init__(self, width: int, *, folded: bool) -> None:
        super().__init__()
        self.first = ConvNorm(width, width, folded=folded)
        self.second = ConvNorm(width, width, folded=folded)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, c, h, w) to the same shape."""
        return F.relu(x + self.second(F.relu(self.first(x))))


class Encoder(nn.Module):
    """Residual network with outputs at strides 4, 8, 16 and 32; most of its work is done at stride 8 and deeper."""

    def __init__(self, *, folded: bool) -> None:
        super().__init__()
        widths = ENCODER_WIDTHS
        # Pixels are moved into channels first: wide maps cost more in memory traffic than in arithmetic.
        self.stem = ConvNorm(IMAGE_CHANNELS * STRIDES[0] ** 2, widths[0], folded=folded)
        self.downs = nn.ModuleList(ConvNorm(a, b, stride=2, folded=folded) for a, b in pairwise(widths))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Residual(w, folded=folded) for _ in range(n)))
            for w, n in zip(widths, ENCODER_BLOCKS, strict=True)
        )
        self.laterals = nn.ModuleList(
            ConvNorm(a, b, kernel=1, folded=folded) for a, b in zip(widths, DECODER_WIDTHS, strict=True)
        )

    def forward(self, images: Float[Tensor, "b 4 h w"]) -> Features:
        """Return decoder-width features at the four strides; h and w are multiples of 32."""
        x = F.relu(self.stem(F.pixel_unshuffle(images, STRIDES[0])))
        out = []
        for level, stage in enumerate(self.stages):
            if level > 0:
                x = F.relu(self.downs[level - 1](x))
            x = stage(x)
            out.append(self.laterals[level](x))
        return out[0], out[1], out[2], out[3], F.normalize(out[1], dim=1), F.avg_pool2d(images[:, :3], 2)


class Decoder(nn.Module):
    """A small U-Net over cached features and prompt maps."""

    def __init__(self, *, folded: bool) -> None:
        super().__init__()
        w4, w8, w16, w32 = DECODER_WIDTHS
        self.prompt = UnshuffledConvNorm((PROMPT_CHANNELS + CUES + 3) * 4, w4, folded=folded)
        self.affinities = nn.ModuleList(ConvNorm(CUES, w, kernel=1, folded=folded) for w in (w4, w8))
        self.ways = ConvNorm(GEODESIC_MAPS, w4, folded=folded)
        self.downs = nn.ModuleList(ConvNorm(a, b, stride=2, folded=folded) for a, b in pairwise(DECODER_WIDTHS))
        self.blocks = nn.ModuleList(Residual(w, folded=folded) for w in DECODER_WIDTHS[1:])
        self.context = nn.Linear(w32, w32)
        self.ups = nn.ModuleList(ConvNorm(a, b, kernel=1, folded=folded) for a, b in ((w8, w4), (w16, w8), (w32, w16)))
        self.merges = nn.ModuleList(Residual(w, folded=folded) for w in (w4, w8, w16))
        self.head = nn.Conv2d(w4, N_OUTPUTS * SUBCELLS**2, 3, padding=1)
        self.iou = nn.Sequential(nn.Linear(w32 + w4 + 2, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(
        self, features: Features, maps: Float[Tensor, "n 8 128 128"], *, n_outputs: int = N_OUTPUTS
    ) -> tuple[Tensor, Tensor]:
        """Return logits (n, m, 128, 128) and predicted IoU (n, m) of the first m = `n_outputs` outputs for n prompts.

        Each prompt comes with its own features.
        """
        cues = cues_of(maps)
        pixels = features[5]
        seen = torch.cat([maps, colour_maps(pixels, cues).to(maps.dtype), pixels.to(maps.dtype)], dim=1)
        x = features[0] + self.prompt(seen.contiguous(memory_format=torch.channels_last))
        x = x + self.affinities[0](affinity_maps(F.normalize(features[0], dim=1), cues))
        x = F.relu(x + self.ways(geodesic_maps(pixels, maps)))
        xs = [x]
        for level, (down, block) in enumerate(zip(self.downs, self.blocks, strict=True), start=1):
            x = down(x) + features[level]
            if level == 1:
                x = x + self.affinities[1](affinity_maps(features[4], cues))
            x = block(F.relu(x))
            xs.append(x)
        pooled = xs[3].mean((2, 3))
        x = xs[3] + self.context(pooled)[:, :, None, None]
        for level in (2, 1, 0):
            up = F.interpolate(self.ups[level](x), scale_factor=2, mode="bilinear", align_corners=False)
            x = self.merges[level](F.relu(xs[level] + up))
        wanted = slice(n_outputs * SUBCELLS**2)
        subcells = F.conv2d(x, self.head.weight[wanted], self.head.bias[wanted], padding=1)  # type: ignore[index]
        coarse = subcells.detach().reshape(len(x), n_outputs, -1, *x.shape[2:]).mean(2)
        return F.pixel_shuffle(subcells, SUBCELLS), self._predict_iou(coarse, x, pooled)

    def _predict_iou(self, coarse: Tensor, x: Tensor, pooled: Tensor) -> Tensor:
        """Judge each mask, given as mean logits (n, m, 64, 64), by what lies inside it and how sure its border is."""
        inside = coarse.float().sigmoid()
        area = inside.mean((2, 3))
        weights = inside / (inside.sum((2, 3), keepdim=True) + 1.0)
        mean_features = weights.flatten(2).to(x.dtype) @ x.flatten(2).transpose(1, 2)
        doubt = (4 * inside * (1 - inside)).mean((2, 3)) / (area + 1e-3)
        common = pooled.float()[:, None, :].expand(-1, coarse.shape[1], -1)
        evidence = [common, mean_features.float(), area[..., None], doubt[..., None]]
        judged: Tensor = self.iou(torch.cat(evidence, dim=-1)).squeeze(-1)
        return judged


def cues_of(maps: Float[Tensor, "n 8 128 128"]) -> Float[Tensor, "n 5 128 128"]:
    """Take from prompt maps what places are compared with."""
    return torch.cat([maps[:, :2], maps[:, 5:6].relu(), maps[:, 6:]], dim=1).float().contiguous()


def cue_weights(cues: Float[Tensor, "n 5 128 128"], side: int) -> tuple[Tensor, Tensor]:
    """Give each cue as weights that sum to one over side x side places, (n, 5, places), and its sum before that."""
    step = LOGITS_PX // side
    cues = (cues if step == 1 else F.avg_pool2d(cues, step)).flatten(2)
    total = cues.sum(-1, keepdim=True)
    return cues / (total + 1e-3), total


def affinity_maps(features: Float[Tensor, "n c s s"], cues: Float[Tensor, "n 5 128 128"]) -> Float[Tensor, "n 5 s s"]:
    """Say how much each place's features are like those of each cue."""
    weights, _ = cue_weights(cues, features.shape[-1])
    flat = features.flatten(2)
    return (weights.to(flat.dtype) @ flat.transpose(1, 2) @ flat).reshape(len(cues), CUES, *features.shape[2:])


def colour_maps(pixels: Float[Tensor, "n 3 s s"], cues: Float[Tensor, "n 5 128 128"]) -> Float[Tensor, "n 5 s s"]:
    """Say how near each pixel's colour is to the mean colour of each cue; nothing where there is no such cue."""
    weights, total = cue_weights(cues, pixels.shape[-1])
    flat = pixels.float().contiguous().flatten(2)
    means = weights @ flat.transpose(1, 2)
    distance2 = (means**2).sum(2, keepdim=True) - 2 * means @ flat + (flat**2).sum(1, keepdim=True)
    near = torch.exp(-distance2 / (2 * COLOUR_SPREAD**2)) * (total > 0)
    return near.reshape(len(cues), CUES, *pixels.shape[2:])


class PromptableNet(nn.Module):
    """Encoder and decoder; `folded`: batch norms are part of the convolutions, as in the shipped weights."""

    def __init__(self, *, folded: bool = False) -> None:
        super().__init__()
        self.encoder = Encoder(folded=folded)
        self.decoder = Decoder(folded=folded)

    def encode(self, images: Float[Tensor, "b 4 h w"]) -> Features:
        """Run the encoder on standardised images with their validity channel."""
        features: Features = self.encoder(images)
        return features

    def decode(self, features: Features, maps: Float[Tensor, "n 8 128 128"]) -> tuple[Tensor, Tensor]:
        """Run the decoder on windows of features, one per prompt."""
        out: tuple[Tensor, Tensor] = self.decoder(features, maps)
        return out


def prompt_maps(
    points: Float[Tensor, "n p 3"], boxes: Float[Tensor, "n 4"], logits: Float[Tensor, "n 128 128"]
) -> Float[Tensor, "n 8 128 128"]:
    """Draw prompts as maps: + and - clicks narrow, + and - wide, box coverage, last logits, core of the box, its ring.

    Args:
        points: x, y in window pixels and label: 1 foreground, 0 background, -1 no click (padding).
        boxes: x0, y0, x1, y1 in window pixels; all zero for none.
        logits: the model's own last logits, zero for none.
    """
    step = WINDOW_PX / LOGITS_PX
    low = torch.arange(LOGITS_PX, dtype=torch.float32) * step
    centre = low + step / 2
    dx2 = (centre - points[..., 0:1]) ** 2
    dy2 = (centre - points[..., 1:2]) ** 2
    maps = []
    for sigma in (NARROW_SIGMA_PX, WIDE_SIGMA_PX):
        gx, gy = torch.exp(-dx2 / (2 * sigma**2)), torch.exp(-dy2 / (2 * sigma**2))
        for label in (1, 0):
            chosen = (points[..., 2:3] == label).float()
            maps.append(torch.einsum("npy,npx->nyx", gy * chosen, gx).clamp(max=1.0))
    covered = box_cover(boxes, low, step)
    maps.append(covered)
    maps.append((logits / LOGIT_SCALE).clamp(-1.0, 1.0))
    middle, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    spread = CORE_SHARE * side + step / 2
    gx, gy = (torch.exp(-((centre - middle[:, i : i + 1]) ** 2) / (2 * spread[:, i : i + 1] ** 2)) for i in (0, 1))
    maps.append(gy[:, :, None] * gx[:, None, :] * (covered > 0))
    reach = (RING_SHARE * side + RING_PX) * (side > 0)
    maps.append(box_cover(torch.cat([boxes[:, :2] - reach, boxes[:, 2:] + reach], dim=1), low, step) - covered)
    return torch.stack(maps, dim=1)


def box_cover(boxes: Float[Tensor, "n 4"], low: Float[Tensor, " c"], step: float) -> Float[Tensor, "n c c"]:
    """Give the share of each cell that a box covers; `low`: where cells begin, each `step` pixels wide."""
    x = (torch.minimum(boxes[:, 2:3], low + step) - torch.maximum(boxes[:, 0:1], low)).clamp(min=0) / step
    y = (torch.minimum(boxes[:, 3:4], low + step) - torch.maximum(boxes[:, 1:2], low)).clamp(min=0) / step
    return y[:, :, None] * x[:, None, :]
