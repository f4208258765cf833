"""Made-up images with exact label maps: textured blobs and polygons on textured grounds, blurred and speckled."""

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy import ndimage
from skimage.draw import polygon

SIDE_PX = 256


def smooth_noise(rng: np.random.Generator, sigma: float) -> Float[np.ndarray, "h w"]:
    """Draw noise of one grain size, scaled to about [-1, 1]."""
    field = ndimage.gaussian_filter(rng.standard_normal((SIDE_PX, SIDE_PX)), sigma, mode="wrap")
    return field / (np.abs(field).max() + 1e-9)


def texture(rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """Draw a ground: a level, one or two grains, and at times stripes."""
    field = 0.5 * smooth_noise(rng, rng.uniform(0.7, 4)) + rng.uniform(0, 1) * smooth_noise(rng, rng.uniform(4, 30))
    if rng.random() < 0.2:
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 24)
        rows, cols = np.mgrid[:SIDE_PX, :SIDE_PX]
        field = field + 0.5 * np.sin(2 * np.pi * (rows * np.sin(angle) + cols * np.cos(angle)) / period)
    return field


def blob(rng: np.random.Generator, radius: float) -> np.ndarray:
    """Draw one object: a closed curve whose radius varies with the angle, or a polygon, anywhere in the frame."""
    row, col = rng.uniform(0, SIDE_PX, 2)
    n = 64 if rng.random() < 0.8 else int(rng.integers(3, 8))
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    radii = np.full(n, radius)
    for k in range(1, 6):
        radii = radii + radius * rng.uniform(0, 0.35 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
    squeeze, turn = rng.uniform(0.35, 1.0), rng.uniform(0, np.pi)
    y, x = radii * np.sin(angles), radii * np.cos(angles) * squeeze
    rows, cols = row + y * np.cos(turn) + x * np.sin(turn), col - y * np.sin(turn) + x * np.cos(turn)
    mask = np.zeros((SIDE_PX, SIDE_PX), bool)
    mask[polygon(rows, cols, mask.shape)] = True  # type: ignore[no-untyped-call]
    return mask


def synthetic_image(rng: np.random.Generator) -> tuple[UInt8[np.ndarray, "256 256 3"], Int[np.ndarray, "256 256"]]:
    """Draw one image and its label map; later objects lie over earlier ones."""
    labels = np.zeros((SIDE_PX, SIDE_PX), np.int32)
    size = float(np.exp(rng.uniform(np.log(5), np.log(80))))
    n_objects = int(np.clip(rng.poisson(0.25 * (SIDE_PX / size) ** 2 / 4), 1, 60))
    channels = 3 if rng.random() < 0.3 else 1
    image = np.stack([rng.uniform(0.2, 0.8) + rng.uniform(0.02, 0.3) * texture(rng) for _ in range(channels)], axis=-1)
    contrast = rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 0.5)
    ground = rng.uniform(0.02, 0.3)
    for label in range(1, n_objects + 1):
        mask = blob(rng, size * rng.uniform(0.5, 1.5))
        labels[mask] = label
        soft = ndimage.gaussian_filter(mask.astype(np.float32), rng.uniform(0.3, 2.5))[..., None]
        level = image.mean((0, 1)) + contrast * rng.uniform(0.6, 1.2) + rng.uniform(-0.1, 0.1, channels)
        image = image * (1 - soft) + soft * (level + ground * texture(rng)[..., None])
    if rng.random() < 0.3:
        image = image * (1 + rng.uniform(0.1, 0.6) * smooth_noise(rng, rng.uniform(0.5, 2))[..., None])
    image = ndimage.gaussian_filter(image, (s := rng.uniform(0, 1.2), s, 0))
    image = image + rng.uniform(0, 0.06) * rng.standard_normal(image.shape)
    image = np.clip(image, 0, 1)
    return (np.broadcast_to(image, (SIDE_PX, SIDE_PX, 3)) * 255).astype(np.uint8), labels
