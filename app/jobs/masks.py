"""Masks between answers and heads: what an accepted answer teaches, and what a head offers to start from."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image
from pydantic import JsonValue

from alcore.acquisition.probability import entropy
from alcore.conformal import expected_dice
from alcore.masks import components, decode_rle, encode_rle
from alcore.weak.targets import IGNORE_LABEL, Recipe, WeakObject, draw_target
from alcore.windows import window_mask
from app.service.asked import stored_prompt
from app.service.windows import window_of_answer
from app.settings import Settings
from app.store.database import Row
from prompts.geometry import pixel_of, pixels_along

MIN_PART_SHARE = 0.0002
"""Parts of a starting mask below this share of the image are specks and left out."""


def objects_of(
    probabilities: np.ndarray, size: tuple[int, int], *, expected: np.ndarray | None = None
) -> list[dict[str, JsonValue]]:
    """Starting masks out of class probabilities (K, S, S) of an image of `size` (h, w), one object a class.

    Probabilities are enlarged, not labels, so that borders are smooth; specks are left out. `expected` (K - 1,) is the
    Dice to expect of each class, NaN where there is none; by default what these probabilities say.
    """
    expected = expected_dice(probabilities) if expected is None else expected
    height, width = size
    best, labels = np.full(size, -1.0, np.float32), np.zeros(size, np.uint8)
    for class_id, plane in enumerate(probabilities):
        large = Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
        likely = np.asarray(large)
        ahead = likely > best
        labels[ahead], best[ahead] = class_id, likely[ahead]
    objects: list[dict[str, JsonValue]] = []
    for class_id in range(1, len(probabilities)):
        parts = components(labels == class_id, min_px=max(1, int(height * width * MIN_PART_SHARE)))
        if parts:
            mask = np.logical_or.reduce(parts)
            code = encode_rle(mask)
            objects.append(
                {
                    "class_id": class_id,
                    "mask": {"size": list(code["size"]), "counts": list(code["counts"])},
                    "mean_confidence": round(float(best[mask].mean()), 4),
                    "expected_dice": _number(expected[class_id - 1]),
                }
            )
    return objects


def _number(value: float) -> float | None:
    """A share as JSON knows it."""
    return None if np.isnan(value) else round(float(value), 4)


def uncertainty_map(probabilities: np.ndarray) -> bytes:
    """Entropy of class probabilities (K, S, S) over its maximum ln K, as a grey PNG (S, S): 0 sure, 255 all alike.

    One byte a pixel at the head's own side: finer steps and pixels would tell nothing more. PNG keeps every byte, and
    any browser reads it.
    """
    share = entropy(np.moveaxis(probabilities, 0, -1).astype(np.float64)) / np.log(len(probabilities))
    stream = io.BytesIO()
    Image.fromarray(np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def recipe_of(settings: Settings) -> Recipe:
    """What pseudo-masks count in this workspace."""
    return Recipe(weigh=settings.weigh_pseudo_masks, around=True, band=settings.pseudo_mask_band)


def objects_at(answer: Row, row: Row, side: int, *, only_calibrated: bool = False) -> list[WeakObject]:
    """The objects of an accepted answer at the head's side (S, S).

    A mask that a person drew or corrected is exact, and so is one without a quality; others are pseudo-masks. With
    `only_calibrated` those whose quality comes of the fixed formula alone, which is mostly too low, have quality 1.
    """
    drawn = [(entry, decode_rle(entry["mask"])) for entry in answer["objects"]]
    return [
        WeakObject(
            mask=_shrunk(mask, side),
            class_id=entry["class_id"],
            quality=_quality(entry, only_calibrated),
            is_exact=bool(entry.get("edited")) or entry.get("quality") is None,
            strokes=_shrunk(mask, side) & _marked(entry, row, side),
        )
        for entry, mask in drawn
        if mask.any()
    ]


def _quality(entry: Mapping[str, Any], only_calibrated: bool) -> float:
    """What a mask is trusted by, 0 to 1."""
    if entry.get("quality") is None or (only_calibrated and not entry.get("is_calibrated")):
        return 1.0
    return float(np.clip(entry["quality"], 0.0, 1.0))


def labeled_at(answer: Row, row: Row, side: int) -> np.ndarray:
    """The pixels at the head's side (S, S) that an accepted answer labels: its window, or all."""
    window = window_of_answer(answer)
    if window is None:
        return np.ones((side, side), np.bool_)
    return window_mask(window, (row["height"], row["width"]), side=side)


def drawn_targets(
    images: Sequence[Sequence[WeakObject]], labeled: np.ndarray, recipe: Recipe
) -> tuple[np.ndarray, np.ndarray]:
    """Label ids (n, S, S) and pixel weights of images; what is not `labeled` (n, S, S) is left out and weighs 0."""
    drawn = [draw_target(objects, labeled.shape[1], recipe=recipe) for objects in images]
    targets, weights = (np.stack(column) for column in zip(*drawn, strict=True))
    return np.where(labeled, targets, np.uint8(IGNORE_LABEL)), np.where(labeled, weights, np.float32(0))


def _shrunk(mask: np.ndarray, side: int) -> np.ndarray:
    """A mask at the head's side; one that is too small for it is its middle."""
    share = Image.fromarray(mask.astype(np.uint8) * 255).resize((side, side), Image.Resampling.BOX)
    inside = np.asarray(share) >= 128
    if not inside.any():
        rows, cols = np.nonzero(mask)
        inside = np.zeros_like(inside)
        inside[int(rows.mean() / mask.shape[0] * side), int(cols.mean() / mask.shape[1] * side)] = True
    return inside


def _marked(entry: Mapping[str, Any], row: Row, side: int) -> np.ndarray:
    """The pixels at the head's side that an object's foreground clicks and strokes are on."""
    prompt, marked = stored_prompt(entry), np.zeros((side, side), bool)
    pixels = [np.array([pixel_of(point)]) for point in prompt.points if point.label]
    pixels += [pixels_along(scribble) for scribble in prompt.scribbles if scribble.label]
    for found in pixels:
        at = found * side // np.array([row["height"], row["width"]])
        inside = ((at >= 0) & (at < side)).all(axis=1)
        marked[tuple(at[inside].T)] = True
    return marked
