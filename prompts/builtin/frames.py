"""Where the network looks: levels of an image, square windows of them, and resampling of logits between frames.

All positions are continuous: pixel i spans [i, i + 1). A level shows the image at `scale` level pixels per image pixel.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

WINDOW_PX = 256
MASK_PX = 128
"""Cells a side of the logits that the network gives for a window."""
CELLS_PER_PX = MASK_PX / WINDOW_PX
LOGITS_PX = 128
"""Cells a side of prompt maps and of the last logits that are fed back."""
ALIGNMENT_PX = 32
"""Windows start at multiples of the deepest stride, so that their features can be cut out of the level's."""
FINE_LEVEL_ABOVE_PX = 160
FINEST_LEVEL_ABOVE_PX = 640
FEEDBACK_PX = 512
ROOM = 1.6
"""A window is at least this many times as wide as the object in it."""
OUTSIDE_LOGIT = -16.0

Extent = tuple[float, float, float, float]
"""x0, y0, x1, y1 in image pixels."""


@dataclass(frozen=True)
class View:
    """A square window: of level `level`, from (x0, y0) in that level's pixels."""

    level: int
    scale: float
    x0: int
    y0: int


def level_scales(height: int, width: int) -> tuple[float, ...]:
    """Choose the levels of an image: the whole in one window, then twice and four times as large for large images."""
    longest = max(height, width)
    n = 1 + (longest > FINE_LEVEL_ABOVE_PX) + (longest > FINEST_LEVEL_ABOVE_PX)
    return tuple(WINDOW_PX * 2**i / longest for i in range(n))


def canvas_shape(height: int, width: int, scale: float) -> tuple[int, int]:
    """Give the padded (height, width) of a level: whole strides, at least one window."""

    def padded(side: int) -> int:
        return max(WINDOW_PX, -(-max(1, round(side * scale)) // ALIGNMENT_PX) * ALIGNMENT_PX)

    return padded(height), padded(width)


def whole_view(scales: tuple[float, ...]) -> View:
    """Look at the whole image."""
    return View(0, scales[0], 0, 0)


def view_of(extent: Extent, height: int, width: int, scales: tuple[float, ...]) -> View:
    """Look at an extent as closely as the levels allow with room around it."""
    x0, y0, x1, y1 = extent
    side = max(x1 - x0, y1 - y0)
    fitting = [i for i, scale in enumerate(scales) if side * scale * ROOM <= WINDOW_PX]
    level = max(fitting, default=0)
    scale = scales[level]
    canvas_h, canvas_w = canvas_shape(height, width, scale)

    def start(centre: float, canvas: int) -> int:
        wanted = round((centre * scale - WINDOW_PX / 2) / ALIGNMENT_PX) * ALIGNMENT_PX
        return int(np.clip(wanted, 0, canvas - WINDOW_PX))

    return View(level, scale, start((x0 + x1) / 2, canvas_w), start((y0 + y1) / 2, canvas_h))


def feedback_shape(height: int, width: int) -> tuple[int, int]:
    """Give the (height, width) of the logits that go out and come back: the image's own, or shrunk to `FEEDBACK_PX`."""
    scale = min(1.0, FEEDBACK_PX / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def coarse_shape(height: int, width: int) -> tuple[int, int]:
    """Give the (height, width) of a small grid over the image, enough to bound an object by."""
    scale = min(1.0, LOGITS_PX / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resample(
    values: Float[np.ndarray, "m h w"], ys: Float[np.ndarray, " oh"], xs: Float[np.ndarray, " ow"]
) -> Float[np.ndarray, "m oh ow"]:
    """Read maps at the crossings of continuous rows and columns, linearly between cell centres, edges repeated."""
    out = np.empty((len(values), len(ys), len(xs)), np.float32)
    for one, whole in zip(values, out, strict=True):  # one by one, as what is small enough stays in the cache
        # Columns first: the maps have fewer rows than what comes out, and rows are copied fast.
        between(between(one, xs, 1), ys, 0, out=whole)
    return out


def between(
    values: Float[np.ndarray, "h w"], positions: Float[np.ndarray, " n"], axis: int, out: np.ndarray | None = None
) -> Float[np.ndarray, "oh ow"]:
    """Read a map at continuous positions along one axis."""
    n = values.shape[axis]
    at = np.clip(positions - 0.5, 0, n - 1)
    low = at.astype(np.intp)
    weight = np.expand_dims((at - low).astype(np.float32), 1 - axis)
    steps = np.diff(values, axis=axis, append=values.take([-1], axis))
    change = steps.take(low, axis, mode="clip")
    change *= weight
    out = values.take(low, axis, out=out, mode="clip")  # "raise" would write to a buffer first
    out += change
    return out


def cells_to_window(n_cells: int, side: int, start: int, scale: float) -> Float[np.ndarray, " n"]:
    """Place the centres of n cells that span an image side into mask cells of a window."""
    centres = (np.arange(n_cells) + 0.5) * side / n_cells
    return (centres * scale - start) * CELLS_PER_PX


def paste(
    logits: Float[np.ndarray, "m 128 128"], view: View, image_size: tuple[int, int], shape: tuple[int, int]
) -> Float[np.ndarray, "m oh ow"]:
    """Resample a window's logits to a grid of `shape` that spans the image; surely background outside the window."""
    ys = cells_to_window(shape[0], image_size[0], view.y0, view.scale)
    xs = cells_to_window(shape[1], image_size[1], view.x0, view.scale)
    rows, cols = np.flatnonzero((ys >= 0) & (ys <= MASK_PX)), np.flatnonzero((xs >= 0) & (xs <= MASK_PX))
    if len(rows) == shape[0] and len(cols) == shape[1]:
        return resample(logits, ys, xs)
    out = np.full((len(logits), *shape), OUTSIDE_LOGIT, np.float32)
    if len(rows) and len(cols):
        out[:, rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] = resample(logits, ys[rows], xs[cols])
    return out


def cut(logits: Float[np.ndarray, "ih iw"], view: View, image_size: tuple[int, int]) -> Float[np.ndarray, "128 128"]:
    """Resample logits that span the image to the cells of a window; the inverse of `paste`, edges repeated outside."""
    cells = (np.arange(LOGITS_PX) + 0.5) * WINDOW_PX / LOGITS_PX
    ys = (cells + view.y0) / view.scale * logits.shape[0] / image_size[0]
    xs = (cells + view.x0) / view.scale * logits.shape[1] / image_size[1]
    return resample(logits[None], ys, xs)[0]


def cut_mask(mask: Bool[np.ndarray, "h w"], view: View) -> Float[np.ndarray, "128 128"]:
    """Cover a window's cells with a mask that spans the image: the covered share of each; nothing outside the image."""
    pixels = np.arange(WINDOW_PX) + 0.5
    rows, cols = ((pixels + start) / view.scale for start in (view.y0, view.x0))
    rows, cols = rows[rows < mask.shape[0]].astype(int), cols[cols < mask.shape[1]].astype(int)
    seen = np.zeros((WINDOW_PX, WINDOW_PX), np.float32)
    seen[: len(rows), : len(cols)] = mask[rows[:, None], cols]
    share = WINDOW_PX // MASK_PX
    return seen.reshape(MASK_PX, share, MASK_PX, share).mean(axis=(1, 3))


def extent_of(
    mask: Bool[np.ndarray, "mh mw"], points: list[tuple[float, float]], image_size: tuple[int, int]
) -> Extent | None:
    """Bound the points and those parts of a mask that hold one (all of it when none does), in image pixels."""
    height, width = image_size
    step_y, step_x = height / mask.shape[0], width / mask.shape[1]
    if mask.any() and points:
        components, _ = ndimage.label(mask)
        rows = [min(int(y / step_y), mask.shape[0] - 1) for _, y in points]
        cols = [min(int(x / step_x), mask.shape[1] - 1) for x, _ in points]
        hit = np.unique(components[rows, cols])
        hit = hit[hit > 0]
        if len(hit):
            mask = np.isin(components, hit)
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    corners = list(points)
    if len(ys):
        corners += [(xs[0] * step_x, ys[0] * step_y), ((xs[-1] + 1) * step_x, (ys[-1] + 1) * step_y)]
    if not corners:
        return None
    all_x, all_y = [float(x) for x, _ in corners], [float(y) for _, y in corners]
    return min(all_x), min(all_y), max(all_x), max(all_y)


def touches_border(logits: Float[np.ndarray, "128 128"], view: View, image_size: tuple[int, int]) -> bool:
    """Tell whether a mask runs out of its window where the image goes on."""
    mask = logits > 0
    end_y, end_x = (view.y0 + WINDOW_PX) / view.scale, (view.x0 + WINDOW_PX) / view.scale
    return bool(
        (view.y0 > 0 and mask[0].any())
        or (view.x0 > 0 and mask[:, 0].any())
        or (end_y < image_size[0] and mask[-1].any())
        or (end_x < image_size[1] and mask[:, -1].any())
    )
