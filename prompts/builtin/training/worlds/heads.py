"""Cross-sections of heads, as in MR or CT: skull or none, folded cortex, ventricles, and lesions of nested parts."""

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from prompts.builtin.training.worlds.tools import (
    Labels,
    Mask,
    Plane,
    Points,
    Rng,
    Scene,
    Size,
    blur,
    fill,
    fractal,
    frame,
    inside,
    log_uniform,
    paint,
    scaled,
    smooth,
    soften,
    threads,
)  # fmt: skip


def brain(rng: Rng, size: Size) -> tuple[Points, float]:
    """Draw the brain's outline, an egg with its long axis turned a little; return it and its longer half."""
    reach = 0.5 * min(size) * rng.uniform(0.45, 0.92)
    angles = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radii = 1 + 0.05 * np.cos(2 * angles + rng.uniform(0, 6)) + 0.03 * np.cos(3 * angles + rng.uniform(0, 6))
    rows, cols = reach * radii * np.cos(angles), reach * rng.uniform(0.68, 0.95) * radii * np.sin(angles)
    turn = rng.normal(0, 0.12) + (0.5 * np.pi if rng.random() < 0.2 else 0.0)
    c, s = np.cos(turn), np.sin(turn)
    centre = np.array(size) / 2 + rng.uniform(-0.06, 0.06, 2) * size
    return np.stack([centre[0] + c * rows - s * cols, centre[1] + s * rows + c * cols], axis=1), reach


def ventricles(rng: Rng, curve: Points, reach: float) -> list[Float[np.ndarray, "m 2"]]:
    """Draw a pair of horns beside the long axis, mirrored and of unequal size."""
    centre = curve.mean(0)
    along = curve[0] - centre
    along = along / np.linalg.norm(along)
    across = np.array([-along[1], along[0]])
    t = np.linspace(0, 1, 16)
    long, bend, gap = reach * rng.uniform(0.2, 0.5), rng.uniform(0.1, 0.5), reach * rng.uniform(0.02, 0.08)
    start = rng.uniform(-0.6, -0.3) * long
    horns = []
    for side in (-1.0, 1.0):
        thick = reach * log_uniform(rng, 0.04, 0.14) * np.sin(np.pi * t) ** 0.6
        away = gap + bend * long * (t - 0.3) ** 2
        inner, outer = side * away, side * (away + thick)
        rows = start + 2 * long * t * rng.uniform(0.8, 1.0)
        there = centre + rows[:, None] * along + inner[:, None] * across
        back = centre + rows[::-1, None] * along + outer[::-1, None] * across
        horns.append(np.concatenate([there, back]))
    return horns


def cleft(size: Size, curve: Points) -> Plane:
    """Draw the dark line between the halves of the brain, 1 at its middle."""
    (row, col), (down, right) = curve.mean(0), curve[0] - curve.mean(0)
    rows, cols = np.ogrid[: size[0], : size[1]]
    away = (down * (cols - col) - right * (rows - row)) / np.hypot(down, right)
    line: Plane = np.exp(-((away / 1.2) ** 2))
    return line


def ragged(rng: Rng, size: Size, at: tuple[float, float], radius: float, roughness: float) -> Plane:
    """Say how deep each place is in a shape of irregular border about a place: 1 at its middle, 0 at its border."""
    rows, cols = np.mgrid[: size[0], : size[1]].astype(np.float32)
    turn, narrow = rng.uniform(0, np.pi), rng.uniform(0.5, 1)
    y, x = rows - at[0], cols - at[1]
    u, v = np.cos(turn) * y + np.sin(turn) * x, (np.cos(turn) * x - np.sin(turn) * y) / narrow
    field: Plane = 1 - np.hypot(u, v) / radius + roughness * fractal(rng, size, max(6.0, radius))
    return field


def lesion(rng: Rng, image: Plane, at: tuple[float, float], radius: float, room: Mask) -> tuple[Mask, list[Mask]]:
    """Paint a lesion of up to three parts, outermost first, each within the last; return the whole and its rings."""
    size: Size = (image.shape[0], image.shape[1])
    depth = ragged(rng, size, at, radius, rng.uniform(0.1, 0.35))
    n = int(rng.integers(1, 4))
    cuts = np.sort(rng.uniform(0.15, 0.75, n - 1))
    sign = rng.choice([-1.0, 1.0], p=[0.3, 0.7])
    nested: list[Mask] = []
    for k, cut in enumerate((0.0, *cuts)):
        shift = 0.0 if k == 0 else rng.uniform(0, 0.12) * fractal(rng, size, max(5.0, 0.5 * radius))
        part = (depth + shift > cut) & (nested[-1] if nested else room)
        step = sign * log_uniform(rng, 0.06, 0.5) if k == 0 else rng.choice([-1.0, 1.0]) * log_uniform(rng, 0.05, 0.4)
        paint(image, part, image + step + 0.03 * fractal(rng, size, 8), log_uniform(rng, 0.4, 3 if k == 0 else 1.5))
        nested.append(part)
    rings = [outer & ~inner for outer, inner in zip(nested, [*nested[1:], np.zeros_like(room)], strict=True)]
    return nested[0], rings


def coverings(rng: Rng, image: Plane, curve: Points) -> Labels:
    """Lay skull and scalp around the brain, as where nobody removed them; return their rings."""
    size: Size = (image.shape[0], image.shape[1])
    reaches = rng.uniform(1.16, 1.3), 1.13, rng.uniform(1.03, 1.06)
    scalp, bone, gap = (fill(size, scaled(curve, reach)) > 0 for reach in reaches)
    paint(image, scalp & ~bone, rng.uniform(0.3, 0.9), 1.0)
    paint(image, bone & ~gap, rng.choice([rng.uniform(0, 0.15), rng.uniform(0.8, 1.1)]), 0.8)
    paint(image, gap & ~(fill(size, curve) > 0), rng.uniform(0, 0.6), 0.8)
    return ((scalp & ~bone) + 2 * (bone & ~gap)).astype(np.int16)


def heads(rng: Rng) -> Scene:
    """Draw one slice."""
    size = frame(rng)
    curve, reach = brain(rng, size)
    inner = fill(size, curve) > 0
    image = np.full(size, rng.uniform(0, 0.03), np.float32)
    rings = coverings(rng, image, curve) if rng.random() < 0.4 else np.zeros(size, np.int16)
    white, grey = rng.uniform(0.35, 0.65, 2)
    depth = ndimage.distance_transform_edt(inner).astype(np.float32)
    folds = 0.5 * smooth(rng, size, reach * rng.uniform(0.08, 0.16))
    cortex = soften(depth + reach * 0.08 * folds < reach * rng.uniform(0.08, 0.2), 1.5)
    tissue = white + (grey - white) * cortex + rng.uniform(0.005, 0.04) * fractal(rng, size, 16)
    furrows = np.maximum(threads(rng, size, reach * rng.uniform(0.12, 0.25)), 0) * np.exp(-depth / (0.12 * reach))
    tissue = tissue - rng.uniform(0.02, 0.12) * furrows
    paint(image, inner, tissue.astype(np.float32), 0.7)
    if rng.random() < 0.7:
        image -= (rng.uniform(0.03, 0.2) * inner * cleft(size, curve)).astype(np.float32)
    horns = fill(size, *ventricles(rng, curve, reach)) * inner
    if rng.random() < 0.7:
        paint(image, horns > 0, rng.choice([rng.uniform(0, 0.2), rng.uniform(0.75, 1.0)]), 0.8)
    else:
        horns = np.zeros_like(horns)
    whole, parts = np.zeros(size, np.int16), np.zeros(size, np.int16)
    for label in range(1, int(rng.choice([1, 2, 3, 6], p=[0.55, 0.2, 0.15, 0.1])) + 1):
        radius = reach * (log_uniform(rng, 0.1, 0.6) if label == 1 else log_uniform(rng, 0.03, 0.2))
        found, nested = lesion(rng, image, inside(rng, curve, 0.9), radius, inner & (whole == 0))
        whole[found] = label
        for ring in nested:
            parts[ring] = parts.max() + 1
    image = blur(image, log_uniform(rng, 0.3, 1.3))
    if rng.random() < 0.5:
        image = np.abs(image + log_uniform(rng, 0.008, 0.06) * smooth(rng, size, rng.uniform(1, 2)) * (0.3 + inner))
    if rng.random() < 0.3:
        image = image * np.exp(rng.uniform(0.05, 0.25) * smooth(rng, size, 250))
    return image.astype(np.float32), [whole, parts, horns * (whole == 0), inner.astype(np.int16), rings]
