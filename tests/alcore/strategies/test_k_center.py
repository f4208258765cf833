"""k-center: by hand, against scikit-activeml, against a plain loop, and what must always hold."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.strategies import select
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool


def on_a_line(positions, labeled):
    embeddings = np.zeros((len(positions), 2), np.float32)
    embeddings[:, 0] = positions
    flags = np.zeros(len(positions), bool)
    flags[labeled] = True
    return PoolView(embeddings=embeddings, labeled=flags)


def test_k_center_takes_the_far_end_first_and_then_the_widest_gap():
    pool = on_a_line([0, 1, 2, 6, 10], labeled=[0])
    result = select("k_center", pool, 3, rng=np.random.default_rng(0))
    assert result.rows.tolist() == [4, 3, 2]
    assert result.reasons == tuple(f"farthest from all chosen: {d}" for d in ("10.00", "4.00", "2.00"))


def test_k_center_follows_scikit_activeml_row_for_row():
    from skactiveml import pool as sk

    for seed in range(5):
        pool = make_pool(n=200, d=16, seed=seed, n_labeled=5)
        y = np.where(pool.labeled, 0.0, np.nan)
        expected, _ = sk.k_greedy_center(pool.embeddings, y, batch_size=40, random_state=0)
        rows = select("k_center", pool, 40, rng=np.random.default_rng(0)).rows
        assert rows.tolist() == expected.tolist()
        assert rows.tolist() == sk.CoreSet(random_state=0).query(pool.embeddings, y, batch_size=40).tolist()


def plain_k_center(embeddings, labeled, batch_size):
    chosen, rows = np.flatnonzero(labeled).tolist(), []
    for _ in range(batch_size):
        gaps = [min(np.linalg.norm(x.astype(float) - embeddings[c]) for c in chosen) for x in embeddings]
        rows.append(int(np.argmax(gaps)))
        chosen.append(rows[-1])
    return rows


def test_k_center_matches_a_plain_loop():
    pool = make_pool(n=40, d=3, n_labeled=2)
    assert select("k_center", pool, 8, rng=np.random.default_rng(0)).rows.tolist() == plain_k_center(
        pool.embeddings, pool.labeled, 8
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_each_pick_is_no_farther_than_the_one_before_and_twins_come_last(seed):
    pool = make_pool(n=30, d=4, seed=seed, n_labeled=3)
    doubled = PoolView(embeddings=np.repeat(pool.embeddings, 2, axis=0), labeled=np.repeat(pool.labeled, 2))
    result = select("k_center", doubled, 27, rng=np.random.default_rng(seed))
    radii = [float(reason.split()[-1]) for reason in result.reasons]
    assert radii == sorted(radii, reverse=True)
    assert len({row // 2 for row in result.rows.tolist()}) == 27


def test_rotating_the_embeddings_changes_nothing():
    pool = make_pool(n=80, d=6)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0].astype(np.float32)
    rotated = PoolView(embeddings=pool.embeddings @ rotation, labeled=pool.labeled)
    choices = [select("k_center", p, 15, rng=np.random.default_rng(0)).rows.tolist() for p in (pool, rotated)]
    assert choices[0] == choices[1]


def test_without_labels_the_first_centre_is_drawn():
    pool = make_pool(n_labeled=0)
    results = [select("k_center", pool, 2, rng=np.random.default_rng(seed)) for seed in range(10)]
    assert len({int(result.rows[0]) for result in results}) > 3
    assert results[0].reasons[0].startswith("drawn at random")
