"""MaxHerding, UHerding, ProbCover, facility location, RepDiv: by hand, against scikit-activeml and plain loops."""

import dataclasses
import warnings

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.strategies import blocks, select
from alcore.strategies.blocks import unit_scale
from alcore.strategies.herding import smallest_gap
from alcore.strategies.probcover import largest_pure, pure_radius
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool, taken


def at_angles(degrees, labeled=()):
    """Points on the unit circle."""
    turn = np.deg2rad(np.asarray(degrees, dtype=float))
    flags = np.zeros(len(turn), bool)
    flags[list(labeled)] = True
    return PoolView(embeddings=np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32), labeled=flags)


def choose(name, pool, batch_size, seed=0, **options):
    return select(name, pool, batch_size, rng=np.random.default_rng(seed), **options)


def unlabeled_targets(pool):
    return np.where(pool.labeled, 0.0, np.nan)


def plain_cover(similarity, labeled, weights, batch_size, floor):
    """Greedy over unlabeled candidates and unlabeled references, every gain computed anew."""
    open_rows = np.flatnonzero(~labeled)
    best = np.full(len(open_rows), floor)
    for row in np.flatnonzero(labeled):
        best = np.maximum(best, similarity[row, open_rows])
    rows = []
    for _ in range(batch_size):
        gain = np.maximum(similarity[np.ix_(open_rows, open_rows)] - best, 0) @ weights[open_rows]
        gain[np.isin(open_rows, rows)] = -np.inf
        rows.append(int(open_rows[gain.argmax()]))
        best = np.maximum(best, similarity[rows[-1], open_rows])
    return rows


@pytest.mark.parametrize("n_labeled", [0, 1, 15])
@pytest.mark.parametrize("seed", range(3))
def test_max_herding_follows_scikit_activeml_row_for_row(seed, n_labeled):
    from skactiveml import pool as sk

    pool = make_pool(n=250, d=10, seed=seed, n_labeled=n_labeled)
    peer = sk.MaxHerding(metric="rbf", metric_dict={"gamma": 1.0}, random_state=0)
    expected = peer.query(pool.embeddings, unlabeled_targets(pool), batch_size=40)
    found = choose("max_herding", pool, 40).rows
    unit = pool.embeddings.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    kernel = np.exp(2 * unit @ unit.T - 2)
    covered = kernel[:, pool.labeled].max(1, initial=0.0)
    follows = True
    for mine, theirs in zip(found, expected, strict=True):
        gains = np.maximum(kernel - covered[:, None], 0).mean(0)
        if follows and mine != theirs:  # only where both gain exactly as much, which rounding on a processor decides
            np.testing.assert_allclose(gains[mine], gains[theirs], rtol=1e-12)
            follows = False
        assert gains[mine] >= gains[~pool.labeled].max() * (1 - 1e-5)
        covered = np.maximum(covered, kernel[:, mine])


def test_max_herding_takes_the_middle_of_the_largest_bunch_and_then_of_the_other():
    pool = at_angles([0, 10, 20, 30, 40, 180, 190, 200])
    assert choose("max_herding", pool, 2).rows.tolist() == [2, 6]
    assert choose("max_herding", dataclasses.replace(pool, labeled=np.arange(8) == 2), 1).rows.tolist() == [6]


def test_a_sampled_max_herding_is_nearly_as_good_and_may_take_any_item():
    pool = make_pool(n=1500, d=5, n_labeled=0)
    cosines = pool.embeddings.astype(float) @ pool.embeddings.T.astype(float)

    def covered(rows):
        return np.exp(2 * cosines[rows] - 2).max(axis=0).mean()

    sampled = choose("max_herding", pool, 20, n_reference=200).rows
    assert covered(sampled) > 0.97 * covered(choose("max_herding", pool, 20).rows)
    assert len(set(choose("max_herding", pool, 300, n_reference=50).rows.tolist())) == 300


def test_uherding_is_the_weighted_greedy_with_the_smallest_gap_of_labels_as_width():
    pool = make_pool(n=120, d=4, n_labeled=8, seed=2)
    points = pool.embeddings.astype(float)
    known = points[pool.labeled]
    gaps = np.linalg.norm(known[:, None] - known, axis=2)
    sigma = gaps[np.triu_indices(8, 1)].min()
    assert smallest_gap(pool.embeddings, pool.labeled, scale=unit_scale(pool.embeddings)) == pytest.approx(
        sigma, rel=1e-4
    )
    top = np.sort(pool.probabilities.astype(float), axis=1)
    uncertainty = 1 - (top[:, -1] - top[:, -2])
    similarity = np.exp(-(np.linalg.norm(points[:, None] - points, axis=2) ** 2) / sigma**2)
    assert choose("uherding", pool, 15).rows.tolist() == plain_cover(similarity, pool.labeled, uncertainty, 15, 0.0)


def test_uherding_becomes_max_herding_where_all_is_equally_uncertain_and_margin_where_labels_are_close():
    pool = make_pool(n=100, d=16, n_labeled=6)
    even = dataclasses.replace(pool, probabilities=np.full((100, 3), 1 / 3, np.float32))
    assert choose("uherding", even, 10, sigma=1.0).rows.tolist() == choose("max_herding", pool, 10).rows.tolist()
    assert choose("uherding", pool, 10, sigma=0.05).rows.tolist() == choose("margin", pool, 10).rows.tolist()


def test_the_gap_of_labels_passes_over_twins_and_defaults_to_one():
    pool = at_angles([0, 0, 60, 180], labeled=[0, 1])
    assert smallest_gap(pool.embeddings, pool.labeled, scale=unit_scale(pool.embeddings)) == 1.0
    pool = at_angles([0, 0, 60, 180], labeled=[0, 1, 2, 3])
    gap = smallest_gap(pool.embeddings, pool.labeled, scale=unit_scale(pool.embeddings))
    assert gap == pytest.approx(1.0, abs=1e-5)  # the chord of 60 degrees


def test_probcover_covers_the_densest_arc_first_and_each_item_once():
    pool = at_angles([0, 5, 10, 100, 105, 200])
    result = choose("probcover", pool, 4, delta=2 * np.sin(np.deg2rad(6) / 2))
    assert result.rows[0] == 1
    assert set(result.rows[1:2].tolist()) <= {3, 4}
    assert result.rows[2] == 5
    np.testing.assert_allclose(result.scores[:3], [3 / 6, 2 / 6, 1 / 6])
    assert "again; all was covered once" in result.reasons[3]


@pytest.mark.parametrize("n_labeled", [0, 10])
def test_each_pick_of_probcover_is_one_that_scikit_activeml_could_make(n_labeled):
    from skactiveml import pool as sk

    pool = make_pool(n=150, d=4, n_labeled=n_labeled, seed=5)
    y = unlabeled_targets(pool)
    peer = sk.ProbCover(n_classes=3, deltas=[0.5], random_state=0)
    for row in choose("probcover", pool, 25, delta=0.5).rows.tolist():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that a single radius was given
            _, utilities = peer.query(pool.embeddings, y, batch_size=1, return_utilities=True)
        assert utilities[0][row] == np.nanmax(utilities[0])
        y[row] = 0.0


@pytest.mark.parametrize("n", [7, 499, 533])
def test_items_at_the_end_of_the_pool_can_be_chosen(n, monkeypatch):
    """The authors' code drops the last n mod 500 rows as sources, all of them in a small pool."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 64)
    degrees = np.r_[np.linspace(0, 170, n - 3), 269.0, 270.0, 271.0]
    pool = at_angles(degrees, labeled=range(n - 3))
    for name, settings in (("probcover", {"delta": 0.02}), ("max_herding", {}), ("facility_location", {})):
        assert choose(name, pool, 1, **settings).rows.tolist() == [n - 2]


def test_the_radius_is_the_largest_whose_balls_are_pure():
    assert largest_pure(np.asarray([0.5, 0.1, 0.4, 0.2, 0.3]), 1.0) == 0.1
    assert largest_pure(np.asarray([0.5, 0.1, 0.4, 0.2, 0.3]), 0.8) == 0.2
    pool = at_angles([*range(20), *range(90, 110)])
    radius = pure_radius(
        pool.embeddings, ~pool.labeled, n_clusters=2, alpha=1.0, scale=unit_scale(pool.embeddings),
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert radius == pytest.approx(2 * np.sin(np.deg2rad(71) / 2), rel=1e-3)  # from 19 to 90 degrees
    one = pure_radius(
        pool.embeddings, ~pool.labeled, n_clusters=1, alpha=0.95, scale=unit_scale(pool.embeddings),
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert one == 2.0


def test_purity_of_the_found_radius_is_as_asked():
    pool = make_pool(n=300, d=3, n_labeled=0, seed=3)
    scale = unit_scale(pool.embeddings)
    from alcore.strategies.clustering import assign, fit_kmeans

    rows = np.arange(300, dtype=np.int64)
    labels = assign(
        pool.embeddings, rows, fit_kmeans(pool.embeddings, rows, 4, rng=np.random.default_rng(7), spherical=True)
    )
    radius = pure_radius(
        pool.embeddings, ~pool.labeled, n_clusters=4, alpha=0.9, scale=scale, rng=np.random.default_rng(7)
    )
    points = pool.embeddings.astype(float)
    distances = np.linalg.norm(points[:, None] - points, axis=2)

    def purity(within):
        return 1 - ((distances <= within) & (labels[:, None] != labels)).any(axis=1).mean()

    assert purity(radius - 1e-4) >= 0.9 > purity(radius + 1e-4)


def test_facility_location_matches_a_plain_loop():
    for seed, n_labeled in ((0, 0), (1, 5)):
        pool = make_pool(n=150, d=5, seed=seed, n_labeled=n_labeled)
        cosines = pool.embeddings.astype(float) @ pool.embeddings.T.astype(float)
        expected = plain_cover(cosines, pool.labeled, np.ones(150), 20, -1.0)
        assert choose("facility_location", pool, 20).rows.tolist() == expected


def test_repdiv_is_facility_location_and_then_farthest_first():
    pool = make_pool(n=200, d=6, n_labeled=4)
    first = choose("facility_location", pool, 7).rows
    with_first = dataclasses.replace(pool, labeled=pool.labeled | np.isin(np.arange(200), first))
    rest = choose("k_center", with_first, 3).rows
    assert choose("repdiv", pool, 10).rows.tolist() == [*first, *rest]
    assert (
        choose("repdiv", pool, 10, representative_share=0.0).rows.tolist() == choose("k_center", pool, 10).rows.tolist()
    )
    assert choose("repdiv", pool, 1).rows.tolist() == choose("facility_location", pool, 1).rows.tolist()


@pytest.mark.parametrize("name", ["max_herding", "uherding", "facility_location", "k_medoids"])
def test_the_order_of_rows_does_not_matter(name):
    pool = make_pool(n=90)
    order = np.random.default_rng(4).permutation(90)
    assert order[choose(name, taken(pool, order), 12).rows].tolist() == choose(name, pool, 12).rows.tolist()


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("max_herding", {"sigma": 0.0}, "sigma must be above 0; got 0.0"),
        ("uherding", {"sigma": -1.0}, "sigma must be above 0; got -1.0"),
        ("max_herding", {"n_reference": 0}, "n_reference must be >= 1; got 0"),
        ("probcover", {"delta": -0.1}, "delta must be >= 0, or None"),
        ("probcover", {"alpha": 0.0}, r"alpha must be in \(0, 1\]; got 0.0"),
        ("probcover", {"n_classes": 0}, "n_classes must be >= 1; got 0"),
        ("repdiv", {"representative_share": 1.1}, r"representative_share must be in 0\.\.1; got 1.1"),
        ("dcom", {"delta": -1.0}, "delta must be >= 0"),
        ("dcom", {"slope": 0.0}, "slope must be above 0"),
        ("information_density", {"beta": -1.0}, "beta must be >= 0; got -1.0"),
        ("usl", {"n_neighbours": 0}, "n_neighbours and n_rounds must be >= 1"),
        ("usl", {"power": 0.0}, "strength must be >= 0 and power above 0"),
        ("usl", {"momentum": 1.0}, r"momentum must be in \[0, 1\)"),
        ("k_medoids", {"n_rounds": -1}, "n_rounds must be >= 0; got -1"),
        ("representative_annotation", {"n_clusters": 0}, r"n_clusters must be >= 1 and coverage in \(0, 1\]"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(name, settings, says):
    with pytest.raises(InvalidInput, match=says):
        choose(name, make_pool(), 3, **settings)
