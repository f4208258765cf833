"""Reading embeddings block by block."""

import numpy as np
import pytest

from alcore.strategies import blocks as module
from alcore.strategies.blocks import as_float32, blocks, mean_row, products, squared_norms, unit_scale


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 15, 16, 17, 33])
def test_blocks_give_every_row_once_and_in_order(monkeypatch, dtype, n):
    monkeypatch.setattr(module, "BLOCK_ROWS", 16)
    rng = np.random.default_rng(n)
    embeddings, vectors = rng.normal(size=(n, 5)).astype(dtype), rng.normal(size=(3, 5))
    seen = np.concatenate([block for _, block in blocks(embeddings)])
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen, embeddings.astype(np.float32))
    np.testing.assert_allclose(
        products(embeddings, vectors), embeddings.astype(float) @ vectors.T, rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(squared_norms(embeddings), (embeddings.astype(float) ** 2).sum(1), rtol=1e-4)


def test_some_rows_come_in_the_order_asked_for(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", 4)
    embeddings, rows = np.arange(20.0).reshape(10, 2), np.array([7, 1, 1, 9, 0], dtype=np.int64)
    out = np.empty((5, 2), np.float32)
    for place, block in blocks(embeddings, rows):
        out[place] = block
    np.testing.assert_array_equal(out, embeddings[rows])


def test_every_finite_half_is_widened_exactly():
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(-1, 4)
    np.testing.assert_array_equal(as_float32(halves), halves.astype(np.float32))
    assert np.signbit(as_float32(np.full((1, 1), -0.0, np.float16))).all()
    np.testing.assert_array_equal(as_float32(halves[::3, 1:]), halves[::3, 1:].astype(np.float32))


def test_unit_rows_have_length_one_and_zero_rows_stay_zero():
    embeddings = np.asarray([[3, 4], [0, 0], [1e-3, 0]], dtype=np.float32)
    scale = unit_scale(embeddings)
    np.testing.assert_allclose(products(embeddings, np.eye(2), scale=scale), [[0.6, 0.8], [0, 0], [1, 0]], rtol=1e-6)
    kept = np.asarray([True, True, False])
    np.testing.assert_allclose(mean_row(embeddings, kept, scale=scale), [0.3, 0.4], rtol=1e-6)
