"""BAIT against dense matrices: the Fisher information, the greedy steps and the settings."""

import dataclasses

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.strategies import bait, select
from alcore.strategies.bait import Design, Items, fisher, principal_directions
from tests.alcore.strategies.pools import make_pool


def one_fisher(h, p):
    """(diag(p) - pp') ⊗ hh' as the expected outer product of gradients, label by label."""
    total = 0
    for y, chance in enumerate(p):
        gradient = np.kron(np.eye(len(p))[y] - p, h)
        total = total + chance * np.outer(gradient, gradient)
    return total


def informations(pool):
    return [
        one_fisher(h, p) for h, p in zip(pool.embeddings.astype(float), pool.probabilities.astype(float), strict=True)
    ]


def choose(pool, batch_size, **more):
    return select("bait", pool, batch_size, rng=np.random.default_rng(0), **more)


def by_brute_force(pool, batch_size, regularization, oversampling=2):
    """Greedy growth and removal with a fresh inverse for each candidate."""
    each = informations(pool)
    wanted = sum(each) / len(each)
    known = sum((each[i] for i in np.flatnonzero(pool.labeled)), regularization * np.eye(len(wanted)))
    objective = lambda rows: np.trace(np.linalg.inv(known + sum(each[r] for r in rows)) @ wanted)  # noqa: E731
    chosen, values = [], [np.trace(np.linalg.inv(known) @ wanted)]
    while len(chosen) < oversampling * batch_size:
        left = [r for r in np.flatnonzero(~pool.labeled).tolist() if r not in chosen]
        chosen.append(min(left, key=lambda r: objective([*chosen, r])))
        values.append(objective(chosen))
    lowered = dict(zip(chosen, -np.diff(values), strict=True))
    while len(chosen) > batch_size:
        chosen.remove(min(chosen, key=lambda r: objective([q for q in chosen if q != r])))
    return chosen, [lowered[r] for r in chosen]


@pytest.mark.parametrize("regularization", [1.0, 0.01])
def test_bait_takes_the_steps_of_the_paper(regularization):
    pool = make_pool(n=25, d=4, seed=1)
    expected, lowered = by_brute_force(pool, 4, regularization)
    result = choose(pool, 4, regularization=regularization)
    assert result.rows.tolist() == expected
    np.testing.assert_allclose(result.scores, lowered, rtol=1e-5)


def test_removal_may_drop_the_first_choice_of_the_greedy_growth():
    found = 0
    for seed in range(6):
        pool = make_pool(n=25, d=4, seed=seed)
        grown = choose(pool, 3, oversampling=1.0)
        expected, _ = by_brute_force(pool, 3, 0.01, oversampling=1)
        assert grown.rows.tolist() == expected
        found += grown.rows.tolist() != choose(pool, 3).rows.tolist()
    assert found


def test_the_fisher_information_is_the_expected_outer_product_of_gradients(monkeypatch):
    from alcore.strategies import blocks

    monkeypatch.setattr(blocks, "BLOCK_ROWS", 7)
    pool = make_pool(n=20, d=4)
    each = informations(pool)
    np.testing.assert_allclose(fisher(pool.embeddings, pool.probabilities, np.eye(4)), sum(each), atol=1e-6)
    rows = np.array([3, 17, 4])
    some = fisher(pool.embeddings, pool.probabilities, np.eye(4), rows)
    np.testing.assert_allclose(some, sum(each[r] for r in rows), atol=1e-6)


def test_adding_and_removing_an_item_leaves_the_design_as_it_was():
    pool = make_pool(n=12, d=4)
    wanted = fisher(pool.embeddings, pool.probabilities, np.eye(4))
    design = Design(0.1 * np.eye(12), wanted, 3)
    items = Items(design, *bait._features(pool.embeddings, pool.probabilities, np.eye(4), np.arange(12)))
    inverse, weighted = design.inverse.copy(), design.weighted.copy()
    items.move(5, sign=1)
    added = np.linalg.inv(0.1 * np.eye(12) + informations(pool)[5])
    np.testing.assert_allclose(design.inverse, added, atol=1e-5)
    np.testing.assert_allclose(design.weighted, added @ wanted @ added, rtol=1e-4, atol=1e-3)
    items.move(5, sign=-1)
    np.testing.assert_allclose(design.inverse, inverse, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(design.weighted, weighted, rtol=1e-6, atol=1e-6)


def test_pools_in_a_plane_lose_nothing_by_projection():
    rng = np.random.default_rng(2)
    plane = rng.normal(size=(40, 2)).astype(np.float32) @ rng.normal(size=(2, 8)).astype(np.float32)
    pool = make_pool(n=40, embeddings=plane / np.linalg.norm(plane, axis=1, keepdims=True))
    assert choose(pool, 5, max_parameters=7).rows.tolist() == choose(pool, 5).rows.tolist()
    directions = principal_directions(pool.embeddings, 2)
    np.testing.assert_allclose(pool.embeddings @ directions @ directions.T, pool.embeddings, atol=1e-5)


def test_few_candidates_still_fill_the_batch_under_a_limit_of_groups():
    pool = make_pool(n_groups=20)
    result = choose(pool, 12, n_candidates=3, max_per_group=1)
    assert len(set(pool.groups[result.rows].tolist())) == 12


def test_half_precision_files_are_read_as_they_are(tmp_path):
    pool = make_pool()
    mapped = np.memmap(tmp_path / "h", dtype=np.float16, mode="w+", shape=pool.embeddings.shape)
    mapped[:] = pool.embeddings
    widened = dataclasses.replace(pool, embeddings=np.asarray(mapped, dtype=np.float32))
    rows = choose(dataclasses.replace(pool, embeddings=mapped), 6).rows
    assert rows.tolist() == choose(widened, 6).rows.tolist()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"regularization": 0.0}, "regularization must be above 0"),
        ({"oversampling": 0.5}, "oversampling must be at least 1"),
        ({"n_candidates": 0}, "n_candidates must be >= 1"),
        ({"max_parameters": 2}, "at least the 3 classes"),
    ],
)
def test_settings_out_of_range_are_refused(settings, words):
    with pytest.raises(InvalidInput, match=words):
        choose(make_pool(), 3, **settings)
