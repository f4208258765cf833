"""Windows: worked cases, a slow reference and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.formats.window import apply_window, default_window, to_rgb, window_key
from alcore.types import MedicalImage, Window


def test_eight_bit_images_pass_through_unchanged():
    pixels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    window = default_window(pixels)
    assert window == Window(level=127.5, width=255.0)
    np.testing.assert_array_equal(apply_window(pixels, window), pixels)


def test_sixteen_bit_images_are_stretched_between_their_percentiles():
    pixels = np.arange(1000, 2000, dtype=np.uint16).reshape(20, 50)
    window = default_window(pixels)
    assert (window.level - window.width / 2, window.level + window.width / 2) == (1004, 1994)
    shown = apply_window(pixels, window)
    assert shown.min() == 0
    assert shown.max() == 255


def test_a_worked_window():
    pixels = np.array([[0, 100, 150, 200, 65535]], dtype=np.uint16)
    shown = apply_window(pixels, Window(level=150.0, width=100.0))
    assert shown.tolist() == [[0, 0, 128, 255, 255]]


def test_a_constant_image_gets_a_window_one_wide():
    window = default_window(np.full((3, 5), 700, dtype=np.uint16))
    assert window == Window(level=700.0, width=1.0)


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5), st.integers(0, 2**32 - 1))
def test_windows_keep_order_and_match_the_plain_formula(level, width, seed):
    pixels = np.sort(np.random.default_rng(seed).integers(0, 65536, size=(4, 7)).astype(np.uint16), axis=None)
    shown = apply_window(pixels.reshape(4, 7), Window(level=level, width=width)).ravel()
    assert (np.diff(shown.astype(int)) >= 0).all()
    for value, seen in zip(pixels.tolist(), shown.tolist(), strict=True):
        exact = min(max(255 * (value - (level - width / 2)) / width, 0), 255)
        assert abs(seen - exact) <= 0.5 + 1e-6


def test_grey_is_repeated_and_a_given_window_wins():
    pixels = np.array([[0, 1000], [2000, 3000]], dtype=np.uint16)
    image = MedicalImage(pixels=pixels, window=Window(level=1500.0, width=3000.0))
    assert to_rgb(image)[..., 0].tolist() == [[0, 85], [170, 255]]
    assert to_rgb(image, Window(level=500.0, width=1000.0))[0, 1].tolist() == [255, 255, 255]
    colour = MedicalImage(pixels=np.zeros((2, 3, 3), np.uint8), window=Window(level=127.5, width=255.0))
    assert to_rgb(colour).shape == (2, 3, 3)


def test_equal_windows_have_equal_keys_and_others_have_not():
    assert window_key(Window(level=40.0, width=400.0)) == window_key(Window(level=40.0, width=400.0)) == "40_400"
    assert window_key(Window(level=40.5, width=400.0)) != window_key(Window(level=40.0, width=400.0))


def test_other_types_and_shapes_are_refused():
    with pytest.raises(InvalidInput, match="uint8 or uint16; got float32"):
        default_window(np.zeros((2, 2), np.float32))
    with pytest.raises(InvalidInput, match="not empty"):
        default_window(np.zeros((0, 2), np.uint8))
    with pytest.raises(InvalidInput, match="width > 0"):
        Window(level=0.0, width=0.0)
    with pytest.raises(InvalidInput, match="finite"):
        Window(level=float("nan"), width=1.0)
