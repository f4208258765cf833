"""Rules between representative and uncertain: one condition at a time, and regimes from removed labels."""

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.rules import removal_test, switch_to_uncertainty


def test_all_conditions_together_allow_the_switch():
    found = switch_to_uncertainty(np.asarray([3, 8]), 0.75, chance=0.5, ece=0.1)
    assert found.is_ready
    assert found.lacking == ()
    assert found.advice == "ask what is uncertain"


@pytest.mark.parametrize(
    ("labels", "score", "ece", "words"),
    [
        ([2, 8], 0.75, 0.1, r"class 0 has 2 label\(s\) of 3"),
        ([3, 8], 0.6, 0.1, "scores 0.60, not above 0.60"),
        ([3, 8], 0.75, 0.15, "calibration error is 0.15, not below 0.15"),
    ],
)
def test_each_condition_alone_holds_it_up(labels, score, ece, words):
    found = switch_to_uncertainty(np.asarray(labels), score, chance=0.5, ece=ece)
    assert not found.is_ready
    assert len(found.lacking) == 1
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found.advice)


def test_thresholds_are_the_users():
    found = switch_to_uncertainty(
        np.asarray([1, 1]), 0.52, chance=0.5, ece=0.3, min_labels=1, min_gain=0.01, max_ece=0.4
    )
    assert found.is_ready
    with pytest.raises(InvalidInput, match="at least one class"):
        switch_to_uncertainty(np.zeros(0, int), 0.5, chance=0.5, ece=0.1)
    with pytest.raises(InvalidInput, match="finite"):
        switch_to_uncertainty(np.asarray([3]), float("nan"), chance=0.5, ece=0.1)


def test_the_kind_whose_removal_hurts_most_names_the_regime():
    random, hurt = np.asarray([0.80, 0.81, 0.79]), np.asarray([0.70, 0.71, 0.69])
    low = removal_test(random, hurt, random)
    high = removal_test(random, random, hurt)
    assert (low.regime, high.regime) == ("low", "high")
    assert np.isclose(low.damage["typical"], 0.1)
    assert np.isclose(low.damage["uncertain"], 0.0)
    assert removal_test(hurt, random, random).regime == "undecided"  # random labels matter most


def test_a_difference_within_the_noise_decides_nothing():
    random = np.asarray([0.8, 0.8, 0.8])
    noisy = np.asarray([0.6, 0.95, 0.8])  # mean 0.783, standard error 0.10
    assert removal_test(random, noisy, random).regime == "undecided"
    assert removal_test(random, noisy, random, n_errors=0.0).regime == "low"
    assert removal_test(random, random, random).regime == "undecided"
    assert removal_test(random[:1], random[:1] - 0.01, random[:1]).regime == "low"  # one repetition: means alone
    # Worst 0.70 against 0.75, errors sqrt(0.0004/2) each: 0.05 stands out of 0.02 but not of 3 times that.
    a, b = np.asarray([0.68, 0.72]), np.asarray([0.73, 0.77])
    assert removal_test(random, b, a).regime == "high"
    assert removal_test(random, b, a, n_errors=3.0).regime == "undecided"


def test_empty_or_broken_groups_are_refused():
    good = np.asarray([0.5])
    with pytest.raises(InvalidInput, match="without_typical"):
        removal_test(good, good[:0], good)
    with pytest.raises(InvalidInput, match="without_uncertain"):
        removal_test(good, good, good * np.nan)
