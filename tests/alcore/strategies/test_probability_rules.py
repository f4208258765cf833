"""FALCUN, CAL, ClaSP PE and class balance: against scikit-activeml, plain loops, and by hand."""

import dataclasses

import numpy as np
import pytest

from alcore.errors import InvalidInput, MissingInput
from alcore.strategies import select
from alcore.strategies.clasp import even_shares
from alcore.strategies.contrastive import neighbour_divergence
from alcore.strategies.falcun import relevance, updated_distance
from alcore.types import PoolView
from tests.alcore.strategies.pools import make_pool


def trained(seed=0, n=90, n_labeled=15):
    """A pool, scikit-activeml's view of it, and a classifier."""
    from skactiveml.classifier import SklearnClassifier
    from sklearn.linear_model import LogisticRegression

    pool = make_pool(n=n, d=5, seed=seed, n_labeled=n_labeled)
    pool = dataclasses.replace(pool, embeddings=pool.embeddings.astype(np.float64))
    y = np.where(pool.labeled, pool.labels.astype(float), np.nan)
    classifier = SklearnClassifier(LogisticRegression(C=10), classes=[0, 1, 2]).fit(pool.embeddings, y)
    probabilities = classifier.predict_proba(pool.embeddings)
    return dataclasses.replace(pool, probabilities=probabilities, committee=None), y, classifier


@pytest.mark.parametrize("gamma", [1.0, 10.0])
def test_falcun_has_the_chances_of_scikit_activeml_at_each_step(gamma):
    from skactiveml.pool import Falcun

    pool, y, classifier = trained()
    picks, chances = Falcun(gamma=gamma, random_state=0).query(
        pool.embeddings, y, classifier, fit_clf=False, batch_size=12, return_utilities=True
    )
    rows = np.flatnonzero(~pool.labeled)
    probabilities = pool.probabilities[rows]
    top = np.sort(probabilities, axis=1)
    uncertainty = 1 - (top[:, -1] - top[:, -2])
    distance, is_open = uncertainty.copy(), np.ones(len(rows), bool)
    for nth in range(12):
        if nth:
            at = int(np.flatnonzero(rows == picks[nth - 1])[0])
            is_open[at] = False
            distance = updated_distance(distance, probabilities, at)
        weights = relevance(uncertainty, distance, gamma) * is_open
        np.testing.assert_allclose(chances[nth][rows][is_open], (weights / weights.sum())[is_open], rtol=1e-9)


def test_falcun_distance_by_hand():
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    moved = updated_distance(np.array([0.2, 1.0, 0.4]), probabilities, 0)
    np.testing.assert_allclose(moved, [0, 1, 0.4])
    np.testing.assert_allclose(relevance(np.array([0.0, 0.5]), np.array([0.5, 0.5]), 2.0), [0.25, 1])
    assert relevance(np.zeros(2), np.zeros(2), 10.0).tolist() == [0, 0]


def test_a_large_gamma_is_greedy_and_does_not_overflow():
    pool, *_ = trained()
    firsts = {int(select("falcun", pool, 1, rng=np.random.default_rng(s), gamma=1e6).rows[0]) for s in range(5)}
    top = np.sort(pool.probabilities, axis=1)
    assert firsts == {int(np.where(pool.labeled, -1, 1 - top[:, -1] + top[:, -2]).argmax())}


@pytest.mark.parametrize("n_neighbours", [1, 4, 40])
def test_contrastive_scores_are_those_of_scikit_activeml(n_neighbours):
    from skactiveml.pool import ContrastiveAL

    pool, y, classifier = trained()
    oracle = ContrastiveAL(nearest_neighbors_dict={"n_neighbors": n_neighbours}, random_state=0)
    picks, utilities = oracle.query(pool.embeddings, y, classifier, fit_clf=False, batch_size=10, return_utilities=True)
    rows, known = np.flatnonzero(~pool.labeled), np.flatnonzero(pool.labeled)
    scores = neighbour_divergence(pool.embeddings, pool.probabilities, rows, known, n_neighbours=n_neighbours)
    np.testing.assert_allclose(scores, utilities[0][rows], atol=1e-9)
    result = select("contrastive_al", pool, 10, rng=np.random.default_rng(0), n_neighbours=n_neighbours)
    assert result.rows.tolist() == picks.tolist()


def test_divergence_by_hand_and_no_item_is_its_own_neighbour():
    embeddings = np.array([[0.0], [1.0], [1.1], [5.0]], np.float32)
    p = np.array([[0.5, 0.5], [0.9, 0.1], [0.5, 0.5], [1.0, 0.0]])
    scores = neighbour_divergence(embeddings, p, np.arange(4), np.arange(3), n_neighbours=1)
    to_first = 0.9 * np.log(0.9 / 0.5) + 0.1 * np.log(0.1 / 0.5)
    to_second = 0.5 * np.log(0.5 / 0.9) + 0.5 * np.log(0.5 / 0.1)
    held = np.array([1, 1e-7]) / (1 + 1e-7)
    np.testing.assert_allclose(scores, [to_first, to_second, to_first, (0.5 * np.log(0.5 / held)).sum()], rtol=1e-6)


def test_cal_without_labels_compares_with_the_pool():
    pool = dataclasses.replace(make_pool(n_labeled=0), labels=None)
    result = select("contrastive_al", pool, 5, rng=np.random.default_rng(0))
    assert result.reasons[0].endswith("from its 10 nearest unlabeled (there is no label yet) items")
    np.testing.assert_array_equal(np.sort(result.scores)[::-1], result.scores)


def segmented(class_scores, entropy):
    n = len(entropy)
    return PoolView(
        embeddings=np.ones((n, 2), np.float32),
        labeled=np.zeros(n, bool),
        class_scores=np.asarray(class_scores, dtype=float),
        uncertainty={"entropy": np.asarray(entropy, dtype=float)},
    )


def test_each_foreground_class_gets_its_share_and_the_rest_goes_by_entropy():
    class_scores = np.full((12, 3), 1e-6)
    class_scores[:, 0] = np.linspace(1, 2, 12)  # background: must not count
    class_scores[[1, 2], 1], class_scores[[3, 4], 2] = 0.5, 0.4
    entropy = np.full(12, 0.1)
    entropy[[5, 6]] = 0.9
    for seed in range(5):
        result = select("clasp_pe", segmented(class_scores, entropy), 6, rng=np.random.default_rng(seed), beta=1e6)
        assert set(result.rows[:2].tolist()) == {1, 2}
        assert set(result.rows[2:4].tolist()) == {3, 4}
        assert set(result.rows[4:].tolist()) == {5, 6}
        assert result.reasons[0] == "entropy about class 1 0.5, drawn with beta 1e+06"
        assert result.reasons[5].startswith("entropy over all classes 0.9")


def test_in_classification_every_class_counts_by_entropy_times_probability():
    p = np.array([[0.6, 0.4], [0.4, 0.6], [0.99, 0.01], [0.9, 0.1]])
    pool = PoolView(embeddings=np.ones((4, 2), np.float32), labeled=np.zeros(4, bool), probabilities=p)
    result = select("clasp_pe", pool, 2, rng=np.random.default_rng(0), beta=1e6, foreground_share=1.0)
    assert result.rows.tolist() == [0, 1]
    assert [reason.split(",")[0] for reason in result.reasons] == [
        "entropy about class 0 0.4",
        "entropy about class 1 0.4",
    ]


def test_a_class_that_is_seen_nowhere_leaves_its_share_to_the_rest():
    class_scores = np.zeros((8, 3))
    class_scores[:4, 1] = 1
    result = select("clasp_pe", segmented(class_scores, np.arange(8.0)), 6, rng=np.random.default_rng(0))
    assert sum("class 2" in reason for reason in result.reasons) == 0
    assert sum("class 1" in reason for reason in result.reasons) == 2
    assert len(result.rows) == 6


@pytest.mark.parametrize(("rounds_done", "beta"), [(0.0, "1"), (0.5, "10"), (1.0, "100")])
def test_the_noise_fades_over_the_rounds(rounds_done, beta):
    pool = segmented(np.ones((9, 2)), np.ones(9))
    result = select("clasp_pe", pool, 3, rng=np.random.default_rng(0), rounds_done=rounds_done)
    assert all(reason.endswith(f"drawn with beta {beta}") for reason in result.reasons)


def test_shares_differ_by_one_at_most_and_no_class_is_favoured():
    totals = np.zeros(4)
    for seed in range(400):
        shares = even_shares(6, 4, rng=np.random.default_rng(seed))
        assert sorted(shares) == [1, 1, 2, 2]
        totals += shares
    assert np.ptp(totals) < 100
    assert even_shares(5, 0, rng=np.random.default_rng(0)) == []


def test_clasp_says_what_it_lacks():
    pool = segmented(np.ones((3, 2)), np.ones(3))
    with pytest.raises(MissingInput, match="needs class_scores or probabilities"):
        select("clasp_pe", dataclasses.replace(pool, class_scores=None), 1, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match=r"background_class must lie in 0\.\.1, or be None; got 2"):
        select("clasp_pe", pool, 1, rng=np.random.default_rng(0), background_class=2)


def test_the_class_with_fewest_labels_is_filled_up_first_by_hand():
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.4, 0.6], [0.55, 0.45]])
    pool = PoolView(
        embeddings=np.ones((6, 2), np.float32),
        labeled=np.array([True, True, False, False, False, False]),
        labels=np.array([0, 0, -1, -1, -1, -1]),
        probabilities=p,
    )
    result = select("class_balance", pool, 4, rng=np.random.default_rng(0))
    assert result.rows.tolist() == [4, 3, 5, 2]
    assert result.reasons[0] == "predicted class 1, which has 0 label(s) or picks; entropy 0.67"
    assert result.reasons[2].startswith("predicted class 0, which has 2 label(s)")


def test_class_balance_matches_a_plain_loop():
    pool = make_pool(n=70, n_classes=5, n_labeled=12)
    predicted = pool.probabilities.argmax(axis=1)
    entropy = -(pool.probabilities * np.log(pool.probabilities)).sum(axis=1)
    counts, left, expected = np.bincount(pool.labels[pool.labeled], minlength=5), set(np.flatnonzero(~pool.labeled)), []
    for _ in range(30):
        row = min(left, key=lambda i: (counts[predicted[i]], -entropy[i]))
        counts[predicted[row]] += 1
        left.discard(row)
        expected.append(int(row))
    assert select("class_balance", pool, 30, rng=np.random.default_rng(0)).rows.tolist() == expected


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("falcun", {"gamma": -1.0}, r"gamma must be a finite number >= 0; got -1\.0"),
        ("contrastive_al", {"n_neighbours": 0}, "n_neighbours must be >= 1; got 0"),
        ("clasp_pe", {"foreground_share": 1.5}, r"foreground_share must lie in 0\.\.1; got 1\.5"),
        ("clasp_pe", {"rounds_done": -0.1}, r"rounds_done must lie in 0\.\.1; got -0\.1"),
        ("clasp_pe", {"beta": 0.0}, "beta must be a finite number above 0"),
    ],
)
def test_wrong_settings_are_named(name, settings, message):
    with pytest.raises(InvalidInput, match=message):
        select(name, make_pool(), 3, rng=np.random.default_rng(0), **settings)
