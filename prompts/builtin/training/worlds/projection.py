"""Projections, as in radiography: the absorptions of overlapping shapes add up."""

import numpy as np

from prompts.builtin.training.worlds.imaging import lettering
from prompts.builtin.training.worlds.tools import (
    Labels,
    Plane,
    Points,
    Rng,
    Scene,
    Size,
    anywhere,
    fill,
    fractal,
    frame,
    inside,
    log_uniform,
    outline,
    scaled,
    smooth,
    soften,
    stroke,
    walk,
)  # fmt: skip


def lung(rng: Rng, size: Size, side: float, middle: float, top: float, low: float, flat: float) -> Points:
    """Draw a lung: narrow apex, wide base with a dome cut by the diaphragm, a straight side towards the spine."""
    t = np.linspace(0, 1, 30)
    gap, wide = rng.uniform(0.04, 0.09), rng.uniform(0.2, 0.32)
    outer = gap + wide * np.sin(np.pi * (rng.uniform(0.5, 0.7) * t)) ** rng.uniform(0.4, 0.8)
    outer = outer + rng.uniform(0, 0.02) * np.sin(rng.uniform(3, 12) * t + rng.uniform(0, 6)) * np.sqrt(t)
    base = np.linspace(outer[-1], gap, 12)
    dome = low - flat * np.sin(np.linspace(0.2, np.pi, 12)) + rng.uniform(0, 0.04) * np.linspace(1, 0, 12)
    inner = gap + rng.uniform(0, 0.04) * np.sin(2 * np.pi * t + rng.uniform(0, 6))
    rows = np.concatenate([top + (low - top) * t, dome, (top + (low - top) * t)[::-1]])
    cols = middle + side * np.concatenate([outer, base, inner[::-1]])
    return np.stack([rows * size[0], cols * size[1]], axis=1)


def arcs(rng: Rng, size: Size, middle: float, n: int) -> list[Plane]:
    """Draw ribs: curved bands from the spine outwards and down, brighter at their borders."""
    drawn = []
    t = np.linspace(0, 1, 24)
    wide, fall = rng.uniform(0.28, 0.42), rng.uniform(0.05, 0.3)
    thick = rng.uniform(0.012, 0.035) * size[0]
    for k in range(n):
        row = (0.08 + 0.75 * k / n) * size[0]
        for side in (-1.0, 1.0):
            rows = row + size[0] * (fall * t**2 - 0.12 * np.sin(np.pi * t) * rng.uniform(0.3, 0.6))
            cols = (middle + side * wide * np.sin(0.5 * np.pi * t) * min(1, 0.6 + 0.12 * k)) * size[1]
            drawn.append(stroke(size, np.stack([rows, cols], axis=1), np.full(24, thick)))
    return drawn


def chest(rng: Rng, size: Size) -> tuple[Plane, list[Labels]]:
    """Draw a chest: body, lungs, heart and what else lies between them, spine, ribs, at times infiltrates, nodules."""
    middle, low = rng.uniform(0.45, 0.55), rng.uniform(0.7, 0.88)
    top = rng.uniform(0.05, 0.18)
    pair = [lung(rng, size, s, middle, top + rng.uniform(0, 0.03), low + rng.uniform(-0.06, 0.06),
                 rng.uniform(0.03, 0.12)) for s in (-1.0, 1.0)]  # fmt: skip
    body = fill(size, outline(rng, (0.65 * size[0], middle * size[1]), 0.62 * size[0], wobble=0.05, squeeze=0.9))
    dense = 1.0 * soften(body > 0, 4) + 0.15 * fractal(rng, size, 90)
    lungs = fill(size, *pair)
    depth = rng.uniform(0.35, 0.7)
    vessels = np.maximum(fractal(rng, size, 18), 0) * 0.06
    dense -= soften(lungs > 0, rng.uniform(0.8, 3)) * (depth - vessels + 0.05 * smooth(rng, size, 80))
    between = np.concatenate([pair[0][-30:], pair[1][-30:][::-1]])
    side = rng.choice([-1, 1])
    place = ((low - rng.uniform(0.08, 0.16)) * size[0], (middle + side * rng.uniform(0.03, 0.09)) * size[1])
    heart = fill(size, outline(rng, place, size[0] * rng.uniform(0.12, 0.2), wobble=0.15, squeeze=0.65))
    dense += soften(heart > 0, rng.uniform(1, 3)) * depth * rng.uniform(0.4, 0.9)
    for _ in range(rng.poisson(0.8)):  # infiltrates, which hide the border of their lung
        haze = fill(size, outline(rng, inside(rng, pair[int(rng.integers(2))]), size[0] * rng.uniform(0.06, 0.22)))
        dense += soften(haze > 0, rng.uniform(4, 20)) * (lungs > 0) * depth * rng.uniform(0.2, 0.9)
    spine = np.abs(np.arange(size[1]) / size[1] - middle) < rng.uniform(0.025, 0.05)
    dense += rng.uniform(0.05, 0.35) * soften(np.broadcast_to(spine, size), 2)
    ribs = arcs(rng, size, middle, int(rng.integers(6, 11)))
    weight = log_uniform(rng, 0.03, 0.22)
    for rib in ribs:
        dense += weight * (soften(rib, 0.7) - 0.4 * soften(rib, 3))
    rib_map = np.zeros(size, np.int16)
    for label, rib in enumerate(ribs[:: int(rng.integers(1, 4))], start=1):
        rib_map[rib > 0.5] = label
    spots = np.zeros(size, np.int16)
    for label in range(1, int(rng.integers(0, 5)) + 1):
        curve = outline(rng, inside(rng, pair[label % 2]), log_uniform(rng, 3, 26), wobble=0.3)
        spot = fill(size, curve) > 0
        spots[spot] = label
        dense += soften(spot, rng.uniform(0.6, 3)) * log_uniform(rng, 0.08, 0.4)
    return dense, [
        lungs,
        np.where((fill(size, between) > 0) & (lungs == 0), 1, heart).astype(np.int16),
        spots,
        (lungs > 0).astype(np.int16),
        rib_map if weight > 0.06 else np.zeros_like(heart),
    ]


def limb(rng: Rng, size: Size) -> tuple[Plane, list[Labels]]:
    """Draw a limb or jaw: soft tissue around tubes of bone with dense walls and wide ends."""
    bones, n = np.zeros(size, np.int16), int(rng.integers(1, 6))
    dense = np.zeros(size, np.float32)
    angle = rng.uniform(0, np.pi)
    thick = min(size) * log_uniform(rng, 0.04, 0.22)
    flesh = np.zeros(size, np.float32)
    for label in range(1, n + 1):
        start = anywhere(rng, size)
        path = walk(rng, start, angle + rng.normal(0, 0.2), 20, rng.uniform(0.3, 0.9) * max(size) / 20, 0.04)
        t = np.linspace(-1, 1, 20)
        widths = thick * (rng.uniform(0.5, 0.8) + rng.uniform(0, 0.5) * t**4) * rng.uniform(0.6, 1.2)
        bone = stroke(size, path, widths)
        bones[bone > 0.5] = label
        wall, marrow = soften(bone, 0.8), soften(bone, 0.18 * thick + 0.8)
        dense += rng.uniform(0.3, 0.8) * (wall - rng.uniform(0.3, 0.8) * marrow * wall)
        flesh = np.maximum(flesh, stroke(size, path, widths * rng.uniform(1.8, 3.5)))
    dense += rng.uniform(0.15, 0.4) * soften(flesh, 2) + 0.03 * fractal(rng, size, 8) * soften(bones > 0, 1)
    return dense, [bones, (flesh > 0.5).astype(np.int16)]


def shadows(rng: Rng, size: Size) -> tuple[Plane, list[Labels]]:
    """Draw overlapping half-transparent shapes of any kind, each in a map of its own."""
    dense = log_uniform(rng, 0.03, 0.3) * fractal(rng, size, 120)
    maps = []
    for _ in range(int(rng.integers(2, 6))):
        curve = outline(rng, anywhere(rng, size), log_uniform(rng, 8, 110), wobble=rng.uniform(0.05, 0.3))
        shape = fill(size, curve)
        look = soften(shape > 0, log_uniform(rng, 0.5, 4))
        if rng.random() < 0.3:
            look = look - rng.uniform(0.4, 0.9) * soften(fill(size, scaled(curve, 0.8)) > 0, 1.5)
        dense += rng.choice([-1.0, 1.0]) * log_uniform(rng, 0.08, 0.6) * look
        maps.append(shape)
    return dense, maps


def projection(rng: Rng) -> Scene:
    """Draw one radiograph."""
    size = frame(rng)
    kind = rng.choice(3, p=[0.5, 0.2, 0.3])
    dense, maps = (chest, limb, shadows)[kind](rng, size)
    for _ in range(rng.poisson(0.5)):  # wires and tubes
        path = walk(rng, anywhere(rng, size), rng.uniform(0, 6.3), 40, 8, 0.15)
        tube = stroke(size, path, np.full(40, rng.uniform(0.8, 3)))
        dense += rng.uniform(0.1, 0.6) * tube
        if rng.random() < 0.5:
            maps.append((tube > 0.5).astype(np.int16))
    if rng.random() < 0.35:
        dense += rng.uniform(0.5, 1.5) * lettering(rng, size)
    low, high = np.percentile(dense[::4, ::4], [1, 99])
    image = (dense - low) / (high - low + 1e-6) * rng.uniform(0.6, 1) + rng.uniform(0, 0.15)
    image = image + log_uniform(rng, 0.004, 0.05) * smooth(rng, size, rng.uniform(1, 2))
    return image.astype(np.float32), maps
