"""The plane of a pool: worked by hand, against the singular value decomposition, and where it must not change."""

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.projection import principal_plane


def test_points_on_a_line_lie_along_the_first_axis() -> None:
    line = np.array([[0, 0, 0], [3, 4, 0], [6, 8, 0]], np.float32)
    plane, shares = principal_plane(line)
    assert plane == pytest.approx(np.array([[-5, 0], [0, 0], [5, 0]]), abs=1e-5)
    assert shares == pytest.approx((1, 0))


def test_coordinates_are_those_of_the_singular_value_decomposition() -> None:
    x = np.random.default_rng(0).normal(size=(300, 7)).astype(np.float32) * np.arange(1, 8, dtype=np.float32)
    plane, shares = principal_plane(x)
    centred = x - x.mean(axis=0)
    left, values, _ = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    assert np.abs(plane) == pytest.approx(np.abs(left[:, :2] * values[:2]), abs=1e-3)
    assert shares == pytest.approx(values[:2] ** 2 / (values**2).sum(), abs=1e-5)


def test_neither_order_nor_shift_nor_blocks_change_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 5)).astype(np.float32) * np.array([5, 3, 1, 1, 1], np.float32)
    plane, _ = principal_plane(x)
    order = rng.permutation(50)
    assert principal_plane(x[order])[0] == pytest.approx(plane[order], abs=1e-4)
    assert principal_plane(x + np.float32(2))[0] == pytest.approx(plane, abs=1e-4)
    monkeypatch.setattr("alcore.strategies.blocks.BLOCK_ROWS", 7)
    assert principal_plane(x)[0] == pytest.approx(plane, abs=1e-4)


def test_pools_without_spread_are_one_point() -> None:
    same = np.full((4, 6), 0.37, np.float16)
    plane, shares = principal_plane(same)
    assert not plane.any()
    assert shares == (0.0, 0.0)
    assert principal_plane(np.zeros((0, 3), np.float32))[0].shape == (0, 2)
    narrow, shares = principal_plane(np.array([[1.0], [3.0]], np.float32))
    assert narrow == pytest.approx(np.array([[-1, 0], [1, 0]]))
    assert shares == (1.0, 0.0)


def test_what_has_no_plane_is_refused() -> None:
    with pytest.raises(InvalidInput, match="finite"):
        principal_plane(np.array([[1.0, np.nan]], np.float32))
    with pytest.raises(InvalidInput, match="dimension"):
        principal_plane(np.zeros((3, 0), np.float32))
