"""Run-length code, boxes, components and bands, on non-square masks."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alcore.errors import InvalidInput
from alcore.masks import boundary_band, components, decode_rle, encode_rle, label_components, mask_box, rle_area


def test_runs_go_down_the_columns_and_begin_with_background():
    mask = np.array([[0, 1, 1], [0, 1, 0]], dtype=bool)
    assert encode_rle(mask) == {"size": [2, 3], "counts": [2, 3, 1]}
    assert encode_rle(~mask) == {"size": [2, 3], "counts": [0, 2, 3, 1]}
    assert encode_rle(np.ones((2, 3), bool)) == {"size": [2, 3], "counts": [0, 6]}
    assert encode_rle(np.zeros((2, 3), bool)) == {"size": [2, 3], "counts": [6]}


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 12))))
def test_every_mask_survives_the_round_trip(mask):
    rle = encode_rle(mask)
    decoded = decode_rle(rle)
    np.testing.assert_array_equal(decoded, mask)
    assert decoded.flags.c_contiguous
    assert rle_area(rle) == mask.sum()
    reference, run, last = [], 0, False
    for value in mask.T.ravel().tolist():
        if value != last:
            reference.append(run)
            run, last = 0, value
        run += 1
    assert rle["counts"] == [*reference, run]


@pytest.mark.parametrize(
    ("rle", "words"),
    [
        ({}, "must be"),
        ({"size": [2, 3], "counts": "abc"}, "uncompressed"),
        ({"size": [2, 3], "counts": [2, 3]}, "add up to 5; size 2 x 3 needs 6"),
        ({"size": [2, 3], "counts": [-1, 7]}, ">= 0"),
        ({"size": [2, 3], "counts": [6.0]}, "whole numbers"),
        ({"size": [2, 3], "counts": [True, 5]}, "whole numbers"),
        ({"size": [10**6, 10**6], "counts": [10**12]}, "100,000,000"),
        ({"size": [2, 3, 4], "counts": [24]}, "must be"),
        ({"size": [0, 3], "counts": []}, "pixels"),
    ],
)
def test_a_wrong_code_is_refused(rle, words):
    with pytest.raises(InvalidInput, match=words):
        decode_rle(rle)


def test_only_flat_bool_masks_are_encoded():
    with pytest.raises((InvalidInput, TypeError)):
        encode_rle(np.zeros((2, 3), np.uint8))


def test_the_box_is_tight_and_exclusive_at_the_far_side():
    mask = np.zeros((20, 30), bool)
    mask[4:9, 12:25] = True
    assert mask_box(mask) == (12, 4, 25, 9)
    assert mask_box(np.zeros((3, 4), bool)) is None


def test_components_come_largest_first_and_small_ones_are_left_out():
    mask = np.zeros((20, 30), bool)
    mask[1:3, 1:3] = True
    mask[3, 3] = True  # touches the first at a corner: 5 pixels
    mask[10:15, 20:28] = True  # 40 pixels
    mask[18, 5] = True
    found = components(mask, min_px=2)
    assert [int(part.sum()) for part in found] == [40, 5]
    assert found[0][12, 22]
    assert label_components(mask).max() == 3
    assert components(np.zeros((3, 4), bool)) == []
    np.testing.assert_array_equal(np.any(components(mask), axis=0), mask)


def test_the_band_lies_on_both_sides_of_the_boundary():
    mask = np.zeros((9, 14), bool)
    mask[:, 6:] = True
    band = boundary_band(mask, 2.0)
    assert band.any(axis=0).tolist() == [False] * 4 + [True] * 4 + [False] * 6
    assert not boundary_band(np.ones((3, 4), bool), 2.0).any()
    with pytest.raises(InvalidInput, match="> 0"):
        boundary_band(mask, 0.0)


def test_importing_masks_brings_numpy_and_jaxtyping_only():
    code = "import sys, alcore.masks; print(sorted({n.split('.')[0] for n in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("torch", "scipy", "skimage", "faiss", "PIL", "tifffile", "pydantic"):
        assert f"'{heavy}'" not in loaded
