"""Carries an object's mask from one slice of a volume to the next ones, with any promptable model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from prompts.geometry import tight_box_of
from prompts.predictor import Predictor
from prompts.types import Box, ImageState, Prompt

TRUST = 0.7
"""Share of a movement of the model's border that the carried border follows."""
REACH = 0.1
"""A border moves by at most this share of the root of the part's area from slice to slice, or by one pixel."""
ROOM = 0.03
"""The box around a part is widened by this share of the root of its area on each side: an object may grow."""
MIN_AGREEMENT = 0.5
"""Where the model's answers on two slices overlap less (IoU), the object is taken to have ended."""
MIN_PART_PX = 4
_EIGHT = np.ones((3, 3), dtype=int)


@dataclass(frozen=True, kw_only=True)
class Carried:
    """The mask on one of the next slices."""

    mask: Bool[np.ndarray, "h w"]
    quality: float
    """0 to 1, falling with every step: the product of the overlaps (IoU) of the model's answers so far."""


def propagate(
    predictor: Predictor, start: ImageState, following: Iterable[ImageState], mask: Bool[np.ndarray, "h w"]
) -> Iterator[Carried]:
    """Carry a mask from slice to slice until the object ends.

    Args:
        predictor: any promptable model.
        start: the slice that `mask` was drawn on, as `predictor` encoded it.
        following: the slices after it, in order and of the same size; each is taken when it is its turn.
        mask: one object, in one part or several; it is trusted as it is.

    Yields:
        One answer for each following slice up to the last one that still shows the object.

    Each connected part is carried on its own. The model is asked with one and the same box, that of the part's mask, on
    both slices: how its border moves between the two answers, in signed distance, moves the part's own border by
    `TRUST` of that, up to `REACH`. What the model always gets wrong of an object cancels out that way. A part ends
    where its two answers overlap by less than `MIN_AGREEMENT`, or where less than `MIN_PART_PX` pixels are left.

    Source: ours, unpublished; plain prompting of the next slice with the last mask's box and point, as SAM-based volume
    tools do, was measured beside it and beside copying the mask: see benchmarks/README.md. Two predictions a part and
    slice, and two distance transforms of the image: O(h·w) each.
    """
    parts = [(part, 1.0) for part in _parts(mask)]
    last = start
    for state in following:
        moved = [_moved(predictor, last, state, part, quality) for part, quality in parts]
        parts = [found for found in moved if found is not None]
        if not parts:
            return
        areas = [float(part.sum()) for part, _ in parts]
        quality = float(np.average([quality for _, quality in parts], weights=areas))
        yield Carried(mask=np.any([part for part, _ in parts], axis=0), quality=quality)
        last = state


def _parts(mask: Bool[np.ndarray, "h w"]) -> list[Bool[np.ndarray, "h w"]]:
    """The connected parts of a mask, specks left out unless there is nothing else."""
    labels, n_parts = ndimage.label(mask, _EIGHT)
    found = [labels == number for number in range(1, n_parts + 1)]
    return [part for part in found if part.sum() >= MIN_PART_PX] or found


def _moved(
    predictor: Predictor, last: ImageState, state: ImageState, part: Bool[np.ndarray, "h w"], quality: float
) -> tuple[Bool[np.ndarray, "h w"], float] | None:
    """One part on the next slice with its quality; None where it has ended."""
    side = float(np.sqrt(part.sum()))
    prompt = Prompt(box=widened(tight_box_of(part), ROOM * side, part.shape))
    before, after = (predictor.predict(seen, prompt, multimask=False).mask for seen in (last, state))
    agreement = float((before & after).sum() / max(1, (before | after).sum()))
    if agreement < MIN_AGREEMENT:
        return None
    reach = max(1.0, REACH * side)
    movement = np.clip(_signed_distance(after) - _signed_distance(before), -reach, reach)
    moved: Bool[np.ndarray, "h w"] = _signed_distance(part) + TRUST * movement > 0
    return (moved, quality * agreement) if moved.sum() >= MIN_PART_PX else None


def widened(box: Box, margin: float, shape: tuple[int, ...]) -> Box:
    """Return a box with a margin on each side, in image pixels, within the image (H, W)."""
    height, width = shape
    return Box(
        max(0.0, box.x0 - margin),
        max(0.0, box.y0 - margin),
        min(float(width), box.x1 + margin),
        min(float(height), box.y1 + margin),
    )


def _signed_distance(mask: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """From pixel centres to the border, half a pixel short of the nearest centre beyond; above 0 inside."""
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    distance: Float[np.ndarray, "h w"] = np.where(mask, inside - 0.5, 0.5 - outside)
    return distance
