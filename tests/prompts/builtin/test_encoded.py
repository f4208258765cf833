"""Levels encoded whole, and windows of the finest level when they are looked at."""

import numpy as np
import pytest
import torch

from prompts.builtin.encoded import MAX_WINDOWS, EncodedImage
from prompts.builtin.frames import View
from prompts.builtin.predictor import BuiltinPredictor
from tests.prompts.builtin.test_predictor import disc, noisy_image


@pytest.fixture(scope="module")
def encoded() -> EncodedImage:
    features = BuiltinPredictor().embed(noisy_image(disc(700, 1000, 300, 400, 60))).features
    assert isinstance(features, EncodedImage)
    return features


def fine(x0: int, y0: int, encoded: EncodedImage) -> View:
    return View(2, encoded.scales[2], x0, y0)


def test_a_large_image_has_two_whole_levels_and_a_third_by_windows(encoded: EncodedImage) -> None:
    assert len(encoded.scales) == 3
    assert len(encoded.levels) == 2
    assert [f.shape[-1] for f in encoded.window(fine(64, 32, encoded))] == [64, 32, 16, 8, 32, 128]


def test_a_window_is_computed_once_and_answers_alike(encoded: EncodedImage) -> None:
    first = encoded.window(fine(96, 64, encoded))
    again = encoded.window(fine(96, 64, encoded))
    assert all(a is b for a, b in zip(first, again, strict=True))
    for x0 in range(0, 32 * (MAX_WINDOWS + 1), 32):
        encoded.window(fine(x0, 0, encoded))
    fresh = encoded.window(fine(96, 64, encoded))
    assert fresh[0] is not first[0]  # it had been dropped
    torch.testing.assert_close(fresh[0], first[0])


def test_no_more_memory_is_taken_than_announced(encoded: EncodedImage) -> None:
    announced = encoded.n_bytes
    for x0 in range(0, 640, 32):
        encoded.window(fine(x0, 64, encoded))
    kept = [*encoded.levels, *encoded._windows.values()]
    held = sum(f.untyped_storage().nbytes() for level in kept for f in level)
    held += sum(canvas.untyped_storage().nbytes() for canvas in encoded._canvases)
    assert held <= announced <= 1.05 * held
    assert encoded.n_bytes == announced


def test_looks_at_the_finest_level_give_small_objects_sharp_masks() -> None:
    from prompts.types import Box, Prompt

    truth = disc(700, 1000, 300, 400, 20)
    predictor = BuiltinPredictor()
    found = predictor.predict(predictor.embed(noisy_image(truth)), Prompt(box=Box(280.0, 380.0, 320.0, 420.0))).mask
    assert 2 * np.sum(found & truth) / (found.sum() + truth.sum()) > 0.85
