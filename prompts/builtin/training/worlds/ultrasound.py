"""Ultrasound: layers and objects of different echo, speckle that widens with depth, shadows, sector or linear frame."""

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from prompts.builtin.training.worlds.imaging import lettering
from prompts.builtin.training.worlds.tools import (
    Labels,
    Mask,
    Plane,
    Rng,
    Scene,
    Size,
    anywhere,
    fill,
    fractal,
    frame,
    log_uniform,
    outline,
    paint,
    sample,
    scaled,
    smooth,
    soften,
)  # fmt: skip


def speckle(rng: Rng, echo: Plane) -> Plane:
    """Scatter noise of the echo's strength through a spread that widens with depth; more looks, less speckle."""
    tall, wide = rng.uniform(0.5, 1.1), rng.uniform(0.7, 1.6)
    far = np.linspace(0, 1, echo.shape[0], dtype=np.float32)[:, None]
    total = np.zeros_like(echo)
    looks = int(rng.integers(1, 7))
    for _ in range(looks):
        noise = rng.standard_normal(echo.shape, dtype=np.float32) * echo
        near_view = ndimage.gaussian_filter(noise, (tall, wide), truncate=3) * np.sqrt(tall * wide)
        far_view = ndimage.gaussian_filter(noise, (1.3 * tall, 2.6 * wide), truncate=3) * np.sqrt(3.4 * tall * wide)
        total += (near_view * (1 - far) + far_view * far) ** 2
    return np.sqrt(total / looks)


def fascia(rng: Rng, size: Size) -> tuple[Plane, Labels]:
    """Draw the echo (log scale) of wavy layers with bright lines between them, and a map of the layers."""
    rows = np.arange(size[0], dtype=np.float32)[:, None] / size[0]
    tilt = np.linspace(-1, 1, size[1], dtype=np.float32) * rng.uniform(-0.12, 0.12)
    wave = rows + tilt + rng.uniform(0.005, 0.05) * smooth(rng, size, rng.uniform(60, 200))
    cuts = np.sort(rng.uniform(0.05, 0.95, int(rng.integers(0, 6))))
    layers = np.searchsorted(cuts, wave.ravel()).reshape(size).astype(np.int16)
    echo = rng.normal(0, 0.5, len(cuts) + 1)[layers].astype(np.float32)
    fibre = smooth(rng, (size[0] * 4, size[1]), 14)[::4]
    striped = rng.random(len(cuts) + 1) < 0.4
    echo += np.where(striped[layers], 0.5 * fibre, 0)
    for cut in cuts:
        echo += rng.uniform(0.3, 1.6) * np.exp(-(((wave - cut) / rng.uniform(0.004, 0.015)) ** 2))
    return echo, layers


def nodule(rng: Rng, size: Size, echo: Plane, radius: float) -> Mask:
    """Add an object: dark, bright, empty, honeycombed like a nerve, or mixed; at times with a bright or dark rim."""
    curve = outline(rng, anywhere(rng, size, 0.12), radius, wobble=rng.uniform(0.03, 0.3), squeeze=0.45)
    mask = fill(size, curve) > 0
    border = log_uniform(rng, 0.5, 0.15 * radius + 0.6)
    kind = rng.choice(5, p=[0.38, 0.16, 0.2, 0.16, 0.1])
    around = float(echo[mask].mean()) if mask.any() else 0.0
    step = log_uniform(rng, 0.7, 2.2)
    look: float | Plane = around - step
    if kind == 1:
        look = around + 0.7 * step + 0.2 * fractal(rng, size, 20)
    elif kind == 2:
        look = -4.0
    elif kind == 3:
        cells = np.abs(smooth(rng, size, rng.uniform(6, 12)))
        look = around + np.where(cells < 0.45, 0.8, -0.9)
    elif kind == 4:
        look = around - 0.5 * step + 0.6 * fractal(rng, size, rng.uniform(8, 40))
    if rng.random() < 0.45 or kind == 3:
        rim = scaled(curve, 1 + 2.5 / radius)
        paint(echo, fill(size, rim) > 0, around + rng.choice([0.9, 0.9, -0.9]), 0.8)
    paint(echo, mask, look, border)
    cols = np.flatnonzero(mask.any(0))
    if len(cols) and (kind == 2 or rng.random() < 0.2):  # behind fluid it is brighter, behind stone darker
        below = np.zeros(size, np.float32)
        below[int(np.flatnonzero(mask.any(1))[-1]) :, cols[0] : cols[-1]] = 1
        echo += soften(below, 3) * (rng.uniform(0.2, 0.8) if kind == 2 else rng.uniform(-1.2, -0.3)) * ~mask
    return mask


def sector(rng: Rng, size: Size) -> Float[np.ndarray, "2 h w"]:
    """Map places of a fan-shaped frame to places of the beam's own (depth, beam) grid; outside lies beyond it."""
    rows, cols = np.mgrid[: size[0], : size[1]].astype(np.float32)
    half, short = rng.uniform(0.4, 0.75), rng.uniform(0.02, 0.5)
    y, x = rows / size[0] + short, (cols - size[1] / 2) / size[0]
    far, angle = np.hypot(y, x), np.arctan2(x, y)
    return np.stack([(far - short * 1.02) * size[0], (angle / half + 1) / 2 * size[1]])


def ultrasound(rng: Rng) -> Scene:
    """Draw one ultrasound frame."""
    size = frame(rng)
    echo, layers = fascia(rng, size)
    echo += rng.uniform(0.05, 0.4) * fractal(rng, size, log_uniform(rng, 20, 90))
    objects = np.zeros(size, np.int16)
    radius = log_uniform(rng, 14, 85)
    maps = [objects]
    for label in range(1, int(rng.integers(1, 6 if radius < 30 else 3)) + 1):
        mask = nodule(rng, size, echo, max(8.0, radius * rng.uniform(0.5, 1.2)))
        objects[mask] = label
    if rng.random() < 0.25 and layers.max():
        maps.append(layers)
    depth = np.linspace(0, 1, size[0], dtype=np.float32)[:, None]
    echo = echo - depth * rng.uniform(-0.3, 1.5)
    if rng.random() < 0.3:  # shadows of ribs, gas or lost contact
        for _ in range(int(rng.integers(1, 4))):
            shade = np.zeros(size, np.float32)
            left = int(rng.integers(size[1]))
            shade[int(rng.integers(size[0] // 2)) :, left : left + int(rng.integers(6, 50))] = 1
            echo = echo - rng.uniform(0.3, 2.0) * soften(shade, rng.uniform(2, 5))
    strength = speckle(rng, np.exp(echo).astype(np.float32))
    image = np.log1p(strength * log_uniform(rng, 2, 12))
    image = image / (np.percentile(image[::4, ::4], rng.uniform(97, 99.9)) + 1e-6) - rng.uniform(0, 0.15)
    if rng.random() < 0.4:
        at = sector(rng, size)
        seen = (at[0] >= 0) & (at[0] < size[0]) & (at[1] >= 0) & (at[1] < size[1])
        image = sample(image.astype(np.float32), at) * seen
        maps = [sample(labels, at) * seen for labels in maps]
    elif rng.random() < 0.3:
        edge = int(rng.integers(4, size[1] // 5))
        image[:, :edge] = image[:, -edge:] = 0
        for labels in maps:
            labels[:, :edge] = labels[:, -edge:] = 0
    if rng.random() < 0.3:
        image = image + lettering(rng, size, 2)
    if rng.random() < 0.25:
        crosses(rng, image, maps[0])
    return np.clip(image, 0, 1).astype(np.float32), maps


def crosses(rng: Rng, image: Plane, objects: Labels) -> None:
    """Put calliper marks at two ends of an object."""
    rows, cols = np.nonzero(objects == objects.max())
    for k in (int(cols.argmin()), int(cols.argmax())) if rng.random() < 0.6 else (0, len(rows) - 1):
        row, col = int(rows[k]), int(cols[k])
        image[max(0, row - 3) : row + 4, col] = image[row, max(0, col - 3) : col + 4] = 1.0
