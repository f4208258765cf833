"""Lazy farthest-first on pools large enough to be lazy on, in float16, with twins, by cosine."""

import dataclasses

import numpy as np
import pytest

from alcore.strategies import nearest as module
from alcore.strategies import select
from alcore.strategies.nearest import NearestCentre
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool


@pytest.fixture(autouse=True, params=[0, 2**22], ids=["lazy", "small"])
def small_pool(request, monkeypatch):
    """A pool of up to so many numbers is looked at whole each time; without that these pools are large enough."""
    monkeypatch.setattr(module, "_SMALL_POOL", request.param)
    return request.param


def clustered_pool(n, *, d=12, seed=0, n_labeled=5):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(20, d))[rng.integers(20, size=n)] + 0.3 * rng.normal(size=(n, d))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return make_pool(n=n, d=d, seed=seed, n_labeled=n_labeled, embeddings=points)


def plain_farthest_first(embeddings, labeled, batch_size):
    """All distances, in float64, after each pick."""
    points = embeddings.astype(np.float64)
    gaps = np.full(len(points), np.inf)
    for row in np.flatnonzero(labeled):
        gaps = np.minimum(gaps, np.linalg.norm(points - points[row], axis=1))
    rows = []
    for _ in range(batch_size):
        rows.append(int(np.where(labeled, -1, gaps).argmax()))
        gaps = np.minimum(gaps, np.linalg.norm(points - points[rows[-1]], axis=1))
    return rows


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])  # never lazy, as it is, always lazy
def test_lazy_picks_are_those_of_a_full_update_after_each_pick(monkeypatch, dtype, share):
    monkeypatch.setattr(module, "_MAX_LAZY_SHARE", share)
    pool = clustered_pool(3000)
    embeddings = pool.embeddings.astype(dtype)
    rows = select("k_center", dataclasses.replace(pool, embeddings=embeddings), 80, rng=np.random.default_rng(0)).rows
    assert rows.tolist() == plain_farthest_first(embeddings, pool.labeled, 80)


def test_most_rows_are_left_alone_where_clusters_are_tight_and_the_pool_large(monkeypatch, small_pool):
    looked_at = []
    plain = NearestCentre._lower

    def counting(self, place, block, centres, points):
        looked_at.append(len(block) * len(points))
        plain(self, place, block, centres, points)

    monkeypatch.setattr(NearestCentre, "_lower", counting)
    select("k_center", clustered_pool(20_000), 100, rng=np.random.default_rng(0))
    assert (sum(looked_at) < 0.5 * 20_000 * 100) == (small_pool == 0)


def test_bounds_never_fall_below_the_distance_and_exact_brings_them_down():
    pool = clustered_pool(2000)
    nearest = NearestCentre(pool.embeddings)
    centres = np.asarray([3, 700, 1999, 4], dtype=np.int64)
    points = pool.embeddings.astype(np.float64)
    for n_added in (1, 2, 3, 4):
        nearest.add(centres[n_added - 1 : n_added])
        nearest.farthest(~pool.labeled)
        true = np.min([((points - points[c]) ** 2).sum(1) for c in centres[:n_added]], axis=0)
        assert (nearest.bounds >= true - 1e-5).all()
    np.testing.assert_allclose(nearest.exact(), true, atol=1e-5)
    assert nearest.exact()[centres].tolist() == [0, 0, 0, 0]


def test_no_twin_is_taken_before_the_radius_is_zero():
    pool = clustered_pool(600, n_labeled=0)
    twins = PoolView(embeddings=np.repeat(pool.embeddings, 3, axis=0), labeled=np.zeros(1800, bool))
    rows = select("k_center", twins, 600, rng=np.random.default_rng(1)).rows
    assert len({row // 3 for row in rows.tolist()}) == 600


def test_a_mapped_float16_file_gives_nearly_the_picks_of_float32(tmp_path):
    pool = clustered_pool(4000)
    np.save(tmp_path / "e.npy", pool.embeddings.astype(np.float16))
    mapped = dataclasses.replace(pool, embeddings=np.load(tmp_path / "e.npy", mmap_mode="r"))
    for name in ("k_center", "k_center_cosine", "max_herding", "facility_location", "probcover"):
        half, full = (select(name, p, 30, rng=np.random.default_rng(0)).rows.tolist() for p in (mapped, pool))
        assert len(set(half) & set(full)) >= 24, name


def test_cosine_ignores_length_and_euclid_does_not():
    directions = np.asarray([[1, 0], [0, 1], [1, 0.1]], dtype=np.float32)
    lengths = np.asarray([1, 1, 50], dtype=np.float32)
    pool = PoolView(embeddings=directions * lengths[:, None], labeled=np.asarray([True, False, False]))
    assert select("k_center", pool, 1, rng=np.random.default_rng(0)).rows.tolist() == [2]
    result = select("k_center_cosine", pool, 2, rng=np.random.default_rng(0))
    assert result.rows.tolist() == [1, 2]
    assert result.reasons[0] == "farthest from all chosen: 1.00"


def test_cosine_follows_scikit_activeml_by_cosine_distance():
    from skactiveml import pool as sk

    pool = clustered_pool(500)
    stretched = pool.embeddings * np.random.default_rng(3).uniform(0.2, 5, size=(500, 1)).astype(np.float32)
    y = np.where(pool.labeled, 0.0, np.nan)
    expected, _ = sk.k_greedy_center(stretched, y, batch_size=40, random_state=0, metric="cosine")
    view = dataclasses.replace(pool, embeddings=stretched)
    assert select("k_center_cosine", view, 40, rng=np.random.default_rng(0)).rows.tolist() == expected.tolist()


def test_progress_is_told_after_each_pick_and_can_cancel():
    calls = []
    pool = clustered_pool(300)
    select("k_center", pool, 4, rng=np.random.default_rng(0), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    select("random", pool, 4, rng=np.random.default_rng(0), progress=lambda done, total: calls.append((done, total)))
    assert len(calls) == 4  # at once, without a word

    def cancel(done, total):
        raise InterruptedError

    for name in ("k_center", "max_herding", "probcover", "facility_location", "typiclust", "k_medoids", "dcom"):
        with pytest.raises(InterruptedError):
            select(name, pool, 4, rng=np.random.default_rng(0), progress=cancel)
