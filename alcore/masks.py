"""Masks: run-length code, bounding boxes, connected components, boundary bands. Imports NumPy only, for the client."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np
from jaxtyping import Bool, Int32

from alcore.errors import InvalidInput

MAX_MASK_PIXELS = 100_000_000


class Rle(TypedDict):
    """Uncompressed COCO run-length code: `size` is [h, w], `counts` alternate background and foreground runs."""

    size: list[int]
    counts: list[int]


def encode_rle(mask: Bool[np.ndarray, "h w"]) -> Rle:
    """Encode a mask as uncompressed COCO runs, column by column, the first run background (0 long if need be)."""
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise InvalidInput(f"a mask must be a (H, W) bool array; got {mask.shape} {mask.dtype}")
    height, width = mask.shape
    columns = np.flatnonzero(mask.any(axis=0))
    first, end = (int(columns[0]), int(columns[-1]) + 1) if columns.size else (0, 0)
    flat = mask[:, first:end].T.ravel()  # turning the whole image over would cost as much as all the rest
    edges = np.flatnonzero(np.diff(flat, prepend=False, append=False)) + first * height
    counts = np.diff(edges, prepend=0, append=height * width).tolist()
    if len(counts) > 1 and counts[-1] == 0:
        counts.pop()
    return {"size": [height, width], "counts": counts}


def decode_rle(rle: Mapping[str, object]) -> Bool[np.ndarray, "h w"]:
    """Decode uncompressed COCO runs.

    Raises:
        InvalidInput: a key is missing, a number is no whole number >= 0, the size is beyond `MAX_MASK_PIXELS`, or the
            runs do not add up to height x width.
    """
    height, width, counts = _checked_rle(rle)
    values = np.zeros(len(counts), dtype=np.bool_)
    values[1::2] = True
    return np.ascontiguousarray(np.repeat(values, counts).reshape(width, height).T)


def rle_area(rle: Mapping[str, object]) -> int:
    """Count the foreground pixels of a run-length code without decoding it."""
    return sum(_checked_rle(rle)[2][1::2])


def _checked_rle(rle: Mapping[str, object]) -> tuple[int, int, Sequence[int]]:
    """Return (height, width, counts) of a legal code."""
    size, counts = rle.get("size"), rle.get("counts")
    if isinstance(counts, (str, bytes)):
        raise InvalidInput("mask counts are a compressed string; send them uncompressed, as a list of whole numbers")
    if not isinstance(size, (list, tuple)) or not isinstance(counts, (list, tuple)) or len(size) != 2:
        raise InvalidInput('a mask must be {"size": [height, width], "counts": [whole numbers]}')
    if any(type(number) is not int or number < 0 for number in (*size, *counts)):
        raise InvalidInput("mask size and counts must be whole numbers >= 0")
    n_pixels = size[0] * size[1]
    if n_pixels < 1 or n_pixels > MAX_MASK_PIXELS:
        raise InvalidInput(f"a mask must have 1 to {MAX_MASK_PIXELS:,} pixels; got size {size[0]} x {size[1]}")
    if sum(counts) != n_pixels:
        raise InvalidInput(f"mask counts add up to {sum(counts):,}; size {size[0]} x {size[1]} needs {n_pixels:,}")
    return size[0], size[1], counts


def mask_box(mask: Bool[np.ndarray, "h w"]) -> tuple[int, int, int, int] | None:
    """Return the tight box x0 y0 x1 y1 (far side exclusive), or None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def label_components(mask: Bool[np.ndarray, "h w"], *, min_px: int = 1) -> Int32[np.ndarray, "h w"]:
    """Number the connected components (diagonal neighbours touch) 1, 2, … by falling size; 0 is background.

    Components of fewer than `min_px` pixels become background; equal sizes keep the order of their first pixel.
    """
    from scipy import ndimage

    labels, n_found = ndimage.label(mask, structure=np.ones((3, 3), dtype=np.int8))
    areas = np.bincount(labels.ravel(), minlength=n_found + 1)[1:]
    kept = [found for found in np.argsort(-areas, kind="stable") if areas[found] >= min_px]
    renumbered = np.zeros(n_found + 1, dtype=np.int32)
    renumbered[np.asarray(kept, dtype=np.intp) + 1] = np.arange(1, len(kept) + 1)
    numbered: Int32[np.ndarray, "h w"] = renumbered[labels]
    return numbered


def components(mask: Bool[np.ndarray, "h w"], min_px: int = 1) -> list[Bool[np.ndarray, "h w"]]:
    """Split a mask into its connected components of at least `min_px` pixels, the largest first."""
    labels = label_components(mask, min_px=min_px)
    return [labels == number for number in range(1, int(labels.max(initial=0)) + 1)]


def boundary_band(mask: Bool[np.ndarray, "h w"], radius_px: float) -> Bool[np.ndarray, "h w"]:
    """Mark the pixels, inside and outside, whose centre is at most `radius_px` from the other side's nearest centre."""
    if not radius_px > 0:
        raise InvalidInput(f"radius_px must be > 0; got {radius_px}")
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    from scipy import ndimage

    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    near: Bool[np.ndarray, "h w"] = np.maximum(inside, outside) <= radius_px
    return near
