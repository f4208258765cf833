"""Whether to go on: a forecast for one batch, and one sentence out of all checks."""

import numpy as np
import pytest

from alcore.advice import MIN_POINTS, advise, next_batch_gain
from alcore.errors import InvalidInput
from alcore.stopping import coverage_check, marginal_gain, stability

SECONDS = [60.0, 120.0, 240.0, 480.0, 960.0]


def law(seconds, a=0.9, b=3.0, k=0.5):
    return [a - b * s**-k for s in seconds]


def gain_of(values, *, seconds=SECONDS, next_s=240.0, min_gain=0.005):
    return next_batch_gain(seconds, values, next_s=next_s, min_gain=min_gain, rng=np.random.default_rng(0))


def test_a_clean_curve_is_carried_on_exactly():
    found = gain_of(law(SECONDS))
    ahead = law([1200.0])[0] - law([960.0])[0]
    assert found.value == pytest.approx(ahead, rel=0.05)  # the law's exponent lies between those of the grid
    assert found.interval[0] <= found.value <= found.interval[1]
    assert (found.name, found.is_met) == ("next_batch_gain", False)
    assert "likely to bring +0.01" in found.advice


def test_the_gain_of_a_batch_is_the_rate_times_its_minutes():
    rate = marginal_gain(
        np.array(SECONDS), np.array(law(SECONDS)), threshold=1.0, horizon_s=240.0, rng=np.random.default_rng(0)
    )
    assert gain_of(law(SECONDS)).value == pytest.approx(4 * rate.value)


def test_a_level_curve_brings_nothing_more():
    found = gain_of([0.8] * 5)
    assert found.value == 0
    assert found.is_met


def test_short_curves_have_no_forecast_and_repeated_points_count_once():
    assert gain_of(law(SECONDS)[:3], seconds=SECONDS[:3]) is None
    assert gain_of([], seconds=[]) is None
    repeated = [0.0, 60.0, 60.0, 120.0, 240.0]
    assert gain_of(law([1, *repeated[1:]]), seconds=repeated) is None  # three that differ
    longer, values = [*SECONDS[:1], *SECONDS], [0.0, *law(SECONDS)]
    assert gain_of(values, seconds=longer).value == gain_of(law(SECONDS)).value  # the last of a second counts
    with pytest.raises(InvalidInput, match="next_s above 0"):
        gain_of(law(SECONDS), next_s=0.0)
    with pytest.raises(InvalidInput, match="as many seconds"):
        gain_of([0.1])


def told(gain, agreements, others=()):
    stable = stability("kappa_stability", agreements) if agreements else None
    return advise(gain, stable, others, metric="balanced_accuracy", n_next=20, n_points=5)


def test_each_pair_of_signs_has_its_advice():
    rising, level = gain_of(law(SECONDS)), gain_of([0.8] * 5)
    moving, still = [0.5, 0.9, 0.9], [0.995, 0.999, 1.0]
    assert told(rising, moving).action == "go_on"
    assert told(rising, still).action == told(level, moving).action == told(level, []).action == "consider"
    assert told(level, still).action == "stop"
    sentence = told(level, still).sentence
    assert sentence.startswith("You may stop: the next 20 images are likely to raise balanced accuracy by 0.000")
    assert "One more round will tell" in told(level, moving).sentence


def test_without_a_forecast_the_advice_is_to_wait_and_says_for_what():
    found = advise(None, None, metric="", n_next=20, n_points=2)
    assert (found.action, found.checks) == ("wait", ())
    assert found.sentence == f"Too early to advise: a forecast needs {MIN_POINTS} measured rounds, and 2 are there."


def test_checks_that_decide_nothing_are_shown_last():
    covered = coverage_check(0.97)
    found = told(gain_of(law(SECONDS)), [1.0, 1.0, 1.0], [covered])
    assert [check.name for check in found.checks] == ["next_batch_gain", "kappa_stability", "pool_coverage"]
    assert covered.is_met
    assert found.action == told(gain_of(law(SECONDS)), [1.0, 1.0, 1.0]).action
