"""Textured things of any shape on textured grounds, from single ones to crowds."""

import numpy as np

from prompts.builtin.training.worlds.tools import Rng, Scene, blur, frame, log_uniform, paint, smooth, texture, thing


def blobs(rng: Rng) -> Scene:
    """Draw blobs; all alike or each with its own look."""
    size = frame(rng)
    labels = np.zeros(size, np.int16)
    radius = log_uniform(rng, 4, 90)
    n = int(np.clip(rng.poisson(0.06 * (256 / radius) ** 2), 1, 50))
    channels = 3 if rng.random() < 0.4 else 1
    grounds = [texture(rng, size) for _ in range(3)]
    amount = log_uniform(rng, 0.02, 0.15)
    base = np.float32(rng.uniform(0.2, 0.8) + rng.uniform(-0.15, 0.15, channels) * (channels > 1))
    image = base + amount * grounds[0][..., None]
    if channels > 1:
        image = image + 0.5 * amount * rng.uniform(-1, 1, 3) * grounds[1][..., None]
    image = image.astype(np.float32)
    contrast = rng.choice([-1.0, 1.0]) * log_uniform(rng, 0.04, 0.45)
    same_look = rng.random() < 0.6
    hue = rng.uniform(-0.15, 0.15, channels) * (channels > 1)
    grain = log_uniform(rng, 0.01, 0.12)
    border = log_uniform(rng, 0.3, 0.12 * radius + 0.4)
    for label in range(1, n + 1):
        mask = thing(rng, size, radius * rng.uniform(0.5, 1.5))
        labels[mask] = label
        if not same_look:
            contrast, grain = rng.choice([-1.0, 1.0]) * log_uniform(rng, 0.04, 0.45), log_uniform(rng, 0.01, 0.12)
            hue = rng.uniform(-0.15, 0.15, channels) * (channels > 1)
        level = base + hue + contrast * rng.uniform(0.7, 1.2)
        look = level + grain * np.roll(grounds[2 - label % 2], 37 * label, axis=(0, 1))[..., None]
        paint(image, mask, look, border)
    if rng.random() < 0.3:
        image = image * (1 + rng.uniform(0.1, 0.5) * smooth(rng, size, rng.uniform(1, 3))[..., None])
    image = blur(image, rng.uniform(0, 1))
    return image if channels == 3 else image[..., 0], [labels]
