"""Cross-sections of a body, as in CT or MR: outline, organs, bones, gas, vessels, and lesions with rim and core."""

import numpy as np

from prompts.builtin.training.worlds.tools import (
    Labels,
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
    texture,
)  # fmt: skip


def lesion(rng: Rng, image: Plane, whole: Labels, core: Labels, label: int, host: Points, room: np.ndarray) -> None:
    """Paint one lesion into an organ; every second one has a rim around a darker or brighter core."""
    size: Size = (image.shape[0], image.shape[1])
    reach = float(np.ptp(host, axis=0).min()) / 2
    radius = log_uniform(rng, 3, max(4.0, 0.7 * reach))
    curve = outline(rng, inside(rng, host), radius, wobble=rng.uniform(0.05, 0.4), squeeze=0.5)
    mask = (fill(size, curve) > 0) & room
    step = rng.choice([-1.0, 1.0]) * log_uniform(rng, 0.05, 0.3)
    border = log_uniform(rng, 0.4, 0.25 * radius + 0.6)
    paint(image, mask, image + step, border)
    whole[mask] = label
    if radius > 7 and rng.random() < 0.5:
        inner = (fill(size, scaled(curve, rng.uniform(0.4, 0.8))) > 0) & mask
        paint(image, inner, image - step * rng.uniform(0.5, 1.8) + 0.03 * fractal(rng, size, 12), border)
        core[inner] = label


def bones(rng: Rng, image: Plane, trunk: Points, found: list[Points]) -> None:
    """Paint a vertebra or ribs along the wall, with a bright shell around softer marrow."""
    size: Size = (image.shape[0], image.shape[1])
    bright = rng.uniform(0.75, 1.1) if rng.random() < 0.8 else rng.uniform(0, 0.15)
    marrow = bright - rng.uniform(0, 0.5) * np.sign(bright - 0.5)
    reach = float(np.ptp(trunk, axis=0).mean()) / 2
    start, ring = int(rng.integers(72)), scaled(trunk, rng.uniform(0.82, 0.9))
    many = rng.random() < 0.5
    for k in range(int(rng.integers(5, 14)) if many else int(rng.integers(1, 3))):
        centre = ring[(start + 7 * k) % 72] if many else ring[start % 72] * 0.8 + trunk.mean(0) * 0.2
        curve = outline(rng, (centre[0], centre[1]), reach * rng.uniform(0.04, 0.09) * (1 if many else 2.5), wobble=0.2)
        paint(image, fill(size, curve) > 0, bright, 0.7)
        paint(image, fill(size, scaled(curve, 0.7)) > 0, marrow + 0.04 * smooth(rng, size, 2), 0.8)
        found.append(curve)
        if not many:
            break


def artefacts(rng: Rng, image: Plane, at: tuple[float, float]) -> Plane:
    """Add streaks from a dense object, rings of a bad detector, or ringing at the borders."""
    size: Size = (image.shape[0], image.shape[1])
    rows, cols = np.mgrid[: size[0], : size[1]].astype(np.float32)
    kind = rng.integers(3)
    if kind == 0:
        angle, far = np.arctan2(rows - at[0], cols - at[1]), np.hypot(rows - at[0], cols - at[1])
        rays = np.interp(angle % np.pi, np.linspace(0, np.pi, 60), rng.standard_normal(60)).astype(np.float32)
        return image + rng.uniform(0.03, 0.15) * rays * np.exp(-far / rng.uniform(30, 120))
    if kind == 1:
        far = np.hypot(rows - size[0] / 2, cols - size[1] / 2)
        rings = rng.standard_normal(512).astype(np.float32) * (rng.random(512) < 0.15)
        return image + rng.uniform(0.02, 0.08) * rings[far.astype(np.int32)]
    shift, period = rng.uniform(0.02, 0.12), rng.integers(4, 14)
    return image + shift * (np.roll(image, period, 0) - np.roll(image, 2 * period, 0))


def organs(rng: Rng) -> Scene:
    """Draw one slice."""
    size = frame(rng)
    extent = min(size) * rng.uniform(0.38, 0.7)
    trunk = outline(rng, anywhere(rng, size, 0.45), extent, wobble=0.1, squeeze=0.6)
    air, fat = rng.uniform(0, 0.1), rng.uniform(0.15, 0.9)
    base = rng.uniform(0.3, 0.65)
    image = np.full(size, air, np.float32)
    trunk_map = fill(size, trunk)
    paint(image, trunk_map > 0, fat + 0.02 * fractal(rng, size, 30), 0.8)
    cavity = scaled(trunk, rng.uniform(0.8, 0.97))
    paint(image, fill(size, cavity) > 0, base + rng.uniform(0.01, 0.05) * fractal(rng, size, 30), 1.0)
    step = log_uniform(rng, 0.05, 0.35)
    grain = log_uniform(rng, 0.008, 0.05)
    curves: list[Points] = []
    bony: list[Points] = []
    n = int(rng.integers(2, 11))
    looks = [texture(rng, size) for _ in range(2)]
    ground = image.copy()
    for k in range(n):
        radius = extent * log_uniform(rng, 0.05, 0.55 if k < 2 else 0.3)
        curve = outline(rng, inside(rng, cavity, 0.85), radius, wobble=rng.uniform(0.05, 0.3), squeeze=0.35)
        curves.append(curve)
        level = base + step * rng.uniform(-1, 1.3)
        if rng.random() < 0.12:
            level = air + rng.uniform(0, 0.06)
        elif abs(level - base) < 0.03:
            level += 0.05
        paint(image, fill(size, curve) > 0, level + grain * looks[k % 2], log_uniform(rng, 0.4, 2.5))
        if rng.random() < 0.25:  # a wall, as of bowel or heart
            wall = rng.uniform(0.6, 0.88)
            paint(image, fill(size, scaled(curve, wall)) > 0, level - rng.choice([-1, 1]) * rng.uniform(0.06, 0.3), 0.8)
            curves.append(scaled(curve, wall))
    organ_map = fill(size, *curves) * (trunk_map > 0)
    image = np.where(trunk_map > 0, image, ground)
    whole, core = np.zeros(size, np.int16), np.zeros(size, np.int16)
    if rng.random() < 0.7:
        for label in range(1, int(rng.integers(1, 6)) + 1):
            index = int(rng.integers(len(curves)))
            lesion(rng, image, whole, core, label, curves[index], organ_map == index + 1)
    if rng.random() < 0.6:
        bones(rng, image, trunk, bony)
    vessels = [
        outline(rng, inside(rng, cavity, 0.8), rng.uniform(2.5, 7), wobble=0.05, squeeze=0.6)
        for _ in range(int(rng.integers(0, 8)))
    ]
    bright = base + rng.choice([-1.0, 1.0]) * rng.uniform(0.1, 0.4)
    vessel_map = fill(size, *vessels)
    paint(image, vessel_map > 0, bright, 0.8)
    image = blur(image, log_uniform(rng, 0.3, 1.5))
    covered = np.where((vessel_map > 0) | (fill(size, *bony) > 0), 0, 1)
    maps = [organ_map * covered, whole * covered, core * covered, fill(size, *bony, *vessels), trunk_map]
    if rng.random() < 0.25:
        image = artefacts(rng, image, inside(rng, trunk))
    if rng.random() < 0.4:
        level = log_uniform(rng, 0.01, 0.09)
        noise = smooth(rng, size, rng.uniform(1, 2.5))
        image = np.abs(image + level * noise * (0.5 + soften(trunk_map > 0, 2)))
    if rng.random() < 0.3:
        image = image * np.exp(rng.uniform(0.05, 0.35) * smooth(rng, size, 250))
    return image.astype(np.float32), maps
