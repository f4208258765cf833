"""Predictors that need no weights: they see the true objects and spoil them in a known way."""

import threading

import numpy as np
from scipy import ndimage

from prompts.geometry import box_mask, pixel_of
from prompts.types import ImageState, MaskPrediction, Prompt


def disc(size: tuple[int, int], row: float, col: float, radius: float) -> np.ndarray:
    rows, cols = np.mgrid[: size[0], : size[1]]
    return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2


class ErodingPredictor:
    """Knows the one object of each image (its red channel); returns it eroded, by less with every click.

    n clicks leave max(0, start - n) pixels to erode; a box alone erodes `boxed`. Counts its calls.
    """

    model_id = "eroding-1"

    def __init__(self, *, start: int = 4, boxed: int = 1) -> None:
        self.start, self.boxed = start, boxed
        self.prompts: list[Prompt] = []
        self.n_embeds = 0
        self._lock = threading.Lock()

    def embed(self, image: np.ndarray) -> ImageState:
        with self._lock:
            self.n_embeds += 1
        target = image[..., 0] > 127
        return ImageState(model_id=self.model_id, image_size=target.shape, features=target, n_bytes=target.nbytes)

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        self.prompts.append(prompt)
        n = max(0, self.start - len(prompt.points)) if prompt.points else self.boxed
        mask = ndimage.binary_erosion(state.features, iterations=n) if n else state.features.copy()
        logits = np.where(mask, 5.0, -5.0).astype(np.float32) + np.float32(len(prompt.points) / 100)
        return MaskPrediction(masks=mask[None], predicted_iou=np.array([0.8], np.float32), low_res_logits=logits[None])


class BoxPredictor:
    """Its mask is the box, or the pixel of the first click. Counts the images that it encodes."""

    model_id = "box-1"

    def __init__(self) -> None:
        self.n_embeds = 0

    def embed(self, image: np.ndarray) -> ImageState:
        self.n_embeds += 1
        return ImageState(model_id=self.model_id, image_size=image.shape[:2], features=None)

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        mask = np.zeros(state.image_size, bool)
        if prompt.box is None:
            mask[pixel_of(prompt.points[0])] = True
        else:
            mask = box_mask(prompt.box, state.image_size)
        logits = np.where(mask, 2.0, -2.0).astype(np.float32)
        return MaskPrediction(masks=mask[None], predicted_iou=np.array([0.5], np.float32), low_res_logits=logits[None])
