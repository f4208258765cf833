"""Windows: the rectangle of a crowded image that is annotated completely, while all outside it teaches nothing."""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from alcore.acquisition.pooling import check_scores, summed_area
from alcore.errors import InvalidInput

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 on whole pixels, the far side exclusive."""
MIN_SHARE = 1 / 8
"""Of each side: a smaller window shows too little around its objects to tell what they are."""
MAX_PLACES = 128
"""Columns, and rows, that a window is tried at; between them nothing much changes."""


def window_share(n_objects: int, n_wanted: int) -> float:
    """Return which share of each side of an image a window takes that shows about `n_wanted` of its objects.

    Args:
        n_objects: objects in the image, counted or guessed, at least 0.
        n_wanted: objects that a window is to show, at least 1.

    Returns:
        sqrt(n_wanted / n_objects), at least `MIN_SHARE`; 1.0 where the image shows no more than are wanted.

    Raises:
        InvalidInput: a number is out of range.

    Ours; it takes objects to be spread evenly, so a window over a cluster of them shows more.
    """
    if n_objects < 0 or n_wanted < 1:
        raise InvalidInput(f"need n_objects >= 0 and n_wanted >= 1; got {n_objects} and {n_wanted}")
    return 1.0 if n_objects <= n_wanted else max(MIN_SHARE, float(np.sqrt(n_wanted / n_objects)))


def place_window(
    size: tuple[int, int],
    share: float,
    *,
    rng: np.random.Generator,
    scores: Float[np.ndarray, "hs ws"] | None = None,
) -> Box:
    """Place a window of a share of each side in an image: at random, or where the mean score is highest.

    Args:
        size: height and width of the image in pixels.
        share: of each side, above 0 and at most 1; sides are rounded to whole pixels, at least 1.
        rng: draws the place, and which of equally good ones.
        scores: pixel scores of the whole image, higher = ask sooner, at any resolution, such as the head's own.

    Returns:
        The window in continuous image pixels.

    Raises:
        InvalidInput: a number is out of range, or a score is not finite.

    With scores the window is tried at up to `MAX_PLACES` evenly spaced rows and columns, its mean taken exactly by a
    summed-area table that is read between its entries (Crow 1984). O(hs·ws + places²).
    """
    if min(size) < 1 or not 0 < share <= 1:
        raise InvalidInput(f"need a size of at least 1 x 1 and 0 < share <= 1; got {size} and {share}")
    extent = [max(1, round(share * side)) for side in size]
    if scores is None:
        y0, x0 = (int(rng.integers(side - length + 1)) for side, length in zip(size, extent, strict=True))
    else:
        check_scores(scores)
        rows, columns = (_places(side, length) for side, length in zip(size, extent, strict=True))
        means = _means(scores, size, (rows, columns), (extent[0], extent[1]))
        best = np.argwhere(means >= means.max() - 1e-9 * (1 + np.abs(means).max()))
        row, column = best[rng.integers(len(best))]
        y0, x0 = int(rows[row]), int(columns[column])
    return x0, y0, x0 + extent[1], y0 + extent[0]


def check_window(window: tuple[int, ...], size: tuple[int, int]) -> Box:
    """Return a window that lies in an image of `size` (h, w).

    Raises:
        InvalidInput: it is empty or reaches outside.
    """
    height, width = size
    if len(window) == 4:
        x0, y0, x1, y1 = window
        if 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height:
            return x0, y0, x1, y1
    raise InvalidInput(
        f"a window is x0, y0, x1, y1 with 0 <= x0 < x1 <= {width} and 0 <= y0 < y1 <= {height}; got {list(window)}: "
        "move it into the image, or leave it out to label the whole image"
    )


def common_window(first: Box | None, second: Box | None) -> Box | None:
    """Return what two windows of one image share; None stands for the whole image.

    Raises:
        InvalidInput: they share nothing.
    """
    if first is None or second is None:
        return first or second
    x0, y0 = max(first[0], second[0]), max(first[1], second[1])
    x1, y1 = min(first[2], second[2]), min(first[3], second[3])
    if x0 >= x1 or y0 >= y1:
        raise InvalidInput(
            f"the windows {list(first)} and {list(second)} of one image share no pixel, so that its two answers cannot "
            "be compared: label a window that overlaps the other, or the whole image"
        )
    return x0, y0, x1, y1


def window_mask(window: Box, size: tuple[int, int], *, side: int | None = None) -> Bool[np.ndarray, "h w"]:
    """Mark a window's pixels in an image of `size` (h, w), or in the image squashed to a square.

    Args:
        window: inside the image.
        size: height and width of the image.
        side: of the square; a pixel of it is marked where its middle lies in the window, and one at least is. None
            keeps the image's own pixels.

    Raises:
        InvalidInput: the window is empty or reaches outside the image.
    """
    x0, y0, x1, y1 = check_window(window, size)
    marked = [
        _marked(near, far, length, length if side is None else side)
        for near, far, length in ((y0, y1, size[0]), (x0, x1, size[1]))
    ]
    return marked[0][:, None] & marked[1][None]


def _marked(near: int, far: int, length: int, side: int) -> Bool[np.ndarray, " side"]:
    """Which of `side` equal parts of an axis have their middle in it."""
    centres = (np.arange(side) + 0.5) * length / side
    found = (centres >= near) & (centres < far)
    if not found.any():
        found[int((near + far) / 2 / length * side)] = True
    return found


def _places(side: int, length: int) -> Int64[np.ndarray, " p"]:
    """Where a window may begin along one axis."""
    n = min(side - length + 1, MAX_PLACES)
    return np.unique(np.rint(np.linspace(0, side - length, n)).astype(np.int64))


def _means(
    scores: Float[np.ndarray, "hs ws"],
    size: tuple[int, int],
    places: tuple[Int64[np.ndarray, " p"], Int64[np.ndarray, " q"]],
    extent: tuple[int, int],
) -> Float64[np.ndarray, "p q"]:
    """Mean score of the window at each place."""
    table = summed_area(scores)
    for axis in (0, 1):  # far side less near side along one axis; then along the other, which comes first meanwhile
        scale = scores.shape[axis] / size[axis]
        ends = np.stack([places[axis], places[axis] + extent[axis]]) * scale
        whole = np.minimum(ends.astype(np.int64), scores.shape[axis] - 1)
        part = (ends - whole)[..., None]
        near, far = table[whole] * (1 - part) + table[whole + 1] * part
        table = ((far - near) / (extent[axis] * scale)).T
    return table
