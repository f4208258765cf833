"""Draw training windows: a random view of a record, its objects as soft masks, changed geometry and intensity."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from prompts.builtin.frames import WINDOW_PX
from prompts.builtin.training.data import Record
from prompts.builtin.training.prompting import tight_boxes

OBJECTS_PER_WINDOW = 4
MIN_AREA_PX = 20
SUPERPIXEL_SHARE = 0.22
"""How often superpixels stand in for the objects of an image that has both."""
SMALLER_OF_TWO_SHARE = 0.4
CURVE_SHARE, CURVE_KNOTS = 0.2, 5
"""How often intensities go through a random curve, not even a monotone one, and through how many points it is drawn."""


@dataclass(frozen=True)
class Extent:
    """One object of a label map: its id, centre and longer side as fractions of the map's width and height."""

    label: int
    x: float
    y: float
    side: float


def extents(labels: Int[np.ndarray, "h w"]) -> list[Extent]:
    """List the objects of a label map."""
    h, w = labels.shape
    found = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            rows, cols = box
            height, width = rows.stop - rows.start, cols.stop - cols.start
            x, y = (cols.start + cols.stop) / 2 / w, (rows.start + rows.stop) / 2 / h
            found.append(Extent(label, x, y, max(height, width) / max(h, w)))
    return found


@dataclass(frozen=True)
class Window:
    """One training example: image with validity channel, object masks and their tight boxes in window pixels."""

    image: Float[Tensor, "4 256 256"]
    targets: Bool[Tensor, "k 256 256"]
    boxes: Float[Tensor, "k 4"]


class WindowDataset(Dataset[Window]):
    """Random windows, each a function of the seed and its index alone."""

    def __init__(self, records: list[Record], shares: Mapping[str, float], *, seed: int) -> None:
        """Draw from the sets named in `shares`, which need not add up to one; a set without records is left out."""
        self.seed = seed
        by_set: dict[str, list[Record]] = {}
        for record in records:
            by_set.setdefault(record.dataset, []).append(record)
        self.by_set = {name: by_set[name] for name in sorted(shares) if name in by_set}
        weights = np.array([shares[name] for name in self.by_set])
        self.names, self.shares = list(self.by_set), weights / weights.sum()
        self.maps = {id(r): [(m, extents(m)) for m in (*r.objects, *r.superpixels)] for r in records}

    def __getitem__(self, index: int) -> Window:
        """Draw window number `index`; one without any object is drawn anew."""
        rng = np.random.default_rng([self.seed, index])
        while True:
            pool = self.by_set[self.names[rng.choice(len(self.names), p=self.shares)]]
            record = pool[int(rng.integers(len(pool)))]
            maps = self.maps[id(record)]
            n_objects = len(record.objects)
            if n_objects == 0 or (record.superpixels and rng.random() < SUPERPIXEL_SHARE):
                pick = int(rng.integers(n_objects, len(maps)))
            else:
                pick = int(rng.integers(n_objects))
            window = draw_window(record, *maps[pick], rng) if maps[pick][1] else None
            if window is not None:
                return window


def view_grid(
    height: int, width: int, target: Extent, rng: np.random.Generator
) -> tuple[Float[Tensor, "1 256 256 2"], float]:
    """Choose a view, often the whole image, otherwise a part around the object: sampling grid and side in pixels."""
    longest = max(height, width)
    x, y = target.x * width, target.y * height
    if rng.random() < 0.40:
        side = longest * rng.uniform(0.9, 1.15)
        x, y = width / 2 + side * rng.uniform(-0.05, 0.05), height / 2 + side * rng.uniform(-0.05, 0.05)
    else:
        side = longest * math.exp(rng.uniform(math.log(0.22), math.log(0.95)))
        side = max(side, 1.2 * target.side * longest)
        room = max(0.0, side - target.side * longest)
        x, y = x + room * rng.uniform(-0.4, 0.4), y + room * rng.uniform(-0.4, 0.4)
    turn = 0.5 * math.pi * int(rng.integers(4)) if rng.random() < 0.3 else 0.0
    if rng.random() < 0.35:
        turn += rng.uniform(-0.5, 0.5)
    squeeze = math.exp(rng.uniform(-0.15, 0.15)) if rng.random() < 0.5 else 1.0
    flips = rng.choice([-1.0, 1.0], 2)
    c, s = math.cos(turn), math.sin(turn)
    half_x, half_y = side / 2 * squeeze * flips[0], side / 2 / squeeze * flips[1]
    theta = torch.tensor(
        [
            [2 * half_x * c / width, -2 * half_y * s / width, 2 * x / width - 1],
            [2 * half_x * s / height, 2 * half_y * c / height, 2 * y / height - 1],
        ],
        dtype=torch.float32,
    )
    return F.affine_grid(theta[None], [1, 1, WINDOW_PX, WINDOW_PX], align_corners=False), side


def draw_window(
    record: Record, labels: Int[np.ndarray, "h w"], found: list[Extent], rng: np.random.Generator
) -> Window | None:
    """Draw one window around a random object; None when no object large enough is in view."""
    height, width = record.pixels[0].shape[:2]
    target = found[int(rng.integers(len(found)))]
    if rng.random() < SMALLER_OF_TWO_SHARE:
        target = min(target, found[int(rng.integers(len(found)))], key=lambda extent: extent.side)
    grid, side = view_grid(height, width, target, rng)
    level = min(max(0, int(math.log2(max(side, 1) / WINDOW_PX))), len(record.pixels) - 1)
    pixels = torch.from_numpy(record.pixels[level].copy()).permute(2, 0, 1)[None].float() / 255
    image = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)[0]
    label_map = torch.from_numpy(labels.astype(np.float32))[None, None]
    seen = F.grid_sample(label_map, grid, mode="nearest", padding_mode="zeros", align_corners=False)[0, 0].long()
    areas = torch.bincount(seen.flatten(), minlength=target.label + 1)
    areas[0] = 0
    ids = torch.nonzero(areas >= MIN_AREA_PX).flatten().tolist()
    if not ids:
        return None
    chosen = [target.label] if target.label in ids else []
    others = [i for i in ids if i not in chosen]
    rng.shuffle(others)
    chosen = (chosen + others)[:OBJECTS_PER_WINDOW]
    chosen = (chosen * OBJECTS_PER_WINDOW)[:OBJECTS_PER_WINDOW]
    masks = seen[None] == torch.tensor(chosen)[:, None, None]
    valid = (grid[0].abs() <= 1).all(-1)[None].float()
    thumb = pixels[0, :, :: max(1, pixels.shape[2] // 64), :: max(1, pixels.shape[3] // 64)]
    image = change_intensity(image, thumb, rng) * valid
    return Window(torch.cat([image, valid]), masks, tight_boxes(masks))


def change_intensity(
    image: Float[Tensor, "3 h w"], thumb: Float[Tensor, "3 a b"], rng: np.random.Generator
) -> Float[Tensor, "3 h w"]:
    """Change gamma, contrast, colour and polarity, standardise by the whole (changed) image, blur and add noise."""
    gamma = math.exp(rng.uniform(-0.5, 0.5)) if rng.random() < 0.5 else 1.0
    invert, grey = rng.random() < 0.12, rng.random() < 0.15
    gain, bias = (rng.uniform(0.6, 1.3), rng.uniform(-0.1, 0.1)) if rng.random() < 0.5 else (1.0, 0.0)
    colour = rng.uniform(0.85, 1.15, 3) if rng.random() < 0.3 else np.ones(3)
    tint = torch.tensor(colour, dtype=torch.float32)[:, None, None]
    curve = rng.random(CURVE_KNOTS).astype(np.float32) if rng.random() < CURVE_SHARE else None

    def pointwise(x: Tensor) -> Tensor:
        x = x.clamp(0, 1) ** gamma if gamma != 1.0 else x
        x = 1 - x if invert else x
        x = (x * tint * gain + bias).clamp(0, 1)
        if curve is not None:  # of other scanners and stains: what was dark may be bright, and in between neither
            x = torch.from_numpy(np.interp(x.numpy(), np.linspace(0, 1, CURVE_KNOTS), curve).astype(np.float32))
        return x.mean(0, keepdim=True).expand(3, -1, -1) if grey else x

    image, thumb = pointwise(image), pointwise(thumb)
    if rng.random() < 0.2:
        sigma = rng.uniform(0.4, 1.5)
        kernel = torch.exp(-(torch.arange(-3.0, 4.0) ** 2) / (2 * sigma**2))
        kernel = (kernel / kernel.sum()).expand(3, 1, 1, 7)
        image = F.conv2d(F.conv2d(image, kernel, padding=(0, 3), groups=3), kernel.mT, padding=(3, 0), groups=3)
    if rng.random() < 0.3:
        noise = torch.from_numpy(rng.standard_normal((1, *image.shape[1:]), dtype=np.float32)) * rng.uniform(0, 0.07)
        image = image * (1 + 3 * noise) if rng.random() < 0.5 else image + noise
    return standardise(image, thumb)


def standardise(image: Float[Tensor, "3 h w"], whole: Float[Tensor, "3 a b"]) -> Float[Tensor, "3 h w"]:
    """Bring values in [0, 1] to mean 0 and deviation 1 by the statistics of the whole image they came from."""
    return (image - whole.mean()) / (whole.std() + 0.03)
