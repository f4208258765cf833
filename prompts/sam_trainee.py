"""SAM's mask decoder, as `prompts.adaptation` trains it; works for every model that `prompts.sam.SamModel` serves."""

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float
from segment_anything.modeling import Sam
from torch import Tensor, nn
from torch.nn import functional as F

from prompts.adaptation import FRAME_PX, MIN_OBJECT_CELLS, Example, Sample
from prompts.builtin.training.prompting import Prompts
from prompts.geometry import LongestSide

if TYPE_CHECKING:
    from prompts.sam import SamModel


class SamTrainee:
    """See `prompts.adaptation.Trainee`. The frame is SAM's square, scaled to `FRAME_PX`."""

    scribble_share = 0.0

    def __init__(self, model: "SamModel", sam: Sam) -> None:
        self._model, self._sam = model, sam
        self._decoder = copy.deepcopy(sam.mask_decoder).float().requires_grad_(True)
        self._image_px = int(sam.image_encoder.img_size)
        self._mask_side = int(sam.prompt_encoder.mask_input_size[0])
        with torch.no_grad():
            self._position = sam.prompt_encoder.get_dense_pe().clone()

    @property
    def module(self) -> nn.Module:
        """See `Trainee`."""
        return self._decoder

    def examples(self, sample: Sample, rng: np.random.Generator) -> list[Example]:
        """See `Trainee`: SAM always sees the whole image, so its features are shared by all objects in it."""
        features: Tensor = self._model.embed(sample.image).features.clone()
        found = []
        for mask in sample.masks:
            target = self._cover(mask)
            if target.sum() >= MIN_OBJECT_CELLS:
                found.append(Example(features=(features,), target=torch.from_numpy(target)))
        return found

    def _cover(self, mask: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "t t"]:
        """Cover the cells of SAM's low resolution masks, by two samples a side in each."""
        height, width = mask.shape
        frame = LongestSide(image_size=(height, width), side_px=self._image_px)
        n = 2 * self._mask_side
        at = (np.arange(n) + 0.5) * self._image_px / n
        xy = frame.to_image(np.stack([at, at], axis=1))
        cols, rows = xy[xy[:, 0] < width, 0].astype(int), xy[xy[:, 1] < height, 1].astype(int)
        seen = np.zeros((n, n), np.float32)
        seen[: len(rows), : len(cols)] = mask[rows[:, None], cols]
        return seen.reshape(self._mask_side, 2, self._mask_side, 2).mean(axis=(1, 3))

    def decode(self, features: tuple[Tensor, ...], prompts: Prompts) -> tuple[Tensor, Tensor]:
        """See `Trainee`: one object at a time, as the package's decoder takes prompts on one image only."""
        answers = [self._decode_one(features[0][i : i + 1], prompts, i) for i in range(len(features[0]))]
        logits, iou = zip(*answers, strict=True)
        return torch.cat(logits).float(), torch.cat(iou).float()

    def _decode_one(self, features: Float[Tensor, "1 c g g"], prompts: Prompts, i: int) -> tuple[Tensor, Tensor]:
        """Answer one prompt with all four masks."""
        scale, n_points = self._image_px / FRAME_PX, int(prompts.n_points[i])
        points = prompts.points[i : i + 1, :n_points]
        clicks = (points[..., :2] * scale - 0.5, points[..., 2].long()) if n_points else None
        box = prompts.boxes[i : i + 1]
        last = prompts.logits[i : i + 1, None]
        with torch.no_grad():
            sparse, dense = self._sam.prompt_encoder(
                points=clicks,
                boxes=box * scale - 0.5 if bool(box.any()) else None,
                masks=F.interpolate(last, self._mask_side, mode="bilinear") if bool(last.any()) else None,
            )
        answer: tuple[Tensor, Tensor] = self._decoder.predict_masks(
            image_embeddings=features,
            image_pe=self._position,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
        )
        return answer
