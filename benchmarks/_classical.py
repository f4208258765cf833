"""Classical interactive tools behind the face of a promptable model, for comparison at the same prompts.

They work on a smaller image, as they would have to for an answer within a second. Markers of a click are discs.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from skimage.draw import ellipse
from skimage.segmentation import random_walker

from prompts.types import Box, ImageState, MaskPrediction, Prompt

CLICK_RADIUS_PX = 2
FOREGROUND, BACKGROUND = 1, 2
COLOUR_NOISE = 3.0


@dataclass(frozen=True)
class Small:
    """An image at the size at which a tool works, and the factor that led there."""

    pixels: np.ndarray
    scale: float

    @staticmethod
    def of(image: np.ndarray, longest_px: int) -> "Small":
        """Shrink an image, never enlarge it."""
        scale = min(1.0, longest_px / max(image.shape[:2]))
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        return Small(np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)), scale)


def marks(prompt: Prompt, small: Small, radius: float = CLICK_RADIUS_PX) -> np.ndarray:
    """Draw what a person has said: 1 at foreground clicks, 2 at background clicks, 2 outside the box, 0 elsewhere.

    Without a box, the image's own frame is taken for background: both tools need some.
    """
    height, width = small.pixels.shape[:2]
    rows, cols = np.mgrid[:height, :width] + 0.5
    out = np.zeros((height, width), np.uint8)
    if prompt.box is not None:
        b, s = prompt.box, small.scale
        out[(rows < b.y0 * s) | (rows > b.y1 * s) | (cols < b.x0 * s) | (cols > b.x1 * s)] = BACKGROUND
    else:
        out[[0, -1]] = out[:, [0, -1]] = BACKGROUND
    for point in prompt.points:
        near = (rows - point.y * small.scale) ** 2 + (cols - point.x * small.scale) ** 2 <= max(radius, 0.75) ** 2
        out[near] = FOREGROUND if point.label == 1 else BACKGROUND
    return out


def middle(box: Box, small: Small, share: float) -> tuple[slice, slice]:
    """Take the middle of a box, of `share` of its sides, at least a pixel, as rows and columns of the small image."""
    parts = []
    for low, high, n in ((box.y0, box.y1, small.pixels.shape[0]), (box.x0, box.x1, small.pixels.shape[1])):
        centre, half = (low + high) / 2 * small.scale, (high - low) * small.scale * share / 2
        start = min(max(int(centre - half), 0), n - 1)
        parts.append(slice(start, max(start + 1, min(int(np.ceil(centre + half)), n))))
    return parts[0], parts[1]


class _Tool:
    """Shared by the tools: embedding is shrinking, answers are enlarged."""

    model_id = "classical"
    longest_px = 256

    def embed(self, image: np.ndarray) -> ImageState:
        """Shrink the image."""
        return ImageState(model_id=self.model_id, image_size=image.shape[:2], features=Small.of(image, self.longest_px))

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        """Answer with one mask; the logits that come back are the answer at the small size."""
        answer = self.answer(state.features, prompt)
        height, width = state.image_size
        full = np.asarray(Image.fromarray(answer).resize((width, height), Image.Resampling.BILINEAR))
        return MaskPrediction(masks=(full > 0)[None], predicted_iou=np.ones(1, np.float32), low_res_logits=answer[None])

    def answer(self, small: Small, prompt: Prompt) -> np.ndarray:
        """Give a float32 map at the small size, positive in the object."""
        raise NotImplementedError


class RandomWalker(_Tool):
    """Grady 2006 as scikit-image has it; with a box, its middle (three tenths of each side) is foreground."""

    longest_px = 160

    def answer(self, small: Small, prompt: Prompt) -> np.ndarray:
        """Probability of reaching the foreground first, less one half."""
        seeds = marks(prompt, small)
        if prompt.box is not None and not (seeds == FOREGROUND).any():
            seeds[middle(prompt.box, small, 0.3)] = FOREGROUND
        if not (seeds == BACKGROUND).any():
            return np.ones(seeds.shape, np.float32)
        probability = random_walker(
            small.pixels / 255.0, seeds.astype(np.int32), mode="cg_j", channel_axis=-1, return_full_prob=True
        )
        return (probability[0] - 0.5).astype(np.float32)


class GrabCut(_Tool):
    """Rother et al. 2004 as OpenCV has it, from the box, from discs around clicks, and from its own last mask."""

    def answer(self, small: Small, prompt: Prompt) -> np.ndarray:
        """1 in the object, -1 elsewhere."""
        import cv2

        seeds = marks(prompt, small)
        if prompt.box is not None and prompt.low_res_logits is None:
            likely = seeds != BACKGROUND
        else:
            likely = marks(prompt, small, radius=max(seeds.shape) / 12) == FOREGROUND
        if prompt.low_res_logits is not None:
            likely |= prompt.low_res_logits > 0
        state = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        state[seeds == FOREGROUND], state[seeds == BACKGROUND] = cv2.GC_FGD, cv2.GC_BGD
        is_foreground = (state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD)
        if is_foreground.all() or not is_foreground.any():
            return np.where(is_foreground, 1, -1).astype(np.float32)
        # Grey images would give its colour model singular covariances; a little noise of each channel's own helps.
        noise = np.random.default_rng(0).normal(0, COLOUR_NOISE, small.pixels.shape)
        bgr = np.clip(small.pixels[..., ::-1] + noise, 0, 255).astype(np.uint8)
        cv2.setRNGSeed(0)
        cv2.grabCut(bgr, state, None, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
        return np.where((state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD), 1, -1).astype(np.float32)


class EllipseInBox(_Tool):
    """No look at the image at all: the ellipse that fills the box. What a box alone is worth."""

    def answer(self, small: Small, prompt: Prompt) -> np.ndarray:
        """1 in the ellipse, -1 elsewhere."""
        out = np.full(small.pixels.shape[:2], -1, np.float32)
        if prompt.box is not None:
            b, s = prompt.box, small.scale
            centre = (b.y0 + b.y1) / 2 * s - 0.5, (b.x0 + b.x1) / 2 * s - 0.5
            out[ellipse(*centre, (b.y1 - b.y0) / 2 * s + 0.1, (b.x1 - b.x0) / 2 * s + 0.1, shape=out.shape)] = 1
        return out
