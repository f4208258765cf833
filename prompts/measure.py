"""How well a promptable model serves the simulated annotator, on images whose objects are known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from prompts.errors import InvalidPrompt
from prompts.overlap import dice
from prompts.predictor import Predictor
from prompts.simulate import Dialogue, next_click, tight_box
from prompts.types import ImageState


@dataclass(frozen=True, kw_only=True)
class ClickScores:
    """How well a promptable model serves a simulated annotator; means over objects."""

    n_objects: int
    dice_box: float
    """With a tight box."""
    dice_1: float
    """After one click."""
    dice_3: float
    """After three."""
    clicks_to_90: float
    """Clicks until Dice 0.9; one that is not reached within the limit counts as limit + 1."""


def measure_clicks(
    predictor: Predictor,
    images: Iterable[tuple[UInt8[np.ndarray, "h w 3"], Sequence[Bool[np.ndarray, "h w"]]]],
    *,
    max_clicks: int = 10,
) -> ClickScores:
    """Prompt every object with a tight box, and again with clicks from scratch.

    Args:
        predictor: the model to measure.
        images: RGB images with their objects; empty masks are left out.
        max_clicks: clicks are given up to here.

    Raises:
        InvalidPrompt: no object at all.
    """
    box, one, three, needed = [], [], [], []
    for image, masks in images:
        state = predictor.embed(image)
        for mask in masks:
            if not mask.any():
                continue
            box.append(dice(Dialogue(predictor, state, box=tight_box(mask)).ask(), mask))
            curve = _click_curve(predictor, state, mask, max_clicks)
            one.append(curve[0])
            three.append(curve[min(2, len(curve) - 1)])
            needed.append(next((n for n, value in enumerate(curve, start=1) if value >= 0.9), max_clicks + 1))
    if not box:
        raise InvalidPrompt("there is no object to measure on; give images with masks that are not empty")
    means = (float(np.mean(values)) for values in (box, one, three, needed))
    dice_box, dice_1, dice_3, clicks_to_90 = means
    return ClickScores(n_objects=len(box), dice_box=dice_box, dice_1=dice_1, dice_3=dice_3, clicks_to_90=clicks_to_90)


def _click_curve(
    predictor: Predictor, state: ImageState, mask: Bool[np.ndarray, "h w"], max_clicks: int
) -> list[float]:
    """Dice after each click, until 0.9 is reached and three clicks are made, or no error is left."""
    dialogue, curve = Dialogue(predictor, state), list[float]()
    while len(curve) < max_clicks and (len(curve) < 3 or curve[-1] < 0.9):
        click = next_click(mask, dialogue.mask, dialogue.points)
        if click is None:
            break
        curve.append(dice(dialogue.ask(click), mask))
    return curve
