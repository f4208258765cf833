"""Acquisition functions: worked cases, scikit-activeml as reference, properties, and maps pooled to one number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.acquisition import ACQUISITIONS, bald, dbal, entropy, least_confidence, margin, pool_map
from alcore.errors import InvalidInput

PROBABILITY_SCORES = [name for name, entry in ACQUISITIONS.items() if entry.needs == ("probabilities",)]


def draw(rng, *shape, sharpness=1.0):
    return rng.dirichlet(np.full(shape[-1], sharpness), size=shape[:-1])


def test_worked_scores():
    p = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(least_confidence(p), [0.5, 0.0])
    np.testing.assert_allclose(margin(p), [0.8, 0.0])
    np.testing.assert_allclose(entropy(p), [1.0296530, 0.0], atol=1e-7)
    committee = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    np.testing.assert_allclose(dbal(committee), [np.log(2)])
    np.testing.assert_allclose(bald(committee), [np.log(2)])
    np.testing.assert_allclose(bald(np.repeat(p[None], 3, axis=0)), 0, atol=1e-12)


def test_scores_agree_with_scikit_activeml():
    from skactiveml import pool as sk

    rng = np.random.default_rng(0)
    p, committee = draw(rng, 40, 5), draw(rng, 6, 40, 5)
    np.testing.assert_allclose(least_confidence(p), sk.uncertainty_scores(p, method="least_confident"))
    np.testing.assert_allclose(margin(p), sk.uncertainty_scores(p, method="margin_sampling"))
    np.testing.assert_allclose(entropy(p), sk.uncertainty_scores(p, method="entropy"))
    np.testing.assert_allclose(bald(committee), sk.batch_bald(committee.copy(), batch_size=1)[0], atol=1e-9)
    np.testing.assert_allclose(bald(committee), sk.average_kl_divergence(committee.copy()), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 5), st.sampled_from([0.05, 1.0, 20.0]))
def test_scores_stay_in_their_bounds_and_do_not_depend_on_class_or_member_order(seed, n_classes, n_members, sharpness):
    rng = np.random.default_rng(seed)
    committee = draw(rng, n_members, 9, n_classes, sharpness=sharpness)
    mean = committee.mean(axis=0)
    shuffled = committee[rng.permutation(n_members)][..., rng.permutation(n_classes)]
    assert (bald(committee) <= np.log(min(n_members, n_classes)) + 1e-9).all()
    assert (bald(committee) <= dbal(committee) + 1e-9).all()
    assert (entropy(mean) <= np.log(n_classes) + 1e-9).all()
    assert (least_confidence(mean) <= 1 - 1 / n_classes + 1e-9).all()
    for name, entry in ACQUISITIONS.items():
        values = entry.function(committee if entry.needs == ("committee",) else mean)
        again = entry.function(shuffled if entry.needs == ("committee",) else shuffled.mean(axis=0))
        assert (values >= 0).all(), name
        np.testing.assert_allclose(values, again, atol=1e-9)


def test_with_two_classes_all_probability_scores_rank_alike():
    p = draw(np.random.default_rng(3), 50, 2)
    orders = [np.argsort(ACQUISITIONS[name].function(p)) for name in PROBABILITY_SCORES]
    np.testing.assert_array_equal(orders[0], orders[1])
    np.testing.assert_array_equal(orders[0], orders[2])


def test_pixel_maps_are_scored_like_items():
    committee = draw(np.random.default_rng(4), 3, 2, 5, 7, 4)
    for entry in ACQUISITIONS.values():
        array = committee if entry.needs == ("committee",) else committee.mean(axis=0)
        flat = array.reshape(*array.shape[:-4], -1, 4)
        np.testing.assert_allclose(entry.function(array).ravel(), entry.function(flat), rtol=1e-12)
        assert entry.function(array.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
def test_what_is_no_distribution_is_refused(name):
    entry = ACQUISITIONS[name]
    good = draw(np.random.default_rng(5), 3, 4, 5)
    for bad, words in ((good * np.nan, "NaN"), (good - 1, ">= 0"), (good * 3, "sum to 1")):
        with pytest.raises(InvalidInput, match=words):
            entry.function(bad)


def test_margin_needs_two_classes():
    with pytest.raises(InvalidInput, match="two classes"):
        margin(np.ones((3, 1)))


def test_pooling_of_a_worked_map():
    score = np.array([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]])
    weight = np.array([[[0.0, 0.0, 1.0], [0.0, 0.0, 0.5]]])
    assert pool_map(score, "mean").tolist() == [2.5]
    assert pool_map(score, "sum").tolist() == [15.0]
    assert pool_map(score, "top", top_share=1 / 3).tolist() == [4.5]
    assert pool_map(score, "mean", foreground=weight).tolist() == [3.0]
    assert pool_map(score, "sum", foreground=weight).tolist() == [4.5]
    assert pool_map(score, "mean", foreground=np.zeros_like(score)).tolist() == [0.0]
    assert pool_map(score[0], "top").shape == ()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.0))
def test_the_top_mean_lies_between_mean_and_highest(seed, share):
    score = np.random.default_rng(seed).random((3, 5, 7))
    top = pool_map(score, "top", top_share=share)
    assert (top >= pool_map(score) - 1e-12).all()
    assert (top <= score.max(axis=(1, 2)) + 1e-12).all()


def test_wrong_pooling_is_refused():
    score = np.zeros((2, 3, 4))
    with pytest.raises(InvalidInput, match="finite"):
        pool_map(score * np.nan)
    with pytest.raises(InvalidInput, match="top_share"):
        pool_map(score, "top", top_share=0.0)
    with pytest.raises(InvalidInput, match=r"0\.\.1"):
        pool_map(score, foreground=score + 2)
