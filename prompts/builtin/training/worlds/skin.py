"""Colour views of surfaces: skin with lesions and hairs, and mucosa with folds, highlights and polyps."""

import numpy as np

from prompts.builtin.training.worlds.imaging import vignette
from prompts.builtin.training.worlds.tools import (
    Labels,
    Picture,
    Plane,
    Points,
    Rng,
    Scene,
    Size,
    anywhere,
    blur,
    fill,
    fractal,
    frame,
    inside,
    log_uniform,
    outline,
    paint,
    scaled,
    smooth,
    soften,
    stroke,
    threads,
    walk,
)  # fmt: skip


def hairs(rng: Rng, image: Picture, n: int) -> None:
    """Lay hairs over the picture."""
    size: Size = (image.shape[0], image.shape[1])
    tone = rng.uniform(0, 0.3, 3) if rng.random() < 0.8 else rng.uniform(0.6, 0.9, 3)
    for _ in range(n):
        path = walk(rng, anywhere(rng, size), rng.uniform(0, 6.3), 30, rng.uniform(2, 9), 0.04)
        strand = rng.uniform(0.4, 0.9) * stroke(size, path, np.full(30, rng.uniform(0.6, 2)))
        image += strand[..., None] * (tone.astype(np.float32) - image)


def spot(rng: Rng, image: Picture, curve: Points, rough: Plane, speckles: Plane) -> Labels:
    """Paint a lesion of irregular border and one to three mixed colours; return it and its core, if it has one."""
    size: Size = (image.shape[0], image.shape[1])
    reach = float(np.ptp(curve, axis=0).mean()) / 2
    ragged = soften(fill(size, curve) > 0, 0.12 * reach) + rng.uniform(0, 0.22) * rough
    mask = ragged * (fill(size, scaled(curve, 1.4)) > 0) > 0.5
    around = image[mask].mean(0) if mask.any() else image.mean((0, 1))
    kind = rng.random()
    tone = around * np.array([0.75, 0.55, 0.5]) ** log_uniform(rng, 0.2, 2.0)
    if kind < 0.25:
        tone = around * np.array([1.05, 0.75, 0.75]) ** rng.uniform(0.4, 1.5)
    elif kind < 0.35:
        tone = np.clip(around + rng.uniform(0.08, 0.3), 0, 1)
    border = log_uniform(rng, 0.6, 0.2 * reach + 0.8)
    grain = rng.uniform(0.02, 0.2) * np.roll(speckles, 41, axis=0)
    if reach > 20 and rng.random() < 0.3:
        grain = grain - rng.uniform(0.03, 0.1) * threads(rng, size, rng.uniform(6, 14))  # a pigment network
    look = (tone * (1 + grain[..., None])).astype(np.float32)
    paint(image, mask, look, border, rng.uniform(0.75, 1))
    label = mask.astype(np.int16)
    if rng.random() < 0.4 and reach > 12:
        inner = fill(size, outline(rng, inside(rng, curve, 0.4), reach * rng.uniform(0.25, 0.6), wobble=0.35)) > 0
        paint(image, inner & mask, look * np.float32(rng.choice([0.6, 0.7, 1.35])), border)
        label[inner & mask] = 2
    return label


def skin(rng: Rng, size: Size) -> tuple[Picture, list[Labels]]:
    """Draw skin through a dermatoscope or a camera."""
    tone = np.array([[0.93, 0.74, 0.66], [0.82, 0.6, 0.5], [0.6, 0.42, 0.33], [0.85, 0.68, 0.75]])[rng.integers(4)]
    tone = tone + rng.normal(0, 0.05, 3)
    ground = rng.uniform(0.02, 0.06) * fractal(rng, size, 60) + rng.uniform(0, 0.03) * threads(
        rng, size, rng.uniform(6, 18)
    )
    blush = rng.uniform(0, 0.05) * smooth(rng, size, 60)
    image = (tone * (1 + ground[..., None]) + np.array([0.3, -1, -0.7]) * blush[..., None]).astype(np.float32)
    n = 1 if rng.random() < 0.65 else int(rng.integers(2, 14))
    reach = log_uniform(rng, 12, 115) if n == 1 else log_uniform(rng, 4, 22)
    rough = fractal(rng, size, max(4.0, 0.4 * reach))
    speckles = fractal(rng, size, log_uniform(rng, 5, 40))
    whole, cores = np.zeros(size, np.int16), np.zeros(size, np.int16)
    for label in range(1, n + 1):
        at = anywhere(rng, size, 0.25 if n == 1 else 0.05)
        curve = outline(rng, at, reach * rng.uniform(0.7, 1.3), wobble=rng.uniform(0.05, 0.35), squeeze=0.5)
        found = spot(rng, image, curve, rough, speckles)
        whole[found > 0], cores[found == 2] = label, label
    if rng.random() < 0.4:
        hairs(rng, image, int(rng.integers(2, 25)))
    if rng.random() < 0.25:  # bubbles of the gel
        for _ in range(int(rng.integers(2, 15))):
            ring = outline(rng, anywhere(rng, size), rng.uniform(2, 10), wobble=0.02, squeeze=0.95)
            rim = soften(fill(size, ring) > 0, 0.7) - soften(fill(size, scaled(ring, 0.75)) > 0, 0.7)
            image += 0.3 * rim[..., None]
    if rng.random() < 0.3:
        image = dark_frame(rng, image)
    return image, [whole, cores]


def dark_frame(rng: Rng, image: Picture) -> Picture:
    """Blacken the corners, with a round or eight-sided opening."""
    size: Size = (image.shape[0], image.shape[1])
    opening = outline(rng, (size[0] / 2, size[1] / 2), max(size) * rng.uniform(0.5, 0.66), wobble=0, squeeze=1.0)
    if rng.random() < 0.3:
        opening = opening[::9]
    return image * soften(fill(size, opening) > 0, log_uniform(rng, 0.5, 8))[..., None]


def relief(height: Plane, light: float) -> Plane:
    """Shade a surface lit from one side."""
    down, right = np.gradient(height)
    return np.asarray(np.sin(light) * down + np.cos(light) * right, np.float32)


def mucosa(rng: Rng, size: Size) -> tuple[Picture, list[Labels]]:
    """Draw an endoscope's view: folds, a dark lumen at times, protruding or flat polyps, highlights."""
    tone = np.array([0.85, 0.45, 0.38]) + rng.normal(0, 0.07, 3)
    lumen = anywhere(rng, size, 0.1)
    rows, cols = np.mgrid[: size[0], : size[1]].astype(np.float32)
    far = np.hypot(rows - lumen[0], cols - lumen[1]) / max(size)
    height = 10 * fractal(rng, size, rng.uniform(60, 150), rng.uniform(0.1, 0.35))
    if rng.random() < 0.6:
        height += rng.uniform(2, 6) * np.sin((far * rng.uniform(15, 45)) + 1.5 * smooth(rng, size, 100))
    whole = np.zeros(size, np.int16)
    flush, lift = np.zeros(size, np.float32), np.zeros(size, np.float32)
    for label in range(1, int(rng.choice([1, 1, 1, 2, 3])) + 1):
        reach = log_uniform(rng, 10, 90)
        mask = fill(size, outline(rng, anywhere(rng, size, 0.15), reach, wobble=0.18, squeeze=0.55)) > 0
        whole[mask] = label
        tall = rng.uniform(0.3, 1.5) * reach
        dome = np.sqrt(np.clip(4 * (soften(mask, min(12.0, 0.2 * reach)) - 0.5), 0, 2))
        height = height * (1 - 0.7 * soften(mask, 2)) + tall * dome
        flush += rng.uniform(-0.15, 0.2) * soften(mask, 2)
        lift += rng.choice([-0.5, 1.0, 1.0]) * log_uniform(rng, 0.04, 0.25) * soften(mask, rng.uniform(1, 3))
        if rng.random() < 0.5:
            flush += 0.1 * soften(mask, 1) * fractal(rng, size, rng.uniform(5, 20))
    shade = rng.uniform(1, 3) * relief(blur(height, 1.0), rng.uniform(0, 6.3))
    bright = 0.75 + rng.uniform(0.1, 0.35) * np.tanh(shade) + lift + 0.04 * fractal(rng, size, 25)
    bright = bright * np.clip(0.25 + far * rng.uniform(1.5, 5), 0, 1) if rng.random() < 0.5 else bright
    tint = np.array([0.1, -1, -0.8]) * (flush + rng.uniform(0, 0.06) * threads(rng, size, 30))[..., None]
    image = (tone * bright[..., None] * (1 + tint)).astype(np.float32)
    if rng.random() < 0.75:
        wet = shade + 0.8 * smooth(rng, size, rng.uniform(5, 14))
        glint = soften(wet > np.percentile(wet, rng.uniform(97.5, 99.8)), 0.8)
        image += glint[..., None] * rng.uniform(0.4, 1)
    image = image * vignette(rng, size, rng.uniform(0, 0.8))[..., None] * log_uniform(rng, 0.6, 1.1)
    return dark_frame(rng, image) if rng.random() < 0.4 else image, [whole]


def surfaces(rng: Rng) -> Scene:
    """Draw one picture of skin or mucosa."""
    size = frame(rng)
    return skin(rng, size) if rng.random() < 0.55 else mucosa(rng, size)
