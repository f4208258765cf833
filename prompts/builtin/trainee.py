"""The built-in model's decoder, as `prompts.adaptation` trains it."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor, nn

from prompts.adaptation import MIN_OBJECT_CELLS, Example, Sample
from prompts.builtin import frames
from prompts.builtin.encoded import EncodedImage
from prompts.builtin.engine import Engine
from prompts.builtin.frames import View
from prompts.builtin.model import prompt_maps
from prompts.builtin.training.prompting import SCRIBBLE_SHARE, Prompts
from prompts.geometry import tight_box_of

BOX_JITTER = 0.15


class BuiltinTrainee:
    """See `prompts.adaptation.Trainee`."""

    scribble_share = SCRIBBLE_SHARE

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._decoder = engine.copy_of_decoder()

    @property
    def module(self) -> nn.Module:
        """See `Trainee`."""
        return self._decoder

    def examples(self, sample: Sample, rng: np.random.Generator) -> list[Example]:
        """See `Trainee`: each object as a box would make the model look at it, and as a first click would."""
        encoded = self._engine.encode(sample.image)
        found = []
        for mask in sample.masks:
            for view in _views(encoded, mask, rng):
                target = frames.cut_mask(mask, view)
                if target.sum() >= MIN_OBJECT_CELLS:
                    # Cloned, so that they are no inference tensors and the rest of the level can be freed.
                    features = tuple(feature.clone() for feature in encoded.window(view))
                    found.append(Example(features=features, target=torch.from_numpy(target)))
        return found

    def decode(self, features: tuple[Tensor, ...], prompts: Prompts) -> tuple[Tensor, Tensor]:
        """See `Trainee`."""
        maps = prompt_maps(prompts.points, prompts.boxes, prompts.logits)
        f4, f8, f16, f32, unit, pixels = features
        with torch.autocast("cpu", self._engine.dtype, enabled=self._engine.dtype != torch.float32):
            logits, iou = self._decoder((f4, f8, f16, f32, unit, pixels), maps)
        return logits.float(), iou.float()


def _views(encoded: EncodedImage, mask: Bool[np.ndarray, "h w"], rng: np.random.Generator) -> Iterator[View]:
    """Where the model looks for an object: close by, and at the whole image."""
    box, (height, width) = tight_box_of(mask), mask.shape
    side = max(box.x1 - box.x0, box.y1 - box.y0)
    move = rng.uniform(-BOX_JITTER, BOX_JITTER, 4) * side
    x0, y0, x1, y1 = (np.array([box.x0, box.y0, box.x1, box.y1]) + move).tolist()
    close = frames.view_of((x0, y0, x1, y1), height, width, encoded.scales)
    yield close
    if close.level > 0:
        yield frames.whole_view(encoded.scales)
