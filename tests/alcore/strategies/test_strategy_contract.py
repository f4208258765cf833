"""What every registered strategy must do; a new one is tested by registering."""

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from alcore.errors import InvalidInput, MissingInput, UnknownName
from alcore.strategies import STRATEGIES, select
from alcore.strategies.registry import Need, register
from alcore.types import PoolView, QueryResult
from tests.alcore.strategies.pools import make_pool, map_items, taken

ALL = sorted(STRATEGIES)
WITHOUT_CHANCE = [name for name in ALL if not STRATEGIES[name].draws]
"""With labels there and no tie these draw nothing, so the order of rows must not matter."""
NESTED = [name for name in ALL if STRATEGIES[name].is_nested]


def choose(name, pool, batch_size, seed=0, **options) -> QueryResult:
    return select(name, pool, batch_size, rng=np.random.default_rng(seed), **options)


def check_legal(result, pool, n_expected):
    rows = result.rows
    assert rows.dtype == np.int64
    assert len(rows) == n_expected
    assert len(set(rows.tolist())) == n_expected
    assert not pool.labeled[rows].any()
    assert len(result.reasons) == n_expected
    assert all(result.reasons)
    assert result.scores is None or len(result.scores) == n_expected


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("batch_size", [1, 7, 54, 80])
def test_it_returns_distinct_unlabeled_rows_with_a_reason_each(name, batch_size):
    pool = make_pool()
    check_legal(choose(name, pool, batch_size), pool, min(batch_size, 54))


@pytest.mark.parametrize("name", ALL)
def test_it_works_before_any_label_and_when_all_is_labeled(name):
    pool = make_pool(n_labeled=0)
    check_legal(choose(name, pool, 9), pool, 9)
    done = make_pool(n_labeled=60)
    assert choose(name, done, 9).rows.tolist() == []


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_the_same_rows(name):
    pool = make_pool()
    first, second = choose(name, pool, 10, seed=5), choose(name, pool, 10, seed=5)
    assert first.rows.tolist() == second.rows.tolist()
    assert first.reasons == second.reasons


@pytest.mark.parametrize("name", ALL)
def test_it_leaves_its_inputs_unchanged(name):
    pool, untouched = make_pool(), make_pool()
    choose(name, pool, 10, max_per_group=2)
    for field in dataclasses.fields(PoolView):
        if field.name not in ("uncertainty", "head"):
            np.testing.assert_array_equal(getattr(pool, field.name), getattr(untouched, field.name))
    np.testing.assert_array_equal(pool.head.weights, untouched.head.weights)


@pytest.mark.parametrize("name", ALL)
def test_one_item_left_is_chosen(name):
    pool = make_pool(n_labeled=59)
    assert choose(name, pool, 5).rows.tolist() == np.flatnonzero(~pool.labeled).tolist()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("n_labeled", [0, 1, 20])
def test_a_pool_of_identical_items_is_no_trouble(name, n_labeled):
    pool = make_pool(n=40, n_labeled=n_labeled)
    same = map_items(pool, lambda array, axis: np.repeat(np.take(array, [0], axis=axis), 40, axis=axis))
    same = dataclasses.replace(
        same,
        labeled=pool.labeled,
        labels=np.where(pool.labeled, 0, -1),
        losses=np.where(pool.labeled, 0.5, -1.0),
        positions=np.arange(40),
        groups=pool.groups,
        probabilities=np.full((40, 3), 1 / 3, np.float32),
        committee=np.full((4, 40, 3), 1 / 3, np.float32),
    )
    check_legal(choose(name, same, 12), same, 12)


@pytest.mark.parametrize("name", ALL)
def test_the_pool_may_be_a_little_smaller_or_larger_than_a_block(name, monkeypatch):
    from alcore.strategies import blocks, nearest

    monkeypatch.setattr(blocks, "BLOCK_ROWS", 16)
    monkeypatch.setattr(nearest, "_BLOCK_CENTRES", 3)
    monkeypatch.setattr(nearest, "_PROBE_ROWS", 4)
    monkeypatch.setattr(nearest, "_SMALL_POOL", 0)
    monkeypatch.setattr(nearest, "_REFRESH_ROWS", 5)
    for n in (15, 16, 17, 33):
        pool = make_pool(n=n, n_labeled=4, seed=n)
        check_legal(choose(name, pool, 5), pool, 5)


@pytest.mark.parametrize("name", WITHOUT_CHANCE)
def test_permuted_rows_give_the_same_items(name):
    pool = make_pool()
    order = np.random.default_rng(9).permutation(60)
    permuted = taken(pool, order)
    assert order[choose(name, permuted, 12).rows].tolist() == choose(name, pool, 12).rows.tolist()


@pytest.mark.parametrize("name", NESTED)
def test_a_smaller_batch_is_the_beginning_of_a_larger_one(name):
    pool = make_pool()
    assert choose(name, pool, 5).rows.tolist() == choose(name, pool, 15).rows.tolist()[:5]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("batch_size", [6, 30])
def test_no_group_gives_more_than_its_share(name, batch_size):
    pool = make_pool(n_groups=8)
    result = choose(name, pool, batch_size, max_per_group=2)
    available = sum(min(2, int((pool.groups[~pool.labeled] == g).sum())) for g in set(pool.groups))
    check_legal(result, pool, min(batch_size, available))
    chosen = pool.groups[result.rows].tolist()
    assert max(chosen.count(g) for g in chosen) <= 2


@pytest.mark.parametrize("name", ALL)
def test_float64_embeddings_and_unnormalised_ones_are_legal(name):
    pool = make_pool()
    check_legal(choose(name, dataclasses.replace(pool, embeddings=pool.embeddings.astype(np.float64) * 5), 9), pool, 9)


@pytest.mark.parametrize("name", ALL)
def test_nan_is_refused_and_never_replaced(name):
    pool = make_pool()
    for field in ("embeddings", "probabilities", "committee"):
        broken = getattr(pool, field).copy()
        broken[..., 0] = np.nan
        with pytest.raises(InvalidInput, match=field):
            choose(name, dataclasses.replace(pool, **{field: broken}), 3)
    with pytest.raises(InvalidInput, match="uncertainty"):
        dataclasses.replace(pool, uncertainty={name: np.full(60, np.nan)})


@pytest.mark.parametrize("name", ALL)
def test_what_it_needs_is_asked_for_by_name(name):
    pool = make_pool()
    bare = PoolView(embeddings=pool.embeddings, labeled=pool.labeled)
    needs = STRATEGIES[name].needs - {"embeddings"}
    if needs:
        with pytest.raises(MissingInput, match=sorted(needs)[0]):
            choose(name, bare, 3)
    else:
        check_legal(choose(name, bare, 3), bare, 3)


@pytest.mark.parametrize("name", ALL)
def test_it_is_described_and_documented(name):
    strategy = STRATEGIES[name]
    assert strategy.name == name
    assert 20 < len(strategy.summary) < 110
    assert strategy.paper
    assert strategy.cost.startswith("O(")
    assert 20 < len(strategy.advice) < 120
    assert strategy.needs <= set(get_args(Need))
    documentation = Path(__file__).parents[3] / "docs" / "strategies.md"
    assert f"`{name}`" in documentation.read_text()


def test_wrong_arguments_are_named():
    pool = make_pool()
    with pytest.raises(UnknownName, match=r"unknown strategy 'typiclst'; known: .*bald, .*typiclust"):
        choose("typiclst", pool, 3)
    with pytest.raises(InvalidInput, match="batch_size must be >= 1; got 0"):
        choose("random", pool, 0)
    with pytest.raises(InvalidInput, match="no setting 'delta'; it has: none"):
        choose("random", pool, 3, delta=0.1)
    with pytest.raises(InvalidInput, match="max_per_group must be >= 1"):
        choose("random", pool, 3, max_per_group=0)
    with pytest.raises(MissingInput, match=r"needs pool\.groups"):
        choose("random", dataclasses.replace(pool, groups=None), 3, max_per_group=1)


def test_a_name_can_be_taken_once():
    with pytest.raises(InvalidInput, match="registered already"):
        register("random", paper="", phase="any", cost="O(n)", advice="")(
            lambda pool, batch_size, *, rng, max_per_group=None: QueryResult(rows=[])
        )
