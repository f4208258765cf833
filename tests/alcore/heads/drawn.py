"""Drawn images with feature maps that hint at what they show; small enough to train on in a test."""

import numpy as np

SIDE = 64


def disks(n, *, seed=0, grey_gap=70, hint=3.0):
    """Off-centre disks on noise: brighter by `grey_gap`, and `hint` spreads apart in one of four feature channels."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    masks = np.zeros((n, SIDE, SIDE), dtype=np.uint8)
    for mask in masks:
        y, x, r = rng.uniform(16, 48), rng.uniform(12, 52), rng.uniform(8, 14)
        mask[(rows - y) ** 2 + (columns - x) ** 2 < r * r] = 1
    grey = np.clip(80 + grey_gap * masks + rng.normal(0, 25, masks.shape), 0, 255).astype(np.uint8)
    dense = rng.normal(size=(n, 4, 16, 16)).astype(np.float16)
    dense[:, 0] += hint * masks.reshape(n, 16, 4, 16, 4).mean((2, 4)).astype(np.float16)
    return dense, np.repeat(grey[..., None], 3, axis=3), masks
