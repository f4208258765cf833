"""A simulated annotator, who sees the reference mask and gives the prompts that a careful person would give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt, label

from prompts.errors import InvalidPrompt
from prompts.geometry import pixel_of, point_at, tight_box_of
from prompts.overlap import dice
from prompts.predictor import Predictor
from prompts.types import Box, ImageState, Point, Prompt, Scribble

CORE_SHARE = 0.5
"""A stroke stays where the error is at least this share of its greatest depth: well inside, as a person draws."""

PromptKind = Literal["box", "click", "box+click", "exact"]
TARGET_DICE = 0.9
"""Of a mask that a careful annotator corrects no further."""


@dataclass(frozen=True, kw_only=True)
class SimulatedObject:
    """What the annotator accepted for one object, and what it took; seconds are up to the caller's cost table."""

    mask: Bool[np.ndarray, "h w"]
    n_clicks: int
    n_boxes: int
    dice: float
    """Of the accepted mask with the reference."""


def first_click(gt_mask: Bool[np.ndarray, "h w"]) -> Point:
    """Click the pixel of the object that is farthest from its border; the first of equals in reading order.

    Raises:
        InvalidPrompt: the object is empty.
    """
    click = next_click(gt_mask, np.zeros_like(gt_mask), ())
    if click is None:
        raise InvalidPrompt(
            f"the reference mask of shape {gt_mask.shape} is empty, so there is nothing to click; skip it"
        )
    return click


def next_click(
    gt_mask: Bool[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"], clicked: Sequence[Point]
) -> Point | None:
    """Click the middle of the worst error.

    Args:
        gt_mask: the reference.
        mask: the current proposal.
        clicked: clicks so far; their pixels are not clicked again.

    Returns:
        Foreground in the missed region or background in the superfluous one, whichever reaches deeper (background at
        a tie); None where no error is left that was not clicked.

    Source: Sofiiuk et al. 2022, RITM (arXiv:2102.06583), `isegm/inference/clicker.py`: distance transform of both
    error regions, image border counted as their border, zero at clicked pixels, argmax. Ours returns None where theirs
    clicks pixel (0, 0).
    """
    depth, side = _deeper_error(gt_mask, mask, clicked)
    if depth.max() == 0:
        return None
    row, col = np.unravel_index(int(depth.argmax()), depth.shape)
    return point_at(int(row), int(col), label=side)


def next_scribble(
    gt_mask: Bool[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"], *, rng: np.random.Generator
) -> Scribble | None:
    """Draw a stroke along the middle of the worst error.

    Args:
        gt_mask: the reference.
        mask: the current proposal.
        rng: draws the pixel from which the longest way is looked for, and so which of about equal strokes is drawn.

    Returns:
        A stroke from pixel to neighbouring pixel, all of them wrong in `mask`; foreground or background as in
        `next_click`. None where no error is left.

    Source: Wong et al. 2024, ScribblePrompt (arXiv:2312.07381), draw lines and thinned centre lines in error regions,
    break them by noise and bend them. Ours is one unbroken way: where the error is at least `CORE_SHARE` of its
    greatest depth, from the pixel farthest from a random one to the pixel farthest from that, cheap where it is deep.
    A round error so gets a line and a long one its centre line. O(p log p) for p pixels.
    """
    from skimage.graph import MCP_Geometric

    depth, side = _deeper_error(gt_mask, mask, ())
    if depth.max() == 0:
        return None
    parts, _ = label(depth >= CORE_SHARE * depth.max(), structure=np.ones((3, 3), dtype=int))
    core = parts == parts[np.unravel_index(int(depth.argmax()), depth.shape)]
    rows, cols = np.flatnonzero(core.any(axis=1)), np.flatnonzero(core.any(axis=0))
    part = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    pixels = np.argwhere(core[part])
    ways = MCP_Geometric(np.where(core[part], 1.0, np.inf))
    first = _farthest(ways.find_costs([pixels[rng.integers(len(pixels))]])[0])
    last = _farthest(ways.find_costs([first])[0])
    cheap_inside = MCP_Geometric(np.where(core[part], depth.max() / np.maximum(depth[part], 1.0), np.inf))
    cheap_inside.find_costs([first], [last])
    xy = tuple((float(cols[0] + col) + 0.5, float(rows[0] + row) + 0.5) for row, col in cheap_inside.traceback(last))
    return Scribble(xy, side)


def tight_box(gt_mask: Bool[np.ndarray, "h w"], *, jitter: float = 0.0, rng: np.random.Generator | None = None) -> Box:
    """Draw the box around an object, as well as a person would.

    Args:
        gt_mask: the object.
        jitter: each side moves by up to this share of the box's extent, evenly drawn, in or out; below 0.5.
        rng: draws it; needed if `jitter` is above 0.

    Raises:
        InvalidPrompt: the object is empty, or `jitter` is not in [0, 0.5) or has no `rng`.
    """
    box = tight_box_of(gt_mask)
    if not 0 <= jitter < 0.5:
        raise InvalidPrompt(f"jitter must be in [0, 0.5), a share of the box's extent; got {jitter}")
    if jitter == 0:
        return box
    if rng is None:
        raise InvalidPrompt(f"jitter {jitter} needs an rng; pass np.random.default_rng(seed)")
    height, width = gt_mask.shape
    extent = np.array([box.x1 - box.x0, box.y1 - box.y0] * 2)
    corners = np.array([box.x0, box.y0, box.x1, box.y1]) + rng.uniform(-jitter, jitter, 4) * extent
    x0, y0, x1, y1 = np.clip(corners, 0.0, [width, height, width, height]).tolist()
    return Box(x0, y0, x1, y1)


def simulate_object(
    predictor: Predictor,
    state: ImageState,
    gt_mask: Bool[np.ndarray, "h w"],
    *,
    prompts: PromptKind,
    target_dice: float = TARGET_DICE,
    max_clicks: int = 10,
    jitter: float = 0.05,
    rng: np.random.Generator,
) -> SimulatedObject:
    """Label one object the way an annotator would.

    Args:
        predictor: turns prompts into masks.
        state: its encoding of the image.
        gt_mask: the object, at the image's size, not empty.
        prompts: "box" draws a box and accepts what comes; "click" clicks and corrects; "box+click" draws a box and
            corrects; "exact" outlines by hand.
        target_dice: corrections stop once the mask is this good; 0 takes what the first prompt gives.
        max_clicks: or after so many clicks in all.
        jitter: of the box, see `tight_box`.
        rng: draws the jitter.

    Returns:
        The best mask seen: a click that made it worse is undone, yet counted.

    Raises:
        InvalidPrompt: the object is empty or of another size than the image, or an option is unknown.
    """
    if prompts not in ("box", "click", "box+click", "exact"):
        raise InvalidPrompt(f"unknown kind of prompts '{prompts}'; known: box, click, box+click, exact")
    if gt_mask.shape != state.image_size or not gt_mask.any():
        raise InvalidPrompt(
            f"the object has shape {gt_mask.shape} and {int(gt_mask.sum())} pixels; it must not be empty and have the "
            f"image's size {state.image_size}"
        )
    if prompts == "exact":
        return SimulatedObject(mask=gt_mask.copy(), n_clicks=0, n_boxes=0, dice=1.0)
    box = None if prompts == "click" else tight_box(gt_mask, jitter=jitter, rng=rng)
    dialogue = Dialogue(predictor, state, box=box)
    best, best_dice = np.zeros_like(gt_mask), -1.0
    if box is not None:
        best = dialogue.ask()
        best_dice = dice(best, gt_mask)
    while prompts != "box" and best_dice < target_dice and len(dialogue.points) < max_clicks:
        click = next_click(gt_mask, dialogue.mask, dialogue.points)
        if click is None:
            break
        mask = dialogue.ask(click)
        if (score := dice(mask, gt_mask)) > best_dice:
            best, best_dice = mask, score
    return SimulatedObject(
        mask=best, n_clicks=len(dialogue.points), n_boxes=int(box is not None), dice=max(best_dice, 0.0)
    )


class Dialogue:
    """Prompts on one object in order: every call carries all clicks and strokes, the box and the last logits."""

    def __init__(self, predictor: Predictor, state: ImageState, *, box: Box | None = None) -> None:
        self.points: tuple[Point, ...] = ()
        self.scribbles: tuple[Scribble, ...] = ()
        self.mask: Bool[np.ndarray, "h w"] = np.zeros(state.image_size, dtype=bool)
        """The last answer, empty before the first."""
        self._predictor = predictor
        self._state = state
        self._box = box
        self._logits: Float[np.ndarray, "lh lw"] | None = None

    def ask(self, mark: Point | Scribble | None = None) -> Bool[np.ndarray, "h w"]:
        """Add a click or a stroke, if there is one, and return the new mask."""
        if isinstance(mark, Point):
            self.points = (*self.points, mark)
        elif mark is not None:
            self.scribbles = (*self.scribbles, mark)
        prompt = Prompt(points=self.points, scribbles=self.scribbles, box=self._box, low_res_logits=self._logits)
        prediction = self._predictor.predict(self._state, prompt)
        self._logits = prediction.low_res_logits[prediction.chosen]
        self.mask = prediction.mask
        return self.mask


def _deeper_error(
    gt_mask: Bool[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"], clicked: Sequence[Point]
) -> tuple[Float[np.ndarray, "h w"], int]:
    """Return the depth of the missed or the superfluous region, whichever is deeper, and 1 for missed or else 0."""
    missed, superfluous = _depth(gt_mask & ~mask), _depth(~gt_mask & mask)
    for point in clicked:
        missed[pixel_of(point)] = superfluous[pixel_of(point)] = 0.0
    is_missed = bool(missed.max() > superfluous.max())
    return (missed if is_missed else superfluous), int(is_missed)


def _farthest(distances: Float[np.ndarray, "h w"]) -> tuple[int, int]:
    """Return [row, col] of the largest distance that is finite; the first of equals."""
    row, col = np.unravel_index(int(np.where(np.isfinite(distances), distances, -1.0).argmax()), distances.shape)
    return int(row), int(col)


def _depth(region: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Return each pixel's distance to the outside of a region; outside the image is outside.

    Only the rectangle around the region is transformed: its rim is nearer than anything beyond, so the result is exact.
    """
    depth = np.zeros(region.shape)
    rows, cols = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if rows.size:
        part = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        depth[part] = distance_transform_edt(np.pad(region[part], 1))[1:-1, 1:-1]
    return depth
