"""Lazy greedy and kernel coverage against plain loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.strategies import coverage as module
from alcore.strategies.blocks import unit_scale
from alcore.strategies.coverage import Coverage, closeness, cosine, draw_reference, gaussian, top_hat
from alcore.strategies.engine import has_cuda, multiply, torch_engine
from alcore.strategies.greedy import lazy_greedy, sweep
from alcore.strategies.quota import Quota
from alcore.types import PoolView

KERNELS = {
    "gaussian": (gaussian(0.8), lambda s, _: np.exp(-(2 - 2 * s) / 0.64), 0.0),
    "top_hat": (top_hat(1.1), lambda s, _: (np.sqrt(np.maximum(2 - 2 * s, 0)) <= 1.1) * 1.0, 0.0),
    "cosine": (cosine, lambda s, _: s, -1.0),
    "closeness": (closeness, lambda s, _: -np.sqrt(np.maximum(2 - 2 * s, 0)), -2.0),
}


def unit_rows(n, d=6, seed=0):
    points = np.random.default_rng(seed).normal(size=(n, d))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def plain_greedy(similarity, weights, floor, batch_size):
    """Recompute every gain after each pick."""
    best = np.full(similarity.shape[1], floor)
    rows, gains = [], []
    for _ in range(batch_size):
        gain = np.maximum(similarity - best, 0) @ weights / weights.sum()
        gain[rows] = -np.inf
        rows.append(int(gain.argmax()))
        gains.append(gain.max())
        best = np.maximum(best, similarity[rows[-1]])
    return rows, gains


def search(points, kernel, floor, batch_size, *, weights=None, engine=None):
    reference = np.arange(len(points))
    scale = unit_scale(points)
    cover = Coverage(points, reference, kernel, scale=scale, weights=weights, floor=floor, engine=engine)
    quota = Quota(PoolView(embeddings=points, labeled=np.zeros(len(points), bool)))
    bounds = sweep(cover.gains, quota.open)
    return lazy_greedy(bounds, cover.gains, cover.add, quota, batch_size=batch_size, rng=np.random.default_rng(0))


@pytest.mark.parametrize("kept", [0, 2000, 10**6])  # similarities made anew, a few kept, all kept
@pytest.mark.parametrize("name", KERNELS)
def test_lazy_greedy_is_plain_greedy(name, kept, monkeypatch):
    monkeypatch.setattr(module, "_KEPT_NUMBERS", kept)
    kernel, plainly, floor = KERNELS[name]
    points = unit_rows(300).astype(np.float32)
    weights = np.random.default_rng(1).uniform(0.1, 1, size=300)
    rows, gains = search(points * 3, kernel, floor, 40, weights=weights)
    similarity = plainly(points.astype(float) @ points.T.astype(float), None)
    expected, expected_gains = plain_greedy(similarity, weights, floor, 40)
    np.testing.assert_allclose(gains, expected_gains, rtol=1e-3, atol=1e-6)
    if name != "top_hat":  # balls that hold the same items tie
        assert rows.tolist() == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(sorted(KERNELS)))
def test_gains_shrink_from_pick_to_pick_and_sum_up_to_the_objective(seed, name):
    kernel, plainly, floor = KERNELS[name]
    points = unit_rows(25, d=3, seed=seed).astype(np.float32)
    rows, gains = search(points, kernel, floor, 10)
    assert (np.diff(gains) <= 1e-6).all()
    similarity = plainly(points.astype(float) @ points.T.astype(float), None)
    assert gains.sum() == pytest.approx(
        similarity[rows].max(axis=0).mean() - floor, abs=0.05 if name == "top_hat" else 1e-3
    )


def test_greedy_reaches_63_percent_of_the_best_of_all_batches():
    points = unit_rows(14, d=3, seed=4).astype(np.float32)
    similarity = np.exp(-(2 - 2 * points.astype(float) @ points.T.astype(float)) / 0.64)
    best = max(similarity[list(some)].max(axis=0).mean() for some in itertools.combinations(range(14), 3))
    rows, _ = search(points, gaussian(0.8), 0.0, 3)
    assert similarity[rows].max(axis=0).mean() >= (1 - 1 / np.e) * best


def test_few_gains_are_computed_again(monkeypatch):
    asked = []
    plain = Coverage.gains

    def counting(self, rows):
        asked.append(len(rows))
        return plain(self, rows)

    monkeypatch.setattr(Coverage, "gains", counting)
    search(unit_rows(2000, d=5).astype(np.float32), gaussian(0.5), 0.0, 50)
    assert sum(asked) < 0.3 * 2000 * 50


def test_a_float32_engine_of_torch_gives_the_picks_of_numpy():
    points = unit_rows(200).astype(np.float32)
    for name, (kernel, _, floor) in KERNELS.items():
        mine, _ = search(points, kernel, floor, 20)
        theirs, _ = search(points, kernel, floor, 20, engine=torch_engine("cpu"))
        if name != "top_hat":  # full of ties
            assert mine.tolist() == theirs.tolist()
    left, right = points, points[:70].T
    np.testing.assert_allclose(multiply(left, right), multiply(left, right, engine=torch_engine("cpu")), atol=1e-6)
    assert has_cuda() in (True, False)


def test_the_reference_is_all_or_a_draw_without_repeats():
    member = np.arange(100) % 2 == 0
    assert draw_reference(member, 50, np.random.default_rng(0)).tolist() == list(range(0, 100, 2))
    drawn = draw_reference(member, 20, np.random.default_rng(0))
    assert len(set(drawn.tolist())) == 20
    assert member[drawn].all()
    with pytest.raises(InvalidInput, match="n_reference must be >= 1; got 0"):
        draw_reference(member, 0, np.random.default_rng(0))


def test_a_sampled_objective_is_right_on_average():
    points = unit_rows(400).astype(np.float32)
    scale, rows = unit_scale(points), np.arange(5)
    true = Coverage(points, np.arange(400), gaussian(1.0), scale=scale).gains(rows)
    estimates = [
        Coverage(
            points, draw_reference(np.ones(400, bool), 60, np.random.default_rng(seed)), gaussian(1.0), scale=scale
        ).gains(rows)
        for seed in range(300)
    ]
    errors = np.std(estimates, axis=0) / np.sqrt(300)
    assert (np.abs(np.mean(estimates, axis=0) - true) < 4 * errors).all()


def test_a_ball_of_radius_nought_holds_its_centre_and_its_twins():
    points = np.repeat(unit_rows(20, d=300), 2, axis=0).astype(np.float32)
    cover = Coverage(points, np.arange(40), top_hat(0.0), scale=unit_scale(points))
    np.testing.assert_allclose(cover.gains(np.arange(40)), 2 / 40)
