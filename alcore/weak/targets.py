"""From pseudo-masks, clicks and strokes to what a head is trained on: label ids, pixels to leave out, pixel weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8
from scipy import ndimage

from alcore.errors import InvalidInput

IGNORE_LABEL = 255
BAND_SHARE = 0.01
"""Half the width of the band around a pseudo-mask's border, as a share of the longer side of its box."""
DISPUTED_SHARE = 0.25
"""Pixels where at least so many of the jittered masks are in the minority are left out."""
FULL_DEPTH_PX = 2.0
"""From so far from its border on, a mask whose logits are not known is taken to be certain."""


@dataclass(frozen=True, kw_only=True)
class WeakObject:
    """One object as it was marked, at the head's side."""

    mask: Bool[np.ndarray, "s s"]
    class_id: int
    quality: float = 1.0
    """Expected Dice, 0 to 1."""
    is_exact: bool = False
    """Drawn or corrected by a person: weight 1 up to its border."""
    certainty: Float[np.ndarray, "s s"] | None = None
    """How sure the promptable model is of each pixel, 0 to 1; None takes the distance from the border."""
    disagreement: Float[np.ndarray, "s s"] | None = None
    """Share of the jittered masks that are in the minority at each pixel, 0 to 0.5."""
    strokes: Bool[np.ndarray, "s s"] | None = None
    """Pixels that a person put a foreground click or stroke on."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How pseudo-masks are turned into targets; what a person drew is never weighed or left out."""

    weigh: bool = True
    """Pixels of a pseudo-mask count its quality, with `certainty` times how sure the model is of them."""
    around: bool = False
    """So does the background in its box, widened by half on each side: the object then loses nothing to it."""
    certainty: bool = False
    band: bool = True
    """Leave out a band around its border, and where jittered masks disagree."""
    min_weight: float = 0.3
    """What the pixels of a mask of no quality count."""


def draw_target(
    objects: Sequence[WeakObject], side: int, *, recipe: Recipe
) -> tuple[UInt8[np.ndarray, "side side"], Float32[np.ndarray, "side side"]]:
    """Draw an image's objects, the larger first, so that the smaller of two that overlap is on top.

    Args:
        objects: all objects of the image; what they leave is background of weight 1.
        side: of the target, in pixels.
        recipe: what pseudo-masks count.

    Returns:
        Label ids, 255 where the truth is not known, and pixel weights. Exact masks and strokes are drawn last over the
        bands of pseudo-masks: a person's word wins.

    Raises:
        InvalidInput: a mask of another size, a quality out of 0 to 1.

    Source: weight q·2|σ(z) - 1/2| of a mask's pixels and a band that is left out are ours; leaving
    pixels out as in nnU-Net's partial labels. O(objects·side²).
    """
    target, weights = np.zeros((side, side), np.uint8), np.ones((side, side), np.float32)
    _check(objects, side)
    ordered = sorted(objects, key=lambda one: -int(one.mask.sum()))
    for one in ordered:
        target[one.mask] = one.class_id
        weights[one.mask] = 1.0
        if recipe.weigh and not one.is_exact:
            region = one.mask | (_surroundings(one.mask) & (target == 0)) if recipe.around else one.mask
            weights[region] = _weights(one, recipe)[region]
    unknown = np.zeros((side, side), bool)
    for one in ordered:
        if recipe.band and not one.is_exact:
            unknown |= _unknown(one)
    for one in ordered:
        if one.is_exact:
            unknown &= ~_grown(one.mask, 1)  # its border is a person's, and so are the pixels just outside
    target[unknown] = IGNORE_LABEL
    for one in ordered:
        if one.strokes is not None:
            target[one.strokes], weights[one.strokes] = one.class_id, 1.0
    return target, weights


def pixel_certainty(logits: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Return 2·|σ(z) - 1/2| = |tanh(z / 2)|: 0 on the fence, 1 when sure of either side."""
    return np.abs(np.tanh(logits / 2))


def distance_certainty(mask: Bool[np.ndarray, "h w"], full_px: float = FULL_DEPTH_PX) -> Float[np.ndarray, "h w"]:
    """Return how far each pixel's centre is from the mask's border over `full_px`, at most 1; 1 where there is none."""
    if not mask.any() or mask.all():
        return np.ones(mask.shape)
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.minimum((inside + outside - 0.5) / full_px, 1.0)


def ignore_band(mask: Bool[np.ndarray, "h w"], half_width_px: int) -> Bool[np.ndarray, "h w"]:
    """Return the pixels within `half_width_px` of the mask's border on either side, straight or diagonal steps alike.

    Raises:
        InvalidInput: the width is below 1.
    """
    if half_width_px < 1:
        raise InvalidInput(f"half_width_px must be at least 1 pixel; got {half_width_px}")
    return _grown(mask, half_width_px) & ~_shrunk(mask, half_width_px)


def band_half_width_px(mask: Bool[np.ndarray, "h w"]) -> int:
    """Return `BAND_SHARE` of the longer side of the mask's box, rounded, at least 1 pixel."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 1
    return max(1, round(BAND_SHARE * int(max(rows[-1] - rows[0], cols[-1] - cols[0]) + 1)))


def partial_target(
    marks: Sequence[tuple[Int[np.ndarray, "_ 2"], int]], side: int, *, reach_px: float = 0.0
) -> UInt8[np.ndarray, "side side"]:
    """Draw clicks and strokes alone; all else is unknown.

    Args:
        marks: pixels [row, col] at the head's side and their class id, 0 for background; later ones are on top.
        side: of the target.
        reach_px: pixels so near to a mark belong to it.

    Raises:
        InvalidInput: a pixel outside the target.
    """
    target = np.full((side, side), IGNORE_LABEL, np.uint8)
    for pixels, class_id in marks:
        if pixels.size and (pixels.min() < 0 or pixels.max() >= side):
            raise InvalidInput(f"marks must lie in 0 .. {side - 1}; got {pixels.min()} .. {pixels.max()}; scale them")
        marked = np.zeros((side, side), bool)
        marked[tuple(pixels.T)] = True
        if pixels.size:
            target[ndimage.distance_transform_edt(~marked) <= reach_px] = class_id
    return target


def box_target(
    boxes: Float[np.ndarray, "n 4"], class_ids: Sequence[int], side: int, *, core: float
) -> UInt8[np.ndarray, "side side"]:
    """Draw tight boxes that no model turned into masks: background outside, the object in the middle, else unknown.

    Args:
        boxes: rows r0 to r1 and columns c0 to c1 in pixels of the target, exclusive at the far side.
        class_ids: of each box; smaller boxes are on top.
        side: of the target.
        core: the object takes the ellipse that fills the box, shrunk to this share of its axes; above 0, at most 1.

    Raises:
        InvalidInput: an empty box, another number of class ids, a core out of range.

    Source: Khoreva et al. 2017, Simple Does It (arXiv:1603.07485), Box^i: the inner fifth of a box is foreground and
    the rest of it ignored. Theirs is a rectangle. O(n·side²).
    """
    if not 0 < core <= 1 or len(class_ids) != len(boxes) or (len(boxes) and not (boxes[:, 1::2] > boxes[:, ::2]).all()):
        raise InvalidInput(
            f"need boxes r0 < r1, c0 < c1 with a class id each and 0 < core <= 1; got {len(boxes)} boxes, "
            f"{len(class_ids)} class ids and core {core}"
        )
    target = np.zeros((side, side), np.uint8)
    centres = np.arange(side) + 0.5
    for i in np.argsort(-(boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2]), kind="stable"):
        r0, r1, c0, c1 = boxes[i]
        rows, cols = (2 * centres - r0 - r1) / (r1 - r0), (2 * centres - c0 - c1) / (c1 - c0)
        inside = (np.abs(rows) < 1)[:, None] & (np.abs(cols) < 1)[None]
        target[inside] = IGNORE_LABEL
        target[inside & (rows[:, None] ** 2 + cols[None] ** 2 <= core**2)] = class_ids[i]
    return target


def _weights(one: WeakObject, recipe: Recipe) -> np.ndarray:
    """Pixel weights of a pseudo-mask."""
    if not recipe.certainty:
        return np.full(one.mask.shape, max(recipe.min_weight, one.quality))
    sure = distance_certainty(one.mask) if one.certainty is None else one.certainty
    return np.maximum(recipe.min_weight, one.quality * sure)


def _surroundings(mask: np.ndarray) -> np.ndarray:
    """The mask's box, widened by half its extent on each side."""
    found, rows, cols = np.zeros_like(mask), np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size:
        room_y, room_x = ((ends[-1] + 2 - ends[0]) // 2 for ends in (rows, cols))
        found[max(0, rows[0] - room_y) : rows[-1] + 1 + room_y, max(0, cols[0] - room_x) : cols[-1] + 1 + room_x] = True
    return found


def _unknown(one: WeakObject) -> np.ndarray:
    """Where a pseudo-mask does not say what is there; never all of it."""
    unknown = ignore_band(one.mask, band_half_width_px(one.mask))
    if not (one.mask & ~unknown).any():
        unknown &= ~one.mask  # too small to lose its rim
    if one.disagreement is not None:
        unknown = unknown | (one.disagreement >= DISPUTED_SHARE)
    return unknown


def _grown(mask: np.ndarray, n: int) -> np.ndarray:
    return ndimage.binary_dilation(mask, structure=np.ones((3, 3)), iterations=n)


def _shrunk(mask: np.ndarray, n: int) -> np.ndarray:
    return ndimage.binary_erosion(mask, structure=np.ones((3, 3)), iterations=n, border_value=1)


def _check(objects: Sequence[WeakObject], side: int) -> None:
    """Refuse objects that do not fit the target."""
    for number, one in enumerate(objects):
        if one.mask.shape != (side, side) or not 0 <= one.quality <= 1:
            raise InvalidInput(
                f"objects[{number}] has a mask of shape {one.mask.shape} and quality {one.quality}; the shape must be "
                f"{(side, side)} and the quality 0 to 1"
            )
