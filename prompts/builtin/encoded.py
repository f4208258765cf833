"""An encoded image: small levels whole, the finest level window by window, when one is first looked at."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from prompts.builtin.frames import WINDOW_PX, View
from prompts.builtin.model import FEATURE_STRIDES, Features

MAX_WHOLE_LEVELS = 2
"""Levels up to twice the window's side are encoded at once; of the next, with its many windows, few are asked for."""
MAX_WINDOWS = 8
"""Windows of the finest level that are kept, the last used ones."""


class EncodedImage:
    """The levels of one image. Safe to share between threads; what it answers depends on the image alone."""

    def __init__(
        self, encode: Callable[[Tensor], Features], scales: tuple[float, ...], canvases: Sequence[Tensor]
    ) -> None:
        """Encode the small levels.

        Args:
            encode: the network's encoder, for (1, 4, h, w).
            scales: level pixels per image pixel, coarsest first.
            canvases: the pixels of each level, padded, with the validity channel.
        """
        self.scales = scales
        self.levels = tuple(encode(canvas) for canvas in canvases[:MAX_WHOLE_LEVELS])
        """The features of each level that is encoded whole."""
        self._encode, self._canvases = encode, tuple(canvases[MAX_WHOLE_LEVELS:])
        self._windows: OrderedDict[View, Features] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def n_bytes(self) -> int:
        """Memory that this takes at most."""
        whole = sum(_n_bytes(level) for level in self.levels)
        if not self._canvases:
            return whole
        one_window = _n_bytes(self.window(View(0, self.scales[0], 0, 0)))
        return whole + _n_bytes(self._canvases) + MAX_WINDOWS * one_window

    def colours(self, view: View) -> Float[np.ndarray, "3 128 128"]:
        """Give the standardised colours of a view, at half its resolution."""
        colours: np.ndarray = self.window(view)[5][0].float().numpy()
        return colours

    def window(self, view: View) -> Features:
        """Give the features of a view; of the finest level they are computed when first asked for, as in training."""
        if view.level < MAX_WHOLE_LEVELS:
            return _cut(self.levels[view.level], view)
        with self._lock:
            found = self._windows.get(view)
            if found is None:
                canvas = self._canvases[view.level - MAX_WHOLE_LEVELS]
                pixels = canvas[:, :, view.y0 : view.y0 + WINDOW_PX, view.x0 : view.x0 + WINDOW_PX]
                with torch.inference_mode():
                    found = self._encode(pixels.contiguous(memory_format=torch.channels_last))
                self._windows[view] = found
            self._windows.move_to_end(view)
            while len(self._windows) > MAX_WINDOWS:
                self._windows.popitem(last=False)
        return found


def _cut(level: Features, view: View) -> Features:
    """Cut a window's features out of those of its level."""
    f4, f8, f16, f32, unit, pixels = (
        features[:, :, view.y0 // stride :, view.x0 // stride :][:, :, : WINDOW_PX // stride, : WINDOW_PX // stride]
        for features, stride in zip(level, FEATURE_STRIDES, strict=True)
    )
    return f4, f8, f16, f32, unit, pixels


def _n_bytes(tensors: Sequence[Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors)
