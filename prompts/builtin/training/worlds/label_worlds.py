"""Random anatomies: regions where one of several smooth noises is largest, each with its own grey, as in SynthSeg.

The idea is that of SynthMorph and SynthSeg (Billot et al. 2023, arXiv:2107.09559), where labels come from noise and
intensities from a Gaussian per label; the shells, textures and spots are ours.
"""

import numpy as np

from prompts.builtin.training.worlds.objects import parts
from prompts.builtin.training.worlds.tools import (
    Labels,
    Plane,
    Rng,
    Scene,
    Size,
    blur,
    fill,
    frame,
    log_uniform,
    outline,
    paint,
    smooth,
    soften,
    texture,
    warp,
)  # fmt: skip


def regions(rng: Rng, size: Size) -> Labels:
    """Cut the frame into regions, labels from 1."""
    n = int(rng.integers(2, 11))
    grain = log_uniform(rng, 16, 160)
    mixed = rng.random() < 0.5
    fields = [
        smooth(rng, size, log_uniform(rng, 12, 200) if mixed else grain) + rng.uniform(-0.5, 0.5) for _ in range(n)
    ]
    return (np.argmax(fields, axis=0) + 1).astype(np.int16)


def shells(rng: Rng, size: Size, labels: Labels) -> tuple[Labels, Labels]:
    """Put the regions into a head or body: zero outside, two to four wrapping layers; also return the inner part."""
    rows, cols = np.mgrid[: size[0], : size[1]].astype(np.float32)
    y, x = rows / size[0] - rng.uniform(0.45, 0.55), cols / size[1] - rng.uniform(0.45, 0.55)
    turn = rng.uniform(0, np.pi)
    u, v = y * np.cos(turn) + x * np.sin(turn), x * np.cos(turn) - y * np.sin(turn)
    depth = np.hypot(u / rng.uniform(0.36, 0.56), v / rng.uniform(0.3, 0.5)) + 0.05 * smooth(rng, size, 120)
    out = np.zeros(size, np.int16)
    layer, bound = 20, 1.0
    for _ in range(int(rng.integers(2, 5))):
        out[depth < bound] = layer
        layer, bound = layer + 1, bound * rng.uniform(0.85, 0.96)
    if rng.random() < 0.5:  # a folded inner surface, like a cortex
        depth = depth + rng.uniform(0.03, 0.1) * smooth(rng, size, rng.uniform(14, 30))
    inner = depth < bound
    out[inner] = labels[inner]
    return out, inner.astype(np.int16)


def shade(rng: Rng, size: Size, labels: Labels) -> Plane:
    """Give every label a mean grey and a texture."""
    n = int(labels.max()) + 1
    spread = log_uniform(rng, 0.1, 0.5)
    greys = np.clip(rng.uniform(0.25, 0.75) + spread * rng.uniform(-1, 1, n), 0, 1)
    greys[0] = rng.uniform(0, 0.08) if rng.random() < 0.8 else rng.uniform(0, 1)
    grains = log_uniform(rng, 0.01, 0.1) * rng.uniform(0.2, 1.5, n)
    grains[0] *= 0.2
    image = greys[labels].astype(np.float32)
    kinds = [texture(rng, size) for _ in range(3)]
    which = rng.integers(0, 3, n)
    for k, kind in enumerate(kinds):
        image += np.where(which == k, grains, 0)[labels].astype(np.float32) * kind
    return image


def label_worlds(rng: Rng) -> Scene:
    """Draw a random anatomy, often inside a head, at times with spots such as lesions."""
    size = frame(rng)
    labels = regions(rng, size)
    maps: list[Labels] = []
    if rng.random() < 0.55:
        labels, inner = shells(rng, size, labels)
        maps.append(inner)
    if rng.random() < 0.4:
        labels = warp(rng, [labels], rng.uniform(2, 8), rng.uniform(20, 80))[0]
    image = shade(rng, size, labels)
    image = blur(image, log_uniform(rng, 0.4, 2.2))
    regional = parts(labels)
    maps.insert(0, regional)
    if rng.random() < 0.4:
        maps.append(labels)
    if rng.random() < 0.45:
        spots = np.zeros(size, np.int16)
        whole = labels > 0
        bright = rng.choice([-1.0, 1.0, 1.0]) * log_uniform(rng, 0.08, 0.4)
        radius = log_uniform(rng, 3, 30)
        places = np.argwhere(whole)
        for label in range(1, int(rng.integers(1, 9)) + 1):
            row, col = places[rng.integers(len(places))]
            curve = outline(rng, (float(row), float(col)), radius * rng.uniform(0.5, 1.5), wobble=0.35)
            mask = (fill(size, curve) > 0) & whole
            spots[mask] = label
            paint(image, mask, image + bright * rng.uniform(0.7, 1.3), log_uniform(rng, 0.4, 0.2 * radius + 0.5))
        maps.append(spots if rng.random() < 0.6 else (spots > 0).astype(np.int16))
    if rng.random() < 0.6:
        image = image * np.exp(rng.uniform(0.05, 0.3) * smooth(rng, size, 250))
    if rng.random() < 0.3:  # Rician: the magnitude of a complex signal
        level = log_uniform(rng, 0.01, 0.08)
        image = np.hypot(image + level * smooth(rng, size, 1), level * smooth(rng, size, 1))
    if rng.random() < 0.1:
        image = image * (1 - rng.uniform(0.3, 0.9) * soften(smooth(rng, size, 120) > 1.5, 6))  # signal void
    return image, maps
