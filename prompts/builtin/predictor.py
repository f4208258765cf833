"""The built-in model behind the `Predictor` face: checks prompts, chooses where to look and which mask to offer.

Importing this file does not import torch; the weights are read and the network is built when they are first needed.
"""

import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from prompts.builtin import frames
from prompts.builtin.answers import candidates, favour_ellipse, honour_clicks, never_empty
from prompts.builtin.clicks import clicks_in, foreground_xy, known_extent
from prompts.builtin.frames import View
from prompts.builtin.judging import choose
from prompts.builtin.weights import adapted_id, read_weights, weights_id
from prompts.errors import StateMismatch
from prompts.geometry import points_to_arrays, validate_image, validate_prompt
from prompts.predictor import wants_candidates
from prompts.types import ImageState, MaskPrediction, Prompt

if TYPE_CHECKING:
    from prompts.builtin.encoded import EncodedImage
    from prompts.builtin.engine import Engine
    from prompts.builtin.judging import Judge
    from prompts.builtin.trainee import BuiltinTrainee

WEIGHTS = Path(__file__).with_name("weights.safetensors")
CLOSER_TRUST = 0.1
"""A judged closer look is believed where it expects an IoU at most so far below that of the look before."""


class BuiltinPredictor:
    """The small promptable model that ships with the package. Needs no download and no GPU."""

    def __init__(self, weights: Path = WEIGHTS, *, adaptation: Path | None = None) -> None:
        """Name the files; nothing is read before it is needed.

        Args:
            weights: a safetensors file written by `prompts.builtin.training`.
            adaptation: another decoder for it, written by `prompts.adaptation`.
        """
        self._path, self._adaptation = weights, adaptation
        self._lock = threading.Lock()

    @cached_property
    def _weights(self) -> bytes:
        return read_weights(self._path)

    @cached_property
    def model_id(self) -> str:
        """`builtin-` and the first 12 hex digits of the weights' sha256, `+` and those of an adaptation's.

        Raises:
            CheckpointError: a file is missing.
        """
        if self._adaptation is None:
            return self.base_id
        return adapted_id(self.base_id, read_weights(self._adaptation))

    @cached_property
    def base_id(self) -> str:
        """See `prompts.adaptation.Adaptable`."""
        return weights_id(self._weights)

    @cached_property
    def _loaded(self) -> "Engine":
        from prompts.builtin.engine import Engine

        if self._adaptation is None:
            return Engine(self._weights, source=self._path)
        from prompts.adaptation import read_adaptation

        decoder = read_adaptation(self._adaptation, base_id=self.base_id)
        return Engine(self._weights, source=self._path, decoder=decoder)

    @property
    def _engine(self) -> "Engine":
        """The network, built once even when two threads ask at the same time."""
        with self._lock:
            return self._loaded

    def trainee(self) -> "BuiltinTrainee":
        """A trainable copy of the decoder, for `prompts.adaptation`."""
        from prompts.builtin.trainee import BuiltinTrainee

        return BuiltinTrainee(self._engine)

    def embed(self, image: Shaped[np.ndarray, "..."]) -> ImageState:
        """Encode one image at up to three scales.

        Args:
            image: (H, W, 3) uint8 RGB with the display window applied.

        Returns:
            A state that `predict` of this same model takes; 3 to 15 MB of features.

        Raises:
            InvalidPrompt: the array is not (H, W, 3) uint8, or is empty.
            CheckpointError: the weights file is missing, truncated or of another model.
        """
        validate_image(image)
        encoded = self._engine.encode(image)
        return ImageState(
            model_id=self.model_id,
            image_size=(image.shape[0], image.shape[1]),
            features=encoded,
            n_bytes=encoded.n_bytes,
        )

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        """Turn a prompt into masks at the image's own resolution.

        The network looks at the whole image first when it knows nothing of the object's size, and again more closely
        when the object turns out to be small.

        Args:
            state: what `embed` of this same model returned.
            prompt: at least one point, box or scribble, in continuous image pixels; logits (lh, lw) as they came back.
            multimask: three candidates or one; None leaves it to the rule: three for one click and nothing else.

        Returns:
            One or three masks with predicted IoU, and logits of shape `frames.feedback_shape(H, W)`; `chosen` is the
            model's single answer: on validation images it beat the candidate of highest predicted IoU.

        Raises:
            InvalidPrompt: no prompt at all, one outside the image, an empty box, logits of another size.
            StateMismatch: `state` belongs to another model.
        """
        if state.model_id != self.model_id:
            raise StateMismatch(
                f"the image was encoded by {state.model_id!r}, not by {self.model_id!r}; embed it again"
            )
        validate_prompt(prompt, state.image_size, logits_size=frames.feedback_shape(*state.image_size))
        is_first_click = wants_candidates(prompt)
        if multimask is None:
            multimask = is_first_click
        encoded: EncodedImage = state.features
        judge = self._engine.judge if is_first_click and prompt.points[0].label == 1 else None
        view, logits, iou = self._look(encoded, prompt, state.image_size, single=not multimask, judge=judge)
        offered = [0] if not multimask else [0, 1, 2] if judge else candidates(logits, iou)
        grid = frames.feedback_shape(*state.image_size)
        full = frames.paste(logits[offered], view, state.image_size, state.image_size)
        low_res = full if grid == state.image_size else frames.paste(logits[offered], view, state.image_size, grid)
        clicks = np.column_stack(points_to_arrays(prompt.points))
        masks = honour_clicks(full, clicks, sigma_px=0.5 / (view.scale * frames.CELLS_PER_PX)) > 0
        return MaskPrediction(masks=masks, predicted_iou=iou[offered], low_res_logits=low_res, chosen=0)

    def decode(self, state: ImageState, view: View, prompt: Prompt) -> tuple[np.ndarray, np.ndarray]:
        """Give all four outputs (4, 128, 128) for a prompt in one view, and the IoU that the network expects."""
        return self._decode(state.features, view, prompt, state.image_size, single=False)

    def _look(
        self,
        encoded: "EncodedImage",
        prompt: Prompt,
        image_size: tuple[int, int],
        *,
        single: bool,
        judge: "Judge | None",
    ) -> tuple[View, np.ndarray, np.ndarray]:
        """Decode in the view that the prompt calls for, or, with clicks and strokes alone, that a first look does."""
        extent = known_extent(prompt, image_size)
        if extent is not None:
            view = frames.view_of(extent, *image_size, encoded.scales)
            return view, *self._decode(encoded, view, prompt, image_size, single=single)
        view = frames.whole_view(encoded.scales)
        logits, iou = self._judged(encoded, view, prompt, image_size, single=single, judge=judge)
        mask = frames.paste(logits[:1], view, image_size, frames.coarse_shape(*image_size))[0] > 0
        extent = frames.extent_of(mask, foreground_xy(prompt, image_size), image_size)
        if extent is None:
            return view, logits, iou
        closer = frames.view_of(extent, *image_size, encoded.scales)
        if closer.level == 0:
            return view, logits, iou
        close_logits, close_iou = self._judged(encoded, closer, prompt, image_size, single=single, judge=judge)
        is_doubtful = judge is not None and close_iou[0] + CLOSER_TRUST < iou[0]
        if is_doubtful or frames.touches_border(close_logits[0], closer, image_size):
            return view, logits, iou
        return closer, close_logits, close_iou

    def _judged(
        self,
        encoded: "EncodedImage",
        view: View,
        prompt: Prompt,
        image_size: tuple[int, int],
        *,
        single: bool,
        judge: "Judge | None",
    ) -> tuple[np.ndarray, np.ndarray]:
        """Decode in one view; where there is a judge, three masks are chosen from all outputs, the best first."""
        if judge is None:
            return self._decode(encoded, view, prompt, image_size, single=single)
        logits, iou = self._decode(encoded, view, prompt, image_size, single=False)
        return choose(judge, logits, iou, encoded.colours(view), view, prompt.points[0])

    def _decode(
        self, encoded: "EncodedImage", view: View, prompt: Prompt, image_size: tuple[int, int], *, single: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Decode in one view: the single answer, then, where wanted, the network's three candidates."""
        box = np.zeros(4, np.float32)
        if prompt.box is not None:
            b = prompt.box
            box = np.array([b.x0, b.y0, b.x1, b.y1], np.float32) * view.scale - np.array([view.x0, view.y0] * 2)
        last = np.zeros((frames.LOGITS_PX, frames.LOGITS_PX), np.float32)
        if prompt.low_res_logits is not None:
            last = frames.cut(prompt.low_res_logits, view, image_size)
        clicks = clicks_in(view, prompt)
        logits, iou = self._engine.decode(encoded, view, clicks, box, last, single=single)
        is_box_alone = prompt.low_res_logits is None and not prompt.points and not prompt.scribbles
        if is_box_alone:
            logits = favour_ellipse(logits, box * frames.CELLS_PER_PX)
        logits[0] = never_empty(logits[0])
        return logits, iou
