"""The only place where xy meets row and column, where images are fitted to a model's frame, and prompts are checked.

Elsewhere all is in continuous image pixels: pixel i spans [i, i + 1), its centre is i + 0.5, boxes end exclusively.
SAM's prompt encoder adds 0.5 to what it gets, so `to_sam` of a frame takes 0.5 off in the model's frame.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8

from prompts.errors import InvalidPrompt
from prompts.types import Box, Point, Prompt, Scribble

MAX_POINTS_ALONG = 10_000
"""Bounds the work on one stroke, however long it is."""


def validate_image(image: Shaped[np.ndarray, "..."]) -> None:
    """Raise `InvalidPrompt` unless `image` is a non-empty (H, W, 3) uint8 array."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InvalidPrompt(
            f"an image to embed must be (H, W, 3) uint8 RGB with at least one pixel; got shape {image.shape} and type "
            f"{image.dtype}; apply the display window and repeat grey images three times"
        )


def validate_prompt(prompt: Prompt, image_size: tuple[int, int], *, logits_size: tuple[int, int] | None = None) -> None:
    """Check a prompt against the image that it is for.

    Args:
        prompt: at least one point, box or scribble; fed-back logits alone do not say which object is meant.
        image_size: (H, W); points and the vertices of scribbles lie in 0 <= x < W, 0 <= y < H, boxes in
            0 <= x0 < x1 <= W, 0 <= y0 < y1 <= H.
        logits_size: (h, w) of the low-resolution logits that the model takes; None leaves their size unchecked.

    Raises:
        InvalidPrompt: says what came, what is allowed and what to do.
    """
    if not prompt.points and not prompt.scribbles and prompt.box is None:
        raise InvalidPrompt("the prompt has neither a point nor a box nor a scribble; give at least one of them")
    for number, point in enumerate(prompt.points, start=1):
        _check_label(f"point {number}", point.label)
        _check_inside(f"point {number}", point.x, point.y, image_size)
    for number, scribble in enumerate(prompt.scribbles, start=1):
        _check_scribble(scribble, number, image_size)
    if prompt.box is not None:
        _check_box(prompt.box, image_size)
    if prompt.low_res_logits is not None:
        _check_logits(prompt.low_res_logits, logits_size)


def _check_scribble(scribble: Scribble, number: int, image_size: tuple[int, int]) -> None:
    """Check one stroke; `number` counts from 1 for the message."""
    if not scribble.xy:
        raise InvalidPrompt(f"scribble {number} has no vertex; give at least one (x, y), or leave the scribble out")
    _check_label(f"scribble {number}", scribble.label)
    for vertex, (x, y) in enumerate(scribble.xy, start=1):
        _check_inside(f"vertex {vertex} of scribble {number}", x, y, image_size)


def _check_label(what: str, label: int) -> None:
    """Check the side that a click or stroke stands for."""
    if label not in (0, 1):
        raise InvalidPrompt(f"{what} has label {label!r}; use 1 for foreground or 0 for background")


def _check_inside(what: str, x: float, y: float, image_size: tuple[int, int]) -> None:
    """Check a position."""
    height, width = image_size
    if not (0 <= x < width and 0 <= y < height):  # also False for NaN
        raise InvalidPrompt(
            f"{what} at (x, y) = ({x}, {y}) is outside the image, which is {width} wide and "
            f"{height} high; x must be in [0, {width}) and y in [0, {height}); clip it, or see if x and y are swapped"
        )


def _check_box(box: Box, image_size: tuple[int, int]) -> None:
    """Check that a box is not empty and lies in the image."""
    height, width = image_size
    corners = f"({box.x0}, {box.y0}, {box.x1}, {box.y1})"
    if not all(map(math.isfinite, (box.x0, box.y0, box.x1, box.y1))):
        raise InvalidPrompt(f"the box {corners} holds a value that is not finite; give four numbers x0, y0, x1, y1")
    if not (box.x0 < box.x1 and box.y0 < box.y1):
        raise InvalidPrompt(
            f"the box {corners} is empty; x0 < x1 and y0 < y1 must hold: give the upper left corner first"
        )
    if not (box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height):
        raise InvalidPrompt(
            f"the box {corners} reaches out of the image, which is {width} wide and {height} high; "
            f"clip it to (0, 0, {width}, {height}), or look whether x and y are swapped"
        )


def _check_logits(logits: Shaped[np.ndarray, "..."], logits_size: tuple[int, int] | None) -> None:
    """Check fed-back logits."""
    if logits.ndim != 2 or (logits_size is not None and logits.shape != logits_size):
        allowed = "(h, w)" if logits_size is None else str(tuple(logits_size))
        raise InvalidPrompt(
            f"low_res_logits have shape {logits.shape}; this model takes {allowed}: feed back one mask's "
            f"`low_res_logits[chosen]` of its own last prediction, or None"
        )
    if not np.isfinite(logits).all():
        raise InvalidPrompt(
            "low_res_logits hold NaN or infinity; feed back what the model returned, unchanged, or None"
        )


def pixel_of(point: Point) -> tuple[int, int]:
    """Return (row, col) of the pixel that holds a point."""
    return math.floor(point.y), math.floor(point.x)


def point_at(row: int, col: int, *, label: int = 1) -> Point:
    """Return the point at the centre of pixel (row, col)."""
    return Point(float(col) + 0.5, float(row) + 0.5, label)


def points_to_arrays(points: tuple[Point, ...]) -> tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, " n"]]:
    """Return `points_xy` float64 (n, 2) and `point_labels` int64 (n,)."""
    points_xy = np.array([(p.x, p.y) for p in points], dtype=np.float64).reshape(-1, 2)
    return points_xy, np.array([p.label for p in points], dtype=np.int64)


def points_along(
    scribble: Scribble, spacing_px: float, *, max_points: int = MAX_POINTS_ALONG
) -> Float[np.ndarray, "n 2"]:
    """Place points along a stroke, evenly by the length of its line, both ends among them.

    Args:
        scribble: a stroke of one vertex or more.
        spacing_px: wanted distance between neighbours along the line, in image pixels, above 0; the nearest one that
            divides the length is taken.
        max_points: the distance grows where more than so many would be needed; at least 2.

    Returns:
        `points_xy` float64 in the order of drawing: 2 to `max_points`, or the one place of a stroke without length.

    Raises:
        InvalidPrompt: no vertex, one that is not finite, or a spacing or number that is not allowed.
    """
    corners = np.array(scribble.xy, dtype=np.float64).reshape(-1, 2)
    if not len(corners) or not np.isfinite(corners).all() or not spacing_px > 0 or max_points < 2:
        raise InvalidPrompt(
            f"points along a stroke need one finite vertex or more, a spacing above 0 and room for 2 points; got "
            f"{len(corners)} vertices, spacing {spacing_px} and max_points {max_points}; skip empty strokes"
        )
    passed = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    if passed[-1] == 0:
        return corners[:1]
    n_points = 1 + int(np.clip(np.rint(passed[-1] / spacing_px), 1, max_points - 1))
    places = np.linspace(0.0, passed[-1], n_points)
    points_xy = np.stack([np.interp(places, passed, corners[:, 0]), np.interp(places, passed, corners[:, 1])], axis=1)
    points_xy[0], points_xy[-1] = corners[0], corners[-1]
    # Rounding must not push a point of a line along the border out of the image.
    return np.clip(points_xy, corners.min(axis=0), corners.max(axis=0))


def pixels_along(scribble: Scribble) -> Int[np.ndarray, "n 2"]:
    """Return [row, col] of the distinct pixels under a stroke, which is looked at every half pixel."""
    points_xy = points_along(scribble, 0.5)
    return np.unique(np.floor(points_xy[:, ::-1]).astype(np.int64), axis=0)


def tight_box_of(mask: Bool[np.ndarray, "h w"]) -> Box:
    """Return the smallest box around the True pixels, exclusive at the far side.

    Raises:
        InvalidPrompt: no pixel is True.
    """
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        raise InvalidPrompt(f"a mask of shape {mask.shape} has no True pixel, so it has no box; skip empty masks")
    return Box(float(cols[0]), float(rows[0]), float(cols[-1] + 1), float(rows[-1] + 1))


def box_mask(box: Box, image_size: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """Return True at the pixels whose centre lies in the box."""
    height, width = image_size
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside: Bool[np.ndarray, "h w"] = ((y >= box.y0) & (y < box.y1))[:, None] & ((x >= box.x0) & (x < box.x1))[None, :]
    return inside


@dataclass(frozen=True, kw_only=True)
class Square:
    """How an image lies in a square model frame: stretched over all of it, as SAM 2 and its kin were trained."""

    image_size: tuple[int, int]
    """(H, W) of the image."""
    side_px: int
    """Side of the model's square input."""

    @property
    def input_size(self) -> tuple[int, int]:
        """(h, w) of the scaled image inside the square."""
        return self.side_px, self.side_px

    def fit_image(self, image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "fh fw 3"]:
        """Scale an image to `input_size`, bilinear with antialiasing, as SAM was trained; the caller pads."""
        from PIL import Image

        height, width = self.input_size
        return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))

    def to_model(self, points_xy: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Map continuous image pixels to continuous model pixels; x and y scale apart, as the sizes are rounded."""
        (height, width), (h, w) = self.image_size, self.input_size
        scaled: Float[np.ndarray, "n 2"] = points_xy * np.array([w / width, h / height])
        return scaled

    def to_image(self, points_xy: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Map continuous model pixels to continuous image pixels; the inverse of `to_model`."""
        (height, width), (h, w) = self.image_size, self.input_size
        scaled: Float[np.ndarray, "n 2"] = points_xy * np.array([width / w, height / h])
        return scaled

    def to_sam(self, points_xy: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Map continuous image pixels to the numbers that SAM's prompt encoder wants, which adds 0.5 to them itself."""
        return self.to_model(points_xy) - 0.5

    def box_to_sam(self, box: Box) -> Float[np.ndarray, "2 2"]:
        """Map a box to its two corners in SAM's frame, rows (x0, y0) and (x1, y1)."""
        return self.to_sam(np.array([[box.x0, box.y0], [box.x1, box.y1]], dtype=np.float64))


@dataclass(frozen=True, kw_only=True)
class LongestSide(Square):
    """How an image lies in a square model frame: its longer side scaled to fit, at the top left, padded elsewhere."""

    @property
    def input_size(self) -> tuple[int, int]:
        """(h, w) of the scaled image inside the square, rounded half up as SAM does, at least one pixel each."""
        height, width = self.image_size
        scale = self.side_px / max(height, width)
        return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))
