"""A prompt as the network takes it: clicks in a window's pixels, strokes as clicks along them; and the object's extent.

The network knows no strokes. It was trained with clicks along them, about as far apart as a click's narrow map is wide.
"""

import numpy as np
from jaxtyping import Float

from prompts.builtin import frames
from prompts.builtin.frames import View
from prompts.geometry import points_along, points_to_arrays
from prompts.types import Prompt

STROKE_STEP_PX = 5.0
"""Distance of a stroke's clicks in window pixels, as in training."""
MAX_STROKE_CLICKS = 48
"""Clicks of one stroke in a window, as many as training puts on a whole object; a longer one has them farther apart."""
MAX_LOOKS = 256
"""Places on one stroke that are looked up in a mask."""


def clicks_in(view: View, prompt: Prompt) -> Float[np.ndarray, "p 3"]:
    """Return x, y in window pixels and label of each click and each stroke's clicks that lie in the window."""
    points_xy, labels = points_to_arrays(prompt.points)
    parts = [_in_window(points_xy, labels, view)]
    for scribble in prompt.scribbles:
        along = points_along(scribble, STROKE_STEP_PX / view.scale)
        clicks = _in_window(along, np.full(len(along), scribble.label), view)
        if len(clicks) > MAX_STROKE_CLICKS:
            clicks = clicks[np.linspace(0, len(clicks) - 1, MAX_STROKE_CLICKS).round().astype(int)]
        parts.append(clicks)
    return np.concatenate(parts)


def _in_window(points_xy: Float[np.ndarray, "n 2"], labels: np.ndarray, view: View) -> Float[np.ndarray, "p 3"]:
    """Bring points from image to window pixels and leave out those that the window does not show."""
    xy = points_xy * view.scale - np.array([view.x0, view.y0])
    seen = ((xy >= 0) & (xy < frames.WINDOW_PX)).all(axis=1)
    return np.column_stack([xy[seen], labels[seen]]).astype(np.float32)


def foreground_xy(prompt: Prompt, image_size: tuple[int, int]) -> list[tuple[float, float]]:
    """Return what surely lies in the object, in image pixels: foreground clicks, and strokes' vertices and between."""
    positive = [(point.x, point.y) for point in prompt.points if point.label == 1]
    for scribble in prompt.scribbles:
        if scribble.label == 1:
            along = points_along(scribble, max(image_size) / frames.LOGITS_PX, max_points=MAX_LOOKS)
            positive += [*scribble.xy, *map(tuple, along.tolist())]
    return positive


def known_extent(prompt: Prompt, image_size: tuple[int, int]) -> frames.Extent | None:
    """Bound the object by the box, or by the last mask and foreground clicks and strokes; None with those alone."""
    positive = foreground_xy(prompt, image_size)
    if prompt.box is not None:
        corners = [(prompt.box.x0, prompt.box.y0), (prompt.box.x1, prompt.box.y1), *positive]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return min(xs), min(ys), max(xs), max(ys)
    if prompt.low_res_logits is not None and (prompt.low_res_logits > 0).any():
        return frames.extent_of(prompt.low_res_logits > 0, positive, image_size)
    return None
