"""Trees of thin vessels, dark on bright or bright on dark, with an optic disc at times; fundus and angiography."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from prompts.builtin.training.worlds.imaging import vignette
from prompts.builtin.training.worlds.tools import (
    Labels,
    Plane,
    Points,
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
    scaled,
    smooth,
    stroke_onto,
    walk,
)  # fmt: skip


@dataclass(frozen=True)
class Branch:
    """One vessel with its side branches counted to the same main branch."""

    points: Points
    widths_px: np.ndarray
    main: int


def grow(rng: Rng, start: tuple[float, float], angle: float, width: float, length: float, main: int) -> list[Branch]:
    """Grow a winding, tapering vessel and its side branches."""
    todo = [(start, angle, width, length)]
    grown: list[Branch] = []
    bend = rng.uniform(0.03, 0.2)
    while todo and len(grown) < 40:
        start, angle, width, length = todo.pop(0)
        n = max(4, int(length / 4))
        path = walk(rng, start, angle, n, 4.0, bend)
        ends = width * rng.uniform(0.5, 0.8)
        grown.append(Branch(path, np.linspace(width, ends, n), main))
        for k in rng.integers(1, n, int(rng.integers(1, 4 if len(grown) < 3 else 2))):
            step = path[k] - path[k - 1]
            child = width * rng.uniform(0.45, 0.8)
            if child > 0.8 and length > 24:
                turn = rng.choice([-1, 1]) * rng.uniform(0.4, 1.1)
                at = (float(path[k, 0]), float(path[k, 1]))
                todo.append((at, float(np.arctan2(step[0], step[1])) + turn, child, length * rng.uniform(0.4, 0.8)))
    return grown


def draw_branches(size: Size, branches: list[Branch], value: str) -> Plane:
    """Draw branches at twice the size and reduce: their cover, or the number of their main branch."""
    image = Image.new("L", (2 * size[1], 2 * size[0]))
    draw = ImageDraw.Draw(image)
    for branch in branches:
        stroke_onto(draw, branch.points, branch.widths_px, 255 if value == "cover" else branch.main)
    if value == "cover":
        return np.asarray(image.reduce(2), dtype=np.float32) / 255
    return np.asarray(image)[::2, ::2].astype(np.float32)


def disc(rng: Rng, image: Plane, at: tuple[float, float], radius: float) -> Labels:
    """Paint a bright disc with a brighter cup; both are objects."""
    size: Size = (image.shape[0], image.shape[1])
    curve = outline(rng, at, radius, wobble=0.05, squeeze=0.85)
    cup = scaled(curve, rng.uniform(0.35, 0.7))
    step = rng.uniform(0.1, 0.35)
    paint(image, fill(size, curve) > 0, image + step, rng.uniform(0.6, 2.5))
    paint(image, fill(size, cup) > 0, image + rng.uniform(0.3, 1) * step, rng.uniform(0.8, 3))
    return fill(size, curve, cup)


def vessels(rng: Rng) -> Scene:
    """Draw one picture with one to six trees."""
    size = frame(rng)
    eye = rng.random() < 0.5
    image = rng.uniform(0.4, 0.7) + log_uniform(rng, 0.02, 0.09) * fractal(rng, size, log_uniform(rng, 4, 60))
    image = image + 0.08 * smooth(rng, size, 120)
    image = image.astype(np.float32)
    root = anywhere(rng, size, 0.15)
    maps: list[Labels] = []
    if eye and rng.random() < 0.8:
        discs = disc(rng, image, root, min(size) * rng.uniform(0.04, 0.12))
        maps = [(discs > 0).astype(np.int16), np.where(discs == 2, 1, 0).astype(np.int16)]
    n_trees = int(rng.integers(3, 8)) if eye else int(rng.integers(1, 5))
    thick = log_uniform(rng, 1.6, 9)
    trees: list[Branch] = []
    first = rng.uniform(0, 6.3)
    for main in range(1, n_trees + 1):
        angle = first + 6.28 * main / n_trees + rng.normal(0, 0.3)
        if not eye:
            root = anywhere(rng, size, -0.02)
            angle = float(np.arctan2(size[0] / 2 - root[0], size[1] / 2 - root[1])) + rng.normal(0, 0.5)
        reach = max(size) * rng.uniform(0.4, 0.9)
        trees += grow(rng, root, angle, max(1.0, thick * rng.uniform(0.6, 1.1)), reach, main)
    cover = draw_branches(size, trees, "cover")
    faint = 0.35 + 0.65 * np.clip(blur(cover, 1.5) * 1.6, 0, 1)
    step = -log_uniform(rng, 0.1, 0.4)
    image = image + step * faint * blur(cover, rng.uniform(0.3, 1.1)) * (1 + 0.15 * smooth(rng, size, 60))
    if thick > 4 and rng.random() < 0.4:
        narrow = [Branch(b.points, b.widths_px * 0.25, b.main) for b in trees]
        image = image - 0.5 * step * blur(draw_branches(size, narrow, "cover"), 0.6)
    tree = (cover > 0.5).astype(np.int16)
    mains = draw_branches(size, trees, "main").astype(np.int16) * tree
    maps = [tree, *maps, mains]
    for _ in range(rng.poisson(0.4 if eye else 0.1)):  # exudates and bleedings
        spots = np.maximum(smooth(rng, size, rng.uniform(4, 14)) - rng.uniform(2, 2.8), 0) > 0
        paint(image, spots, image + rng.choice([-1.0, 1.0]) * rng.uniform(0.08, 0.3), 0.8)
        maps.append(spots.astype(np.int16))
    if eye:
        rows, cols = np.mgrid[: size[0], : size[1]]
        reach = rng.uniform(0.44, 0.75) * min(size)
        seen = (np.hypot(rows - size[0] / 2, cols - size[1] / 2) < reach).astype(np.float32)
        image = image * vignette(rng, size, rng.uniform(0, 0.5)) * seen
        maps = [(labels * seen).astype(np.int16) for labels in maps]
    elif rng.random() < 0.5:
        image = 1 - image
    image = image + 0.01 * fractal(rng, size, 6)
    if rng.random() < (0.8 if eye else 0.3):
        bright = np.array([rng.uniform(0.8, 1), rng.uniform(0.35, 0.75), rng.uniform(0.1, 0.5)])
        if rng.random() < 0.25:
            bright = rng.uniform(0.4, 1, 3)
        return colour(rng, image * 1.2, np.zeros(3), bright), maps
    return image, maps
