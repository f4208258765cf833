"""Foreign objects in real pictures: the picture's own pixels, moved or changed, inside soft shapes."""

import numpy as np
from jaxtyping import Float, Int, UInt8

from prompts.builtin.training.worlds.objects import tidy
from prompts.builtin.training.worlds.tools import Mask, Rng, Size, blur, log_uniform, soften, texture, thing

SEED = 20_261


def changed(rng: Rng, image: Float[np.ndarray, "h w 3"], mask: Mask) -> Float[np.ndarray, "h w 3"]:
    """Make the pixels that go into one shape."""
    size: Size = (image.shape[0], image.shape[1])
    kind = rng.choice(6, p=[0.3, 0.25, 0.12, 0.1, 0.13, 0.1])
    strength = rng.choice([-1.0, 1.0]) * log_uniform(rng, 0.08, 0.45)
    if kind == 0:  # from elsewhere, turned over
        moved = np.roll(image, (int(rng.integers(size[0])), int(rng.integers(size[1]))), axis=(0, 1))
        new = moved[:: int(rng.choice([-1, 1])), :: int(rng.choice([-1, 1]))]
        return new + np.float32(0.6 * strength * (rng.random() < 0.6))
    if kind == 1:
        return image + np.float32(strength)
    if kind == 2:
        middle = image[mask].mean(0)
        return middle + (image - middle) * np.float32(log_uniform(rng, 0.15, 0.6)) + np.float32(0.5 * strength)
    if kind == 3:
        return blur(image, log_uniform(rng, 2, 6)) + np.float32(0.5 * strength)
    grain = log_uniform(rng, 0.03, 0.15) * texture(rng, size)[..., None]
    if kind == 4:
        return image * rng.uniform(0.3, 0.9) + image[mask].mean(0) * 0.3 + grain + np.float32(strength)
    grey = (image[..., :1] == image[..., 2:]).all()
    tint = np.full(3, 1 + strength) if grey else 1 + rng.uniform(-0.5, 0.5, 3)
    return image * tint.astype(np.float32) + 0.5 * grain


def pasted(
    pixels: UInt8[np.ndarray, "h w 3"], index: int
) -> tuple[UInt8[np.ndarray, "h w 3"], list[Int[np.ndarray, "h w"]]]:
    """Paste one to four soft-bordered shapes into a real picture; outside of their borders nothing changes.

    Args:
        pixels: the picture, RGB; left as it is.
        index: draws the shapes: same picture and index, same answer.

    Returns:
        The changed picture, and one map of the shapes that can be seen (int16, numbered from 1, later over earlier).
    """
    rng = np.random.default_rng([index, SEED])
    size: Size = (pixels.shape[0], pixels.shape[1])
    while True:
        image = pixels.astype(np.float32) / 255
        labels = np.zeros(size, np.int16)
        touched = np.zeros(size, bool)
        like = thing(rng, size, min(size) * log_uniform(rng, 0.03, 0.3))
        for label in range(1, int(rng.choice([1, 1, 2, 3, 4])) + 1):
            mask = thing(rng, size, min(size) * log_uniform(rng, 0.025, 0.35)) if label > 1 else like
            if not mask.any():
                continue
            radius = float(np.sqrt(mask.sum() / np.pi))
            alpha = soften(mask, log_uniform(rng, 0.4, 0.12 * radius + 0.5)) * rng.uniform(0.7, 1)
            image = image + alpha[..., None] * (changed(rng, image, mask) - image)
            labels[mask] = label
            touched |= alpha > 0
        out = np.where(touched[..., None], np.clip(np.round(image * 255), 0, 255).astype(np.uint8), pixels)
        kept = tidy(out, labels)
        if kept is not None:
            return out, [kept]
