"""Windows: how raw 8 or 16 bit intensities become the 8 bits that people, encoders and prompts see.

One rule everywhere: a value v is shown as floor(255 · (v - (level - width/2)) / width + 0.5), clipped to 0..255.
"""

import numpy as np
from jaxtyping import Shaped, UInt8

from alcore.errors import InvalidInput
from alcore.types import MedicalImage, Window

LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5


def default_window(pixels: Shaped[np.ndarray, "h w *colour"]) -> Window:
    """Choose the window to begin with.

    uint8 gets its full range, so that its values stay as they are; uint16 the range between its 0.5th and 99.5th
    percentile (values that occur, taken over all channels together), at least 1 wide.

    Raises:
        InvalidInput: `pixels` is empty or neither uint8 nor uint16.
    """
    _check_pixels(pixels)
    if pixels.dtype == np.uint8:
        return Window(level=127.5, width=255.0)
    cumulative = np.cumsum(np.bincount(pixels.ravel(), minlength=65536))
    ranks = np.array([LOW_PERCENTILE, HIGH_PERCENTILE]) / 100 * pixels.size
    low, high = np.searchsorted(cumulative, np.clip(ranks, 1, pixels.size))
    width = max(float(high - low), 1.0)
    return Window(level=float(low + high) / 2, width=width)


def apply_window(pixels: Shaped[np.ndarray, "h w *colour"], window: Window) -> UInt8[np.ndarray, "h w *colour"]:
    """Map raw values to 0..255 by the window; values outside it become 0 or 255.

    Raises:
        InvalidInput: `pixels` is empty or neither uint8 nor uint16.
    """
    _check_pixels(pixels)
    low = window.level - window.width / 2
    values = np.arange(np.iinfo(pixels.dtype).max + 1, dtype=np.float64)
    table = np.clip(np.floor(255.0 * (values - low) / window.width + 0.5), 0, 255).astype(np.uint8)
    shown: UInt8[np.ndarray, "h w *colour"] = table[pixels]
    return shown


def to_rgb(image: MedicalImage, window: Window | None = None) -> UInt8[np.ndarray, "h w 3"]:
    """Return what the eye sees, (H, W, 3) uint8: the image in `window`, or in its own when none is given."""
    shown = apply_window(image.pixels, window or image.window)
    return np.repeat(shown[..., None], 3, axis=2) if shown.ndim == 2 else shown


def window_key(window: Window) -> str:
    """Name a window in cache keys: equal windows (to nine digits) give equal keys."""
    return f"{window.level:.9g}_{window.width:.9g}"


def _check_pixels(pixels: Shaped[np.ndarray, "..."]) -> None:
    """Refuse anything but non-empty grey or RGB uint8 or uint16."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise InvalidInput(f"pixels must be uint8 or uint16; got {pixels.dtype}. Scale them to 0..65535 first")
    if pixels.size == 0 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise InvalidInput(f"pixels must be (H, W) or (H, W, 3) and not empty; got {pixels.shape}")
