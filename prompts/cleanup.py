"""Tidies a pseudo-mask: parts that nobody clicked, holes and specks. What a person clicked or stroked always wins.

Foreground parts are 8-connected and holes 4-connected, so that the two never cross.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Int
from scipy import ndimage

from prompts.geometry import pixel_of, pixels_along
from prompts.types import Point, Prompt, Scribble

Mark = Point | Scribble
"""What a person put on the image."""
_EIGHT = np.ones((3, 3), dtype=int)


def clean_mask(
    mask: Bool[np.ndarray, "h w"],
    prompt: Prompt | None = None,
    *,
    max_hole_px: int = 0,
    min_speck_px: int = 0,
    clicked_parts_only: bool = True,
) -> Bool[np.ndarray, "h w"]:
    """Fill small holes, drop specks, and keep the parts that were clicked or stroked, in this order.

    Args:
        mask: one object.
        prompt: its clicks and strokes; None or none in the foreground keeps the largest part alone.
        max_hole_px: fill holes of at most so many pixels, unless a background click or stroke is in them; 0 fills none.
        min_speck_px: drop parts of fewer pixels, unless a foreground click or stroke is in them; 0 drops none.
        clicked_parts_only: False keeps all parts that are no specks, for objects that come in pieces.

    Returns:
        A new mask; the input is left as it is.

    Only the mask's box and a rim of one pixel are looked at: O(their area), however large the image is.
    """
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return mask.copy()
    top, left = max(0, int(rows[0]) - 1), max(0, int(cols[0]) - 1)  # on the rim all background is one part
    window = np.s_[top : int(rows[-1]) + 2, left : int(cols[-1]) + 2]
    marks: tuple[Mark, ...] = (*prompt.points, *prompt.scribbles) if prompt is not None else ()
    meant, against = ([_moved(mark, left, top) for mark in marks if mark.label == label] for label in (1, 0))
    part = fill_holes(mask[window], max_hole_px, keep=against)
    cleaned = np.zeros_like(mask)
    cleaned[window] = _keep_parts(part, meant, min_speck_px, clicked_only=clicked_parts_only)
    return cleaned


def keep_clicked(mask: Bool[np.ndarray, "h w"], clicks: Iterable[Mark] = ()) -> Bool[np.ndarray, "h w"]:
    """Keep the connected parts under clicks and strokes; where none is, the largest part (the first of equals)."""
    return _keep_parts(mask, clicks, 0, clicked_only=True)


def fill_holes(mask: Bool[np.ndarray, "h w"], max_px: int, *, keep: Iterable[Mark] = ()) -> Bool[np.ndarray, "h w"]:
    """Fill background parts of at most `max_px` pixels that do not reach the border and hold nothing of `keep`."""
    if max_px <= 0:
        return mask.copy()
    holes, n_holes = ndimage.label(~mask)
    if n_holes == 0 or (n_holes == 1 and not mask[0, 0]):
        return mask.copy()  # nothing, or nothing but what reaches the border
    n_px = np.bincount(holes.ravel(), minlength=n_holes + 1)
    fill = n_px <= max_px
    for edge in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        fill[edge] = False
    fill[sorted(_parts_at(holes, keep))] = False
    fill[0] = False
    filled: Bool[np.ndarray, "h w"] = mask | fill[holes]
    return filled


def remove_specks(mask: Bool[np.ndarray, "h w"], min_px: int, *, keep: Iterable[Mark] = ()) -> Bool[np.ndarray, "h w"]:
    """Drop connected parts of fewer than `min_px` pixels that hold nothing of `keep`."""
    return _keep_parts(mask, keep, min_px, clicked_only=False)


def _keep_parts(
    mask: Bool[np.ndarray, "h w"], clicks: Iterable[Mark], min_px: int, *, clicked_only: bool
) -> Bool[np.ndarray, "h w"]:
    """Drop specks, then all parts without a click where any has one (the largest stays where none has)."""
    parts, n_parts = ndimage.label(mask, structure=_EIGHT)
    if n_parts == 0 or (n_parts == 1 and (clicked_only and min_px <= 1)):
        return mask.copy()
    n_px = np.bincount(parts.ravel(), minlength=n_parts + 1)
    n_px[0] = 0
    clicked = sorted(_parts_at(parts, clicks))
    stays = n_px >= max(min_px, 1)
    stays[clicked] = True
    if clicked_only:
        chosen = clicked or [int((n_px * stays).argmax())]
        stays = np.isin(np.arange(n_parts + 1), chosen) & stays
    if stays[1:].all():
        return mask.copy()
    kept: Bool[np.ndarray, "h w"] = stays[parts]
    return kept


def _moved(mark: Mark, left: int, top: int) -> Mark:
    """The mark in the frame of a window that begins at this column and row."""
    if isinstance(mark, Point):
        return Point(mark.x - left, mark.y - top, mark.label)
    return Scribble(tuple((x - left, y - top) for x, y in mark.xy), mark.label)


def _parts_at(parts: Int[np.ndarray, "h w"], marks: Iterable[Mark]) -> set[int]:
    """Return the numbers of the parts that a click or stroke lies on; what is outside the array lies on none."""
    under = [np.array([pixel_of(mark)]) if isinstance(mark, Point) else pixels_along(mark) for mark in marks]
    pixels = np.concatenate([np.zeros((0, 2), dtype=int), *under])
    rows, cols = pixels[((pixels >= 0) & (pixels < parts.shape)).all(axis=1)].T
    return set(np.unique(parts[rows, cols]).tolist()) - {0}
