"""Volumes: foreground-aware random, strided slices, few slices of many volumes, by hand and by their statistics."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.strategies import select
from alcore.strategies.volumes import distance_to_seen, ranks_in_volumes
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool


def volumes(*sizes, labeled=(), scores=None, seed=None):
    """Volumes of so many slices, at positions 0, 1, …; the slices are shuffled where there is a seed."""
    groups = np.repeat([f"volume {v}" for v in range(len(sizes))], sizes).astype(object)
    positions = np.concatenate([np.arange(size) for size in sizes])
    flags = np.zeros(len(groups), bool)
    flags[list(labeled)] = True
    scores = np.zeros(len(groups)) if scores is None else np.asarray(scores, float)
    order = np.arange(len(groups)) if seed is None else np.random.default_rng(seed).permutation(len(groups))
    return PoolView(
        embeddings=np.zeros((len(groups), 1), np.float32),
        labeled=flags[order],
        groups=groups[order],
        positions=positions[order],
        uncertainty={"entropy": scores[order]},
    )


def chosen(pool, result):
    return sorted((str(pool.groups[row])[-1], int(pool.positions[row])) for row in result.rows)


def test_every_fourth_slice_of_each_volume_is_taken():
    pool = volumes(8, 12, seed=0)
    result = select("strided", pool, 5, rng=np.random.default_rng(0), stride=4)
    assert chosen(pool, result) == [("0", 2), ("0", 6), ("1", 2), ("1", 6), ("1", 10)]
    assert "every 4th slice of its volume" in result.reasons[0]


def test_the_stride_is_fitted_to_the_batch():
    pool = volumes(8, 12, seed=1)
    assert chosen(pool, select("strided", pool, 5, rng=np.random.default_rng(3))) == [
        ("0", 2),
        ("0", 6),
        ("1", 2),
        ("1", 6),
        ("1", 10),
    ]


def test_with_more_volumes_than_picks_each_gives_its_middle_slice():
    pool = volumes(*[9] * 20, seed=2)
    result = select("strided", pool, 7, rng=np.random.default_rng(0))
    assert (pool.positions[result.rows] == 4).all()
    assert len(set(pool.groups[result.rows].tolist())) == 7


def test_slices_half_way_between_come_next():
    pool = volumes(16)
    result = select("strided", pool, 16, rng=np.random.default_rng(0), stride=8)
    assert sorted(result.rows[:2].tolist()) == [4, 12]
    assert sorted(result.rows[:6].tolist()) == [2, 4, 6, 10, 12, 14]
    assert sorted(result.rows.tolist()) == list(range(16))


def test_a_labeled_slice_keeps_its_place_in_the_stride():
    pool = volumes(12, labeled=[6])
    assert sorted(select("strided", pool, 2, rng=np.random.default_rng(0), stride=4).rows.tolist()) == [2, 10]


def test_ranks_count_the_slices_that_are_there():
    rank, size = ranks_in_volumes(np.asarray([0, 1, 0, 0, 1]), np.asarray([30, 5, 10, 20, -5]))
    assert rank.tolist() == [2, 1, 0, 1, 0]
    assert size.tolist() == [3, 2, 3, 3, 2]


def test_few_slices_come_from_many_volumes_best_first_and_apart():
    scores = [1, 2, 9, 8, 7, 6, 5, 4, *[3, 3, 5, 3]]
    pool = volumes(8, 4, scores=scores)
    result = select("sparse_slices", pool, 4, rng=np.random.default_rng(0), gap=3)
    assert result.rows.tolist() == [2, 10, 5, 8]  # 3 and 4 are too near to 2; in volume 1 none is 3 away from 10
    assert result.reasons[0] == "its volume had 0 label(s) or earlier picks; entropy 9.00"
    assert result.scores.tolist() == [9.0, 5.0, 6.0, 3.0]


def test_volumes_with_labels_wait_and_their_labeled_slices_keep_others_away():
    pool = volumes(6, 6, labeled=[2], scores=[9, 9, 9, 9, 5, 8, *[1] * 6])
    assert select("sparse_slices", pool, 1, rng=np.random.default_rng(0), gap=2).rows[0] >= 6
    rows = select("sparse_slices", pool, 2, rng=np.random.default_rng(0), gap=2).rows
    assert rows[1] in (0, 5)
    assert rows[1] == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_few_slices_never_give_one_volume_two_more_than_another_that_has_some_left(seed, batch_size):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 8, size=6)
    pool = volumes(*sizes.tolist(), scores=rng.random(int(sizes.sum())), seed=seed)
    rows = select("sparse_slices", pool, batch_size, rng=rng).rows
    counts = {f"volume {v}": 0 for v in range(6)}
    for row in rows:
        counts[pool.groups[row]] += 1
    open_counts = [counts[f"volume {v}"] for v in range(6) if counts[f"volume {v}"] < sizes[v]]
    if open_counts:
        assert max(counts.values()) <= min(open_counts) + 1


def test_the_distance_to_seen_slices_matches_a_plain_search():
    rng = np.random.default_rng(0)
    positions, seen = rng.integers(-20, 20, size=15), rng.integers(-20, 20, size=4)
    expected = [min(abs(p - s) for s in seen) for p in positions.tolist()]
    assert distance_to_seen(positions, seen).tolist() == expected
    assert np.isinf(distance_to_seen(positions, seen[:0])).all()


def first_rows(share, n=1000):
    foreground = np.asarray([0.0, 0.25, 0.75, 0.0])
    pool = PoolView(embeddings=np.zeros((4, 1), np.float32), labeled=np.zeros(4, bool), foreground=foreground)
    rng = np.random.default_rng(0)
    picks = [select("foreground_random", pool, 1, rng=rng, share=share).rows[0] for _ in range(n)]
    return np.bincount(picks, minlength=4) / n


def test_a_share_of_the_picks_follows_the_foreground():
    np.testing.assert_allclose(first_rows(0.0), [0.25] * 4, atol=0.06)
    np.testing.assert_allclose(first_rows(1.0), [0, 0.25, 0.75, 0], atol=0.06)
    np.testing.assert_allclose(first_rows(0.66), 0.34 / 4 + 0.66 * np.asarray([0, 0.25, 0.75, 0]), atol=0.06)


@pytest.mark.parametrize(("spec", "share"), [("foreground_random", 0.33), ("foreground_random:share=0.66", 0.66)])
def test_both_mixtures_of_nnactive_have_a_name(spec, share):
    pool = make_pool()
    drawn = [select(spec, pool, 30, rng=np.random.default_rng(seed)) for seed in range(40)]
    aware = np.mean([reason == "drawn for its foreground" for result in drawn for reason in result.reasons])
    assert aware == pytest.approx(share, abs=0.05)
    same = select("foreground_random", pool, 30, rng=np.random.default_rng(0), share=share)
    assert drawn[0].rows.tolist() == same.rows.tolist()


@pytest.mark.parametrize("spec", ["foreground_random", "foreground_random:share=0.66"])
@pytest.mark.parametrize("batch_size", [1, 7, 54, 80])
def test_both_mixtures_keep_the_contract(spec, batch_size):
    pool = make_pool()
    result = select(spec, pool, batch_size, rng=np.random.default_rng(1))
    assert len(set(result.rows.tolist())) == len(result.rows) == min(batch_size, 54)
    assert not pool.labeled[result.rows].any()
    assert result.rows.tolist() == select(spec, pool, batch_size, rng=np.random.default_rng(1)).rows.tolist()


def test_where_no_foreground_is_left_the_rest_is_drawn_evenly():
    pool = dataclasses.replace(make_pool(n=10, n_labeled=2), foreground=np.asarray([0.0] * 9 + [1.0]))
    result = select("foreground_random", pool, 8, rng=np.random.default_rng(0), share=1.0)
    assert len(result.rows) == 8
    assert result.reasons.count("drawn for its foreground") == int(not pool.labeled[9])
    assert "drawn from all alike" in result.reasons


@pytest.mark.parametrize(
    ("name", "setting"),
    [("foreground_random", {"share": 1.5}), ("strided", {"stride": 0}), ("sparse_slices", {"gap": -1})],
)
def test_settings_out_of_range_are_named(name, setting):
    with pytest.raises(InvalidInput, match=next(iter(setting))):
        select(name, make_pool(), 3, rng=np.random.default_rng(0), **setting)
