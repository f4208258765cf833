"""Effects of taking, storing and showing an image, applied to every world's pictures."""

from functools import cache
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from prompts.builtin.training.worlds.tools import Number, Picture, Plane, Rng, Size, blur, log_uniform, resize, smooth

GLYPHS = list("ABCDEFGHKLMNPRSTVX0123456789.:+-/<>")


@cache
def font(height_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Load the built-in font."""
    return ImageFont.load_default(height_px)


def lettering(rng: Rng, size: Size, n_lines: int = 1) -> Plane:
    """Draw random short texts somewhere: the ink of each pixel in [0, 1]."""
    image = Image.new("L", size[::-1])
    draw = ImageDraw.Draw(image)
    for _ in range(n_lines):
        text = "".join(rng.choice(GLYPHS, int(rng.integers(1, 12))))
        at = (float(rng.uniform(0, 0.9) * size[1]), float(rng.choice([0.02, 0.9, rng.uniform(0, 0.95)]) * size[0]))
        draw.text(at, text, fill=255, font=font(int(rng.integers(8, 22))))
    return np.asarray(image, dtype=np.float32) / 255


def vignette(rng: Rng, size: Size, strength: Number) -> Plane:
    """Draw a brightness that falls from a centre to the corners."""
    rows, cols = np.ogrid[: size[0], : size[1]]
    y, x = rows / size[0] - rng.uniform(0.35, 0.65), cols / size[1] - rng.uniform(0.35, 0.65)
    return (1 - strength * np.clip((y * y + x * x) / 0.5, 0, 1)).astype(np.float32)


def add_noise(rng: Rng, image: Picture) -> Picture:
    """Add Gaussian, multiplicative, photon, coarse or dead-pixel noise."""
    kind, level = rng.integers(5), log_uniform(rng, 0.008, 0.09)
    grey = image.ndim == 3 and rng.random() < 0.4
    noise = rng.standard_normal(image[..., :1].shape if grey else image.shape, dtype=np.float32)
    if kind == 0:
        return image + level * noise
    if kind == 1:
        return image * (1 + 2.5 * level * noise)
    if kind == 2:
        return image + 1.5 * level * noise * np.sqrt(np.clip(image, 0, 1))
    if kind == 3:
        coarse = level * smooth(rng, (image.shape[0], image.shape[1]), rng.uniform(1.5, 4))
        return image + (coarse if image.ndim == 2 else coarse[..., None])
    return np.where(np.abs(noise) > rng.uniform(2.5, 3.5), np.clip(0.5 + noise / 4, 0, 1), image + 0.3 * level * noise)


def coarsen(image: Picture, factor: Number) -> Picture:
    """Scale down and up again."""
    size = (image.shape[0], image.shape[1])
    small = (round(size[0] / factor), round(size[1] / factor))
    if image.ndim == 2:
        return resize(resize(image, small), size)
    return np.stack([resize(resize(image[..., c], small), size) for c in range(image.shape[2])], axis=-1)


def pointwise(rng: Rng, image: Picture) -> Picture:
    """Change window, gamma and polarity."""
    if rng.random() < 0.3:
        low, high = np.percentile(image[::4, ::4], [rng.uniform(0, 3), rng.uniform(97, 100)])
        image = (image - low) / max(float(high - low), 0.15)
    if rng.random() < 0.35:
        image = np.clip(image, 0, 1) ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.08:
        image = 1 - image
    return image


def finish(rng: Rng, image: Picture) -> UInt8[np.ndarray, "h w 3"]:
    """Apply random imaging effects and return 8-bit RGB."""
    size = (image.shape[0], image.shape[1])
    image = pointwise(rng, image)
    if image.ndim == 2 and rng.random() < 0.08:
        ends = np.sort(rng.uniform(0, 1, (2, 3)), axis=0).astype(np.float32)
        image = ends[0] + (ends[1] - ends[0]) * np.clip(image, 0, 1)[..., None]
    elif image.ndim == 3 and rng.random() < 0.08:
        image = image.mean(-1)
    channels = (slice(None), slice(None)) + (None,) * (image.ndim - 2)
    if rng.random() < 0.12:
        image = image * vignette(rng, size, rng.uniform(0.2, 0.9))[channels]
    if rng.random() < 0.15:
        image = image * np.exp(rng.uniform(0.05, 0.3) * smooth(rng, size, rng.uniform(100, 300)))[channels]
    if rng.random() < 0.3:
        image = blur(image, log_uniform(rng, 0.4, 1.6))
    elif rng.random() < 0.1:
        image = image + rng.uniform(0.5, 1.5) * (image - blur(image, 1.2))
    if rng.random() < 0.6:
        image = add_noise(rng, image)
    if rng.random() < 0.12:
        image = coarsen(image, rng.uniform(1.3, 2.8))
    if rng.random() < 0.08:
        ink = lettering(rng, size, int(rng.integers(1, 4)))[channels]
        image = image + ink * (rng.choice([0.0, 1.0, 1.0]) - image)
    whole = (np.broadcast_to(image if image.ndim == 3 else image[..., None], (*size, 3)).clip(0, 1) * 255).astype(
        np.uint8
    )
    if rng.random() < 0.12:
        stored = BytesIO()
        Image.fromarray(whole).save(stored, "JPEG", quality=int(rng.integers(15, 70)))
        whole = np.asarray(Image.open(stored).convert("RGB"))
    return whole
