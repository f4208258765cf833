"""Layered and tubular structures: stacked bands as in OCT, rings of a vessel's wall, folded membranes, filaments."""

import numpy as np

from prompts.builtin.training.worlds.objects import parts
from prompts.builtin.training.worlds.tools import (
    Labels,
    Plane,
    Rng,
    Scene,
    Size,
    anywhere,
    blur,
    colour,
    fill,
    fractal,
    frame,
    log_uniform,
    outline,
    paint,
    smooth,
    soften,
    stroke,
    texture,
    walk,
)  # fmt: skip


def look(rng: Rng, size: Size, labels: Labels) -> Plane:
    """Give each label a grey, alternating about the mean, and a grain."""
    n = int(labels.max()) + 1
    swing = log_uniform(rng, 0.06, 0.35)
    greys = rng.uniform(0.3, 0.7) + swing * np.where(np.arange(n) % 2, 1, -1) * rng.uniform(0.3, 1.2, n)
    image = greys[labels].astype(np.float32)
    grains = rng.uniform(0.005, 0.09, n).astype(np.float32)
    return image + grains[labels] * texture(rng, size)


def bands(rng: Rng, size: Size) -> tuple[Plane, list[Labels]]:
    """Stack wavy bands; pits, cysts and missing pieces at times."""
    rows = np.arange(size[0], dtype=np.float32)[:, None] / size[0]
    x = np.linspace(-1, 1, size[1], dtype=np.float32)
    depth = rows + rng.uniform(-0.15, 0.15) * x + rng.uniform(-0.15, 0.2) * x**2
    depth = depth + rng.uniform(0.005, 0.06) * smooth(rng, size, rng.uniform(50, 250))
    dip = np.exp(-(((x - rng.uniform(-0.5, 0.5)) / rng.uniform(0.1, 0.3)) ** 2))
    start = rng.uniform(0.1, 0.5)
    cuts = start + np.cumsum(log_uniform(rng, 0.02, 0.1) * rng.uniform(0.3, 1.8, int(rng.integers(2, 10))))
    labels = np.searchsorted(cuts, (depth - rng.uniform(0, 0.15) * dip * (depth < start + 0.3)).ravel())
    labels = labels.reshape(size).astype(np.int16)
    labels[labels == len(cuts)] = 0 if rng.random() < 0.5 else len(cuts)
    image = look(rng, size, labels)
    maps = [labels, np.where((labels > 0) & (labels < len(cuts)), 1, 0).astype(np.int16)]
    if rng.random() < 0.5:
        pits = fill(size, *[outline(rng, anywhere(rng, size, 0.2), log_uniform(rng, 4, 40), squeeze=0.35)
                            for _ in range(int(rng.integers(1, 5)))]) * (labels > 0)  # fmt: skip
        paint(image, pits > 0, rng.choice([0.05, 0.15, 0.85]) + 0.02 * smooth(rng, size, 3), 1.0)
        maps = [pits, *[np.where(pits > 0, 0, m).astype(np.int16) for m in maps]]
    return image, maps


def rings(rng: Rng, size: Size) -> tuple[Plane, list[Labels]]:
    """Draw concentric walls around one or a few centres."""
    rows, cols = np.mgrid[: size[0], : size[1]].astype(np.float32)
    labels, filled = np.zeros(size, np.int16), np.zeros(size, np.int16)
    n = int(rng.choice([1, 1, 2, 4]))
    for k in range(n):
        at, reach = anywhere(rng, size, 0.3 if n == 1 else 0.1), min(size) * log_uniform(rng, 0.08, 0.5) / n**0.4
        angle = np.arctan2(rows - at[0], cols - at[1])
        far = np.hypot((rows - at[0]) * rng.uniform(0.8, 1.5), cols - at[1]) / reach
        far = far * (1 + rng.uniform(0, 0.25) * np.cos(rng.integers(1, 4) * angle + rng.uniform(0, 6)))
        far = far + rng.uniform(0, 0.15) * smooth(rng, size, 50)
        cuts = np.sort(rng.uniform(0.25, 1, int(rng.integers(1, 4))))
        inner = far < 1
        labels[inner] = (np.searchsorted(cuts, far[inner]) + 1 + 5 * k).astype(np.int16)
        filled[inner] = k + 1
    return look(rng, size, labels), [labels, filled]


def folds(rng: Rng, size: Size) -> tuple[Plane, list[Labels]]:
    """Draw compartments between thin membranes, as in electron micrographs or glands."""
    field = smooth(rng, size, log_uniform(rng, 25, 110))
    wall = np.abs(field) < rng.uniform(0.05, 0.3)
    if rng.random() < 0.6:
        wall |= np.abs(smooth(rng, size, log_uniform(rng, 25, 110))) < rng.uniform(0.05, 0.2)
    rooms = parts((~wall).astype(np.int16)).astype(np.int16)
    kinds = rng.integers(1, 4, int(rooms.max()) + 1)
    image = look(rng, size, np.where(wall, 0, kinds[rooms]).astype(np.int16))
    image = image + rng.choice([-1, -1, 1]) * rng.uniform(0.08, 0.35) * soften(wall, 0.7)
    return image, [rooms, wall.astype(np.int16)]


def filaments(rng: Rng, size: Size) -> tuple[Plane, list[Labels]]:
    """Draw loose fibres or tubes, some with a dark core."""
    image = 0.45 + log_uniform(rng, 0.02, 0.12) * fractal(rng, size, 40)
    labels = np.zeros(size, np.int16)
    thick, bend = log_uniform(rng, 2, 24), log_uniform(rng, 0.03, 0.3)
    step = rng.choice([-1.0, 1.0]) * log_uniform(rng, 0.1, 0.4)
    for label in range(1, int(rng.integers(1, 12)) + 1):
        path = walk(rng, anywhere(rng, size), rng.uniform(0, 6.3), 40, rng.uniform(2, 8), bend)
        widths = thick * rng.uniform(0.6, 1.4) * np.ones(40)
        cover = stroke(size, path, widths)
        paint(image, cover > 0.5, 0.45 + step * rng.uniform(0.6, 1.3), 0.7)
        if thick > 6 and rng.random() < 0.5:
            paint(image, stroke(size, path, 0.45 * widths) > 0.5, 0.45 - 0.3 * step, 1.0)
        labels[cover > 0.5] = label
    return image.astype(np.float32), [labels, (labels > 0).astype(np.int16)]


def layers(rng: Rng) -> Scene:
    """Draw one picture of bands, rings, folds or filaments."""
    size = frame(rng)
    image, maps = (bands, rings, folds, filaments)[rng.choice(4, p=[0.35, 0.25, 0.25, 0.15])](rng, size)
    image = blur(image, log_uniform(rng, 0.3, 1.5))
    if rng.random() < 0.3:
        image = image * (1 + rng.uniform(0.1, 0.4) * smooth(rng, size, rng.uniform(1, 2.5)))
    if rng.random() < 0.25:
        ends = np.sort(rng.uniform(0, 1, (2, 3)), axis=0)
        return colour(rng, image, ends[0], ends[1]), maps
    return image, maps
