"""Compares a picture of the page with a stored one; another version of the browser or of its fonts is no change."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

REFERENCES = Path(__file__).with_name("references")
SIZE = (680, 430)
"""Width and height of stored pictures: half of the page."""
COARSE = (170, 108)
"""Pictures are compared as small as this: a line one pixel further along is no change, a missing button is."""
STEP = 20
"""Levels of 255 by which a coarse pixel may differ in any colour."""
MOST = 0.005
"""Share of coarse pixels that may differ by more from all that is around them."""


def small(png: bytes) -> Image.Image:
    """A screenshot as it is stored."""
    return Image.open(io.BytesIO(png)).convert("RGB").resize(SIZE, Image.Resampling.BOX)


def difference(a: Image.Image, b: Image.Image) -> float:
    """Share of coarse pixels, of either picture, that are unlike the same place and its neighbours in the other."""
    one, other = (np.asarray(picture.resize(COARSE, Image.Resampling.BOX), np.int16) for picture in (a, b))
    return max(float(_is_foreign(one, other).mean()), float(_is_foreign(other, one).mean()))


def _is_foreign(pixels: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Where (h, w, 3) pixels lie outside the range of the 3 x 3 pixels there in another picture."""
    low, high = ndimage.minimum_filter(among, (3, 3, 1)), ndimage.maximum_filter(among, (3, 3, 1))
    return ((pixels < low - STEP) | (pixels > high + STEP)).any(axis=2)


def stored(name: str) -> Image.Image:
    """A stored picture."""
    return Image.open(REFERENCES / f"{name}.png").convert("RGB")


def store(name: str, picture: Image.Image) -> None:
    """Write a picture to compare with, in 256 colours, which keeps it small."""
    REFERENCES.mkdir(exist_ok=True)
    picture.quantize(256, dither=Image.Dither.NONE).save(REFERENCES / f"{name}.png", optimize=True)
