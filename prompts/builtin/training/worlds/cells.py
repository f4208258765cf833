"""Crowds of cells: fluorescence, stained tissue or phase contrast, with nuclei in their cells and clusters."""

import numpy as np
from jaxtyping import Float
from scipy import ndimage
from scipy.spatial import cKDTree

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
    log_uniform,
    outline,
    scaled,
    smooth,
    soften,
    stripes,
    texture,
    threads,
)  # fmt: skip


def crowd(rng: Rng, size: Size, radius: float) -> list[Points]:
    """Place cells: scattered, in clusters, or packed; neighbours overlap by a part of their radius at most."""
    room = size[0] * size[1] / (np.pi * radius**2)
    n = int(np.clip(log_uniform(rng, 0.03, 1.2) * room, 1, 250))
    centres = np.stack([rng.uniform(0, size[0], 2 * n), rng.uniform(0, size[1], 2 * n)], axis=1)
    if rng.random() < 0.5:
        hubs = np.stack([anywhere(rng, size) for _ in range(int(rng.integers(1, 7)))])
        pulled = hubs[rng.integers(len(hubs), size=2 * n)] + rng.normal(0, radius * rng.uniform(1.2, 4), (2 * n, 2))
        centres = np.where(rng.random((2 * n, 1)) < rng.uniform(0.4, 1), pulled, centres)
    gap = radius * rng.uniform(1.0, 2.2)
    taken = np.ones(2 * n, bool)
    for a, b in sorted(cKDTree(centres).query_pairs(gap)):
        if taken[a] and taken[b]:
            taken[b] = False
    wobble, squeeze, spread = rng.uniform(0.02, 0.25), rng.uniform(0.4, 0.9), rng.uniform(0.05, 0.4)
    return [
        outline(rng, (row, col), radius * float(np.exp(spread * rng.normal())), wobble=wobble, squeeze=squeeze, n=28)
        for row, col in centres[taken][:n]
    ]


def profile(labels: Labels, radius: float) -> Plane:
    """Return 0 at the borders of the objects, rising to about 1 in their middles."""
    inner = labels * (ndimage.maximum_filter(labels, 3) == ndimage.minimum_filter(labels, 3))
    return np.clip(ndimage.distance_transform_edt(inner > 0) / max(1.0, 0.8 * radius), 0, 1).astype(np.float32)


def per_object(rng: Rng, labels: Labels, low: float, high: float) -> Plane:
    """Give each object one value, the ground zero."""
    values = rng.uniform(low, high, int(labels.max()) + 1).astype(np.float32)
    values[0] = 0
    return values[labels]


def fluorescence(rng: Rng, size: Size, cells: Labels, nuclei: Labels, radius: float) -> Plane:
    """Glowing nuclei and fainter bodies on a dark, hazy ground."""
    depth = profile(nuclei, radius) if nuclei.any() else np.zeros(size, np.float32)
    dim = rng.uniform(0.15, 0.7)
    round_ = rng.uniform(0, 0.6)
    grain = 1 + rng.uniform(0.05, 0.35) * texture(rng, size)
    image = per_object(rng, nuclei, dim, 1.0) * (1 - round_ + round_ * depth) * grain
    bodies = per_object(rng, cells, 0.5, 1.0) * (1 + 0.3 * threads(rng, size, log_uniform(rng, 5, 15)))
    image = np.maximum(image, rng.uniform(0.15, 0.5) * bodies)
    if rng.random() < 0.5:  # out of focus
        ghosts = fill(size, *crowd(rng, size, radius)[:12])
        image = image + rng.uniform(0.1, 0.35) * soften(ghosts > 0, min(6.0, 0.4 * radius + 1))
    image = image + rng.uniform(0, 0.3) * blur(image, 5) + rng.uniform(0, 0.12) * (1 + 0.5 * smooth(rng, size, 150))
    return blur(image, log_uniform(rng, 0.4, 1.8)) * log_uniform(rng, 0.35, 1)


def stain(rng: Rng) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Choose colours of ground, stroma and nuclei: violet on pink, blue and brown, or anything."""
    kind = rng.random()
    tint = rng.normal(0, 0.04, (3, 3))
    if kind < 0.65:
        base = np.array([(0.96, 0.93, 0.96), (0.88, 0.6, 0.77), (0.38, 0.24, 0.55)])
    elif kind < 0.85:
        brown_or_blue = (0.45, 0.28, 0.15) if rng.random() < 0.5 else (0.35, 0.42, 0.62)
        base = np.array([(0.93, 0.93, 0.93), (0.75, 0.78, 0.86), brown_or_blue])
    else:
        base = np.stack([rng.uniform(0.7, 1, 3), rng.uniform(0.4, 0.9, 3), rng.uniform(0.05, 0.6, 3)])
    colours = np.clip(base + tint, 0, 1).astype(np.float32)
    return colours[0], colours[1], colours[2]


def stained(rng: Rng, size: Size, cells: Labels, nuclei: Labels, radius: float) -> Picture:
    """Coloured tissue seen in transmitted light: fibres, gaps, bodies and dark nuclei."""
    ground, stroma, nucleus = stain(rng)
    weave = fractal(rng, size, log_uniform(rng, 15, 80)) + rng.uniform(0, 0.8) * stripes(rng, size, rng.uniform(5, 14))
    tissue = np.clip(0.65 + rng.uniform(0.15, 0.4) * weave, 0, 1.2)
    tissue = tissue * (1 - 0.9 * soften(smooth(rng, size, rng.uniform(30, 90)) > rng.uniform(1, 2.5), 1))
    tissue = np.where(cells > 0, per_object(rng, cells, 0.4, 1.0), tissue)
    image = ground + (stroma - ground) * tissue[..., None]
    depth = 1 - rng.uniform(-0.4, 0.5) * profile(nuclei, radius)
    dark = (
        per_object(rng, nuclei, rng.uniform(0.45, 0.8), 1.0)
        * depth
        * (1 + rng.uniform(0.05, 0.25) * texture(rng, size))
    )
    cover = blur(np.clip(dark, 0, 1.2), rng.uniform(0.4, 1.0))
    return (image + (nucleus - image) * cover[..., None]).astype(np.float32)


def phase(rng: Rng, size: Size, cells: Labels, nuclei: Labels, radius: float) -> Plane:
    """Grey cells with bright halos and dark borders on a grey ground."""
    mask = cells > 0
    border = soften(mask, 1.0)
    halo = soften(mask, min(5.0, 1.5 + 0.15 * radius)) - border
    image = rng.uniform(0.4, 0.6) + rng.uniform(0.5, 1.2) * np.maximum(halo, 0)
    edges = (ndimage.maximum_filter(cells, 3) != ndimage.minimum_filter(cells, 3)).astype(np.float32)
    image = image - rng.uniform(0.1, 0.4) * blur(edges, 0.8)
    image = image + border * (rng.uniform(-0.2, 0.2) + rng.uniform(0.03, 0.12) * texture(rng, size))
    image = image + rng.choice([-1, 1]) * rng.uniform(0.06, 0.2) * soften(nuclei > 0, 1.0)
    return image + 0.03 * fractal(rng, size, 60)


def cells(rng: Rng) -> Scene:
    """Draw one field of cells."""
    size = frame(rng)
    radius = log_uniform(rng, 4, 42)
    curves = crowd(rng, size, radius)
    bodies = fill(size, *curves)
    share = rng.uniform(0.35, 0.7)
    shift = rng.uniform(-0.15, 0.15, (len(curves), 2)) * radius
    inner = fill(size, *[scaled(c, share, (s[0], s[1])) for c, s in zip(curves, shift, strict=True)])
    inner = inner * (inner == bodies)
    only_nuclei = rng.random() < 0.55 or radius < 8
    none = np.zeros(size, np.int16)
    outer, nuclei = (none, bodies) if only_nuclei else (bodies, inner)
    kind = rng.choice(3, p=[0.38, 0.47, 0.15])
    maps = [bodies] if only_nuclei else [inner, bodies]
    if kind == 2:
        outer, maps = bodies, maps if not only_nuclei else [bodies]
        nuclei = none if only_nuclei else inner
    if rng.random() < 0.3:
        groups, n = ndimage.label(ndimage.binary_closing(bodies > 0, iterations=2))
        if n < len(curves):
            maps.append(groups.astype(np.int16))
    return (fluorescence, stained, phase)[kind](rng, size, outer, nuclei, radius), maps
