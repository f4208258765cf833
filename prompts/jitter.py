"""How much a mask hangs on where exactly its prompt was placed: the same prompt, given again by an unsteady hand."""

import numpy as np
from jaxtyping import Bool, Float

from prompts.errors import InvalidPrompt
from prompts.geometry import tight_box_of
from prompts.overlap import dice
from prompts.predictor import Predictor
from prompts.types import Box, ImageState, Point, Prompt, Scribble

N_JITTERS = 8
JITTER_SHARE = 0.05
"""How far a hand strays, as a share of the object's extent: box sides, clicks and strokes alike."""


def jittered_prompts(
    prompt: Prompt, extent: Box, image_size: tuple[int, int], *, n: int = N_JITTERS, rng: np.random.Generator
) -> list[Prompt]:
    """Give a prompt again, each time a little beside.

    Args:
        prompt: clicks, box and strokes; fed-back logits are left out, for they would answer in the prompt's place.
        extent: the object's, such as the box around its mask; it scales how far clicks and strokes move.
        image_size: (H, W); nothing moves out of it.
        n: how many, at least 1.
        rng: draws the moves, evenly, within `JITTER_SHARE` of the extent: each side of the box and each click by its
            own, a stroke as a whole.

    Raises:
        InvalidPrompt: `n` is below 1.
    """
    if n < 1:
        raise InvalidPrompt(f"n must be at least 1 jittered prompt; got {n}")
    return [_moved(prompt, extent, image_size, rng) for _ in range(n)]


def jittered_masks(
    predictor: Predictor,
    state: ImageState,
    prompt: Prompt,
    mask: Bool[np.ndarray, "h w"],
    *,
    n: int = N_JITTERS,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "m h w"]:
    """Ask a model for the masks of `n` jittered prompts; the image is not encoded again.

    Args:
        predictor: the model that made `state`.
        state: the encoded image.
        prompt: what `mask` came of.
        mask: it sets the scale where it is not empty; else the image does.
        n: decoder passes, at least 1.
        rng: draws the moves.
    """
    height, width = state.image_size
    extent = tight_box_of(mask) if mask.any() else Box(0.0, 0.0, float(width), float(height))
    moved = jittered_prompts(prompt, extent, state.image_size, n=n, rng=rng)
    return np.stack([predictor.predict(state, one, multimask=False).mask for one in moved])


def jitter_dice(mask: Bool[np.ndarray, "h w"], jittered: Bool[np.ndarray, "m h w"]) -> float:
    """Return the mean Dice of a mask with those of its jittered prompts; 0 for an empty mask.

    Source: prompts jittered to see where SAM is sure, Deng et al. 2023, SAM-U (arXiv:2307.04973), who draw boxes and
    look at the entropy of the masks' mean; Dice with the mask that is judged is ours. O(m·h·w).
    """
    return float(np.mean([dice(mask, other) for other in jittered])) if mask.any() else 0.0


def disagreement(jittered: Bool[np.ndarray, "m h w"]) -> Float[np.ndarray, "h w"]:
    """Return for each pixel the share of masks that are in the minority there: 0 where all agree, at most 0.5."""
    share = jittered.mean(axis=0)
    return np.minimum(share, 1 - share)


def _moved(prompt: Prompt, extent: Box, image_size: tuple[int, int], rng: np.random.Generator) -> Prompt:
    """One jittered prompt."""
    height, width = image_size
    reach = JITTER_SHARE * np.array([extent.x1 - extent.x0, extent.y1 - extent.y0])
    inside = np.nextafter([float(width), float(height)], 0.0)

    def stray(xy: tuple[float, float], shift: np.ndarray) -> tuple[float, float]:
        x, y = np.clip(np.asarray(xy) + shift, 0.0, inside).tolist()
        return x, y

    points = tuple(Point(*stray((p.x, p.y), rng.uniform(-reach, reach)), p.label) for p in prompt.points)
    scribbles = []
    for scribble in prompt.scribbles:
        shift = rng.uniform(-reach, reach)
        scribbles.append(Scribble(tuple(stray(xy, shift) for xy in scribble.xy), scribble.label))
    box = None if prompt.box is None else _moved_box(prompt.box, image_size, rng)
    return Prompt(points=points, box=box, scribbles=tuple(scribbles))


def _moved_box(box: Box, image_size: tuple[int, int], rng: np.random.Generator) -> Box:
    """A box with each side moved by its own; it keeps its middle, so it is never empty."""
    height, width = image_size
    reach = JITTER_SHARE * np.array([box.x1 - box.x0, box.y1 - box.y0] * 2)
    corners = np.array([box.x0, box.y0, box.x1, box.y1]) + rng.uniform(-reach, reach)
    x0, y0, x1, y1 = np.clip(corners, 0.0, [width, height, width, height]).tolist()
    return Box(x0, y0, x1, y1)
