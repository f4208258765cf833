"""Acquisition functions: worked cases, scikit-activeml as reference, common rules, and maps pooled to one number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.acquisition import (
    ACQUISITIONS,
    bald,
    dbal,
    entropy,
    least_confidence,
    margin,
    mean_kl,
    mean_std,
    pool_map,
    variation_ratio,
    vote_entropy,
)
from alcore.errors import InvalidInput
from tests.alcore.acquisition.arguments import AXES, PROBABILITIES, make_arguments, permuted

PROBABILITY_SCORES = [name for name, entry in ACQUISITIONS.items() if entry.needs == ("probabilities",)]
DENSE = [entry for entry in ACQUISITIONS.values() if entry.is_dense]
SIGNED = {"adversarial_margin", "feature_density", "learning_loss"}
"""Logarithms, distances with a sign and regressions; all others start at 0."""


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


def test_worked_scores_of_votes_and_scatter():
    committee = np.array([[[0.8, 0.2, 0.0]], [[0.6, 0.3, 0.1]], [[0.1, 0.1, 0.8]], [[0.9, 0.1, 0.0]]])
    np.testing.assert_allclose(variation_ratio(committee), [0.25])
    np.testing.assert_allclose(vote_entropy(committee), [0.75 * np.log(4 / 3) + 0.25 * np.log(4)])
    np.testing.assert_allclose(mean_std(np.array([[[1.0, 0.0]], [[0.5, 0.5]]])), [0.25])
    np.testing.assert_allclose(mean_kl(np.array([[[1.0, 0.0]], [[0.0, 1.0]]])), [np.log(2)])


def test_scores_of_votes_agree_with_scikit_activeml():
    from skactiveml import pool as sk

    committee = draw(np.random.default_rng(8), 7, 50, 4)
    votes = committee.argmax(-1).T
    np.testing.assert_allclose(vote_entropy(committee), sk.vote_entropy(votes, np.arange(4)))
    np.testing.assert_allclose(variation_ratio(committee), sk.variation_ratios(votes))
    np.testing.assert_allclose(mean_kl(committee), sk.average_kl_divergence(committee.copy()), atol=1e-6)


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
    assert (variation_ratio(committee) <= 1 - 1 / min(n_members, n_classes) + 1e-9).all()
    assert (vote_entropy(committee) <= np.log(min(n_members, n_classes)) + 1e-9).all()
    assert (mean_std(committee) <= 0.5).all()
    np.testing.assert_allclose(mean_kl(committee), bald(committee), atol=1e-9)
    for function in (bald, dbal, mean_kl, mean_std, variation_ratio, vote_entropy):
        np.testing.assert_allclose(function(committee), function(shuffled), atol=1e-9)


@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
@pytest.mark.parametrize("what", ["item", "class", "member"])
def test_no_order_of_items_classes_or_members_matters(name, what):
    entry, arrays = ACQUISITIONS[name], make_arguments()
    values = entry.of(arrays)
    orders = {"item": 9, "class": 5, "member": 4}
    order = np.random.default_rng(1).permutation(orders[what])
    again = entry.of(permuted(arrays, what, order))
    np.testing.assert_allclose(again, values[order] if what == "item" else values, atol=1e-6)
    assert values.shape == (9,)
    assert np.isfinite(values).all()
    assert name in SIGNED or (values >= 0).all()
    assert len(np.unique(values)) > 1


@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
def test_inputs_are_left_as_they_were(name):
    arrays, untouched = make_arguments(), make_arguments()
    ACQUISITIONS[name].of(arrays)
    for need in set(AXES) - {"head"}:
        np.testing.assert_array_equal(arrays[need], untouched[need])


def test_with_two_classes_all_probability_scores_rank_alike():
    p = draw(np.random.default_rng(3), 50, 2)
    orders = [np.argsort(ACQUISITIONS[name].function(p)) for name in PROBABILITY_SCORES]
    np.testing.assert_array_equal(orders[0], orders[1])
    np.testing.assert_array_equal(orders[0], orders[2])


def test_pixel_maps_are_scored_like_items():
    committee = draw(np.random.default_rng(4), 3, 2, 5, 7, 4)
    for entry in DENSE:
        array = committee if entry.needs == ("committee",) else committee.mean(axis=0)
        flat = array.reshape(*array.shape[:-4], -1, 4)
        np.testing.assert_allclose(entry.function(array).ravel(), entry.function(flat), rtol=1e-12)
        assert entry.function(array.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("name", "need"), [(n, need) for n, entry in ACQUISITIONS.items() for need in entry.needs if need in PROBABILITIES]
)
def test_what_is_no_distribution_is_refused(name, need):
    arrays = make_arguments()
    good = arrays[need]
    for bad, words in ((good * np.nan, "NaN"), (good - 1, ">= 0"), (good * 3, "sum to 1")):
        with pytest.raises(InvalidInput, match=words):
            ACQUISITIONS[name].of({**arrays, need: bad})


@pytest.mark.parametrize(
    ("name", "need"),
    [
        ("opinion_disagreement", "second_opinions"),
        ("temporal_discrepancy", "previous_probabilities"),
        ("adversarial_margin", "head"),
    ],
)
def test_classes_or_features_that_do_not_fit_are_refused(name, need):
    other = make_arguments(n_classes=4, d=7)
    with pytest.raises(InvalidInput, match=r"must have the shape of|over probabilities|for 7 features"):
        ACQUISITIONS[name].of({**make_arguments(), need: other[need]})


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
