"""Label maps in order: drop specks and objects that nobody could see, renumber."""

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy import ndimage

from prompts.builtin.training.worlds.tools import Labels

MIN_AREA_PX = 24
FLOOR = 4.0


def parts(labels: Labels) -> Labels:
    """Number the connected parts of every label."""
    out = np.zeros(labels.shape, np.int32)
    n = 0
    for label in np.unique(labels[labels > 0]):
        found, n_found = ndimage.label(labels == label)
        out += np.where(found > 0, found + n, 0)
        n += n_found
    return out


def visibility(pixels: UInt8[np.ndarray, "h w 3"], labels: Labels) -> Float[np.ndarray, " n"]:
    """Measure how each label stands out from a ring around it, in grey levels; seen at half the size.

    The difference of the means, or 0.7 of that of the deviations, less what noise alone gives on so small an object.
    """
    pixels, labels = pixels[::2, ::2], labels[::2, ::2]
    flat, n = labels.ravel(), int(labels.max()) + 1
    above, below = ndimage.maximum_filter(labels, 5).ravel(), ndimage.minimum_filter(labels, 5).ravel()
    outer, lower = np.flatnonzero(above != flat), np.flatnonzero((below != flat) & (below > 0))
    ring_ids, ring_at = np.concatenate([above[outer], below[lower]]), np.concatenate([outer, lower])
    n_in, n_ring = np.bincount(flat, minlength=n) + 1e-6, np.bincount(ring_ids, minlength=n) + 1e-6
    best = np.zeros(n)
    is_colour = (pixels[..., 0] != pixels[..., 2]).any()
    for values in [pixels[..., 1], *([pixels[..., 0] - 1.0 * pixels[..., 2]] if is_colour else [])]:
        v = values.ravel().astype(np.float32)
        ring = v[ring_at]
        mean_in, mean_ring = np.bincount(flat, v, n) / n_in, np.bincount(ring_ids, ring, n) / n_ring
        spread_in = np.sqrt(np.maximum(np.bincount(flat, v * v, n) / n_in - mean_in**2, 0))
        spread_ring = np.sqrt(np.maximum(np.bincount(ring_ids, ring * ring, n) / n_ring - mean_ring**2, 0))
        stands_out = np.maximum(np.abs(mean_in - mean_ring), 0.7 * np.abs(spread_in - spread_ring))
        best = np.maximum(best, stands_out - 1.2 * np.minimum(spread_in, spread_ring) * np.sqrt(2 / n_in))
    return best


def tidy(pixels: UInt8[np.ndarray, "h w 3"], labels: Labels) -> Int[np.ndarray, "h w"] | None:
    """Keep what is large enough and visible, numbered from 1; None where nothing is left."""
    whole = labels.astype(np.int32)
    areas = np.bincount(whole.ravel())
    seen = np.zeros(len(areas))
    found = visibility(pixels, whole)
    seen[: len(found)] = found
    keep = (areas >= MIN_AREA_PX) & (areas < 0.97 * whole.size) & (seen >= FLOOR)
    keep[0] = False
    if not keep.any():
        return None
    return np.where(keep, np.cumsum(keep), 0)[whole].astype(np.int16)
