"""The simulated loop, with a nearest-mean head on toy clusters."""

import json
from itertools import pairwise

import numpy as np
import pytest

from alcore.curves import aubc_until, seconds_until, summarise
from alcore.errors import InvalidInput, UnknownName
from alcore.loop import Answer
from alcore.opinions import Opinion
from alcore.simulation import SimulationNames, simulate

NAMES = SimulationNames(dataset="toy", encoder="none", segmenter=None, head="nearest mean", prompts="exact")
N_CLASSES = 3


def make_points(n, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(N_CLASSES, size=n)
    points = np.eye(N_CLASSES)[labels] + 0.45 * rng.normal(size=(n, N_CLASSES))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), labels


class ToyOracle:
    """Knows the classes; every third image costs five times as much."""

    def __init__(self, labels, *, wants_offers=False):
        self.labels, self.asked, self.offers, self.wants_offers = labels, [], {}, wants_offers

    def answer(self, row, rng, *, offer=None):
        self.asked.append(row)
        self.offers.setdefault(row, []).append(offer)
        return Answer(target=np.asarray(self.labels[row]), n_clicks=1, n_boxes=1, seconds=5.0 if row % 3 == 0 else 1.0)

    def truth(self, row):
        return np.asarray(self.labels[row])


class ToyLearner:
    """Nearest class mean with softmax scores."""

    metric = "accuracy"

    def __init__(self, pool, test, test_labels):
        self.pool, self.test, self.test_labels, self.seeds = pool, test, test_labels, []
        self.fitted = None

    def fit_score(self, rows, targets, pool_rows, *, seed):
        self.seeds.append(seed)
        labels = np.asarray([int(target) for target in targets])
        means = [self.pool[rows[labels == c]].mean(axis=0) if (labels == c).any() else np.zeros(3) for c in range(3)]
        self.fitted = np.asarray(means)
        return Opinion(probabilities=self._predict(self.fitted, self.pool[pool_rows]))

    def _predict(self, means, points):
        logits = np.exp(4 * points @ means.T)
        return logits / logits.sum(axis=1, keepdims=True)

    def evaluate(self):
        return float((self._predict(self.fitted, self.test).argmax(axis=1) == self.test_labels).mean())

    def suggest(self, fitted, row):
        return self._predict(fitted, self.pool[[row]])[0].argmax()


def run(strategies=("random", "margin"), *, wants_offers=False, **options):
    pool, labels = make_points(60, 0)
    test, test_labels = make_points(200, 1)
    oracle, learner = ToyOracle(labels, wants_offers=wants_offers), ToyLearner(pool, test, test_labels)
    options = {
        "rounds": 4,
        "batch_size": 6,
        "seeds": 3,
        "cold_start": "kmeans_medoid",
        "task": "classification",
    } | options
    return simulate(pool, oracle, learner, names=NAMES, strategies=list(strategies), **options), oracle, learner


def test_the_result_has_the_documented_fields_and_is_json():
    result, _, _ = run()
    assert list(json.loads(json.dumps(result))) == [
        "dataset", "task", "encoder", "segmenter", "head", "prompts", "full_supervision", "runs", "summary",
    ]  # fmt: skip
    assert set(result["full_supervision"]) == {"metric", "value"}
    assert len(result["runs"]) == 6
    for entry in result["runs"]:
        assert set(entry) == {"strategy", "cold_start", "seed", "curve", "aubc"}
        assert set(entry["curve"][0]) == {"round", "n_labeled", "clicks", "seconds", "metric", "value"}
    assert set(result["summary"]) == {"random", "margin"}
    assert set(result["summary"]["margin"]) == {"aubc_mean", "aubc_ci95", "seconds_to_95pct"}


def test_budgets_add_up_from_the_seed_set_on():
    result, _, _ = run()
    for entry in result["runs"]:
        curve = entry["curve"]
        assert [point["round"] for point in curve] == [0, 1, 2, 3, 4]
        assert [point["n_labeled"] for point in curve] == [6, 12, 18, 24, 30]
        assert [point["clicks"] for point in curve] == [18, 36, 54, 72, 90]
        assert all(later["seconds"] > earlier["seconds"] for earlier, later in pairwise(curve))


def test_for_one_seed_all_strategies_begin_alike_and_nobody_is_asked_twice():
    result, oracle, learner = run()
    for seed in range(3):
        starts = [entry["curve"][0] for entry in result["runs"] if entry["seed"] == seed]
        assert starts[0] == starts[1]
    assert len(learner.seeds) == 1 + 3 * (1 + 2 * 4)
    assert len(oracle.asked) <= 3 * 60
    for seed in range(3):
        assert learner.seeds.count(seed * 1000 + 1) == 2


def test_the_same_call_gives_the_same_result_and_seeds_differ():
    assert run()[0] == run()[0]
    curves = [entry["curve"] for entry in run(["random"])[0]["runs"]]
    assert curves[0] != curves[1]


def test_a_strategy_does_not_depend_on_its_company():
    alone = [entry["curve"] for entry in run(["margin"])[0]["runs"]]
    together = [entry["curve"] for entry in run()[0]["runs"] if entry["strategy"] == "margin"]
    assert alone == together


def test_the_curves_rise_towards_full_supervision():
    result, _, _ = run(rounds=8)
    full = result["full_supervision"]["value"]
    assert full > 0.8
    assert result["runs"][0]["curve"][-1]["value"] > full - 0.1


def test_a_run_ends_when_the_pool_is_used_up():
    seen = []
    result, _, _ = run(["random"], rounds=50, batch_size=25, seeds=[7], progress=lambda *at: seen.append(at))
    assert [point["n_labeled"] for point in result["runs"][0]["curve"]] == [25, 50, 60]
    assert result["runs"][0]["seed"] == 7
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_default_means_the_tasks_own():
    result, _, _ = run(["default"], cold_start="default", seeds=1)
    assert [(entry["strategy"], entry["cold_start"]) for entry in result["runs"]] == [("uherding", "kmeans_medoid")]


def test_groups_are_spread():
    groups = np.repeat(np.arange(10), 6)
    result, oracle, _ = run(["random"], groups=groups, max_per_group=1, rounds=0, batch_size=10, seeds=1)
    assert sorted(groups[oracle.asked]) == list(range(10))
    assert len(result["runs"][0]["curve"]) == 1


def test_wrong_settings_are_refused():
    for options, words in (
        ({"rounds": -1}, "rounds=-1"),
        ({"batch_size": 61}, "pool size"),
        ({"seeds": 0}, "0 seeds"),
        ({"strategies": ["random", "random"]}, "listed twice"),
        ({"cold_start": "margin"}, "nothing is labeled yet"),
    ):
        with pytest.raises(InvalidInput, match=words):
            run(**options)
    with pytest.raises(UnknownName, match="unknown strategy 'bulk'"):
        run(["bulk"])


def test_areas_are_compared_over_the_same_seconds():
    assert aubc_until([0.0, 10.0, 20.0], [0.0, 0.5, 1.0], 20.0) == pytest.approx(0.5)
    assert aubc_until([0.0, 10.0, 20.0], [0.0, 0.5, 1.0], 10.0) == pytest.approx(0.25)
    assert aubc_until([0.0, 10.0, 20.0], [0.0, 0.5, 1.0], 5.0) == pytest.approx(0.125)
    assert aubc_until([4.0, 10.0], [0.3, 0.5], 4.0) == pytest.approx(0.3)
    result, _, _ = run()
    for seed in range(3):
        runs = [entry for entry in result["runs"] if entry["seed"] == seed]
        horizon = min(entry["curve"][-1]["seconds"] for entry in runs)
        for entry in runs:
            x = np.linspace(entry["curve"][0]["seconds"], horizon, 20001)
            y = np.interp(x, [p["seconds"] for p in entry["curve"]], [p["value"] for p in entry["curve"]])
            assert entry["aubc"] == pytest.approx(y.mean(), abs=1e-3)


def test_the_time_to_a_target_lies_on_the_line_between_points():
    assert seconds_until([10.0, 20.0, 40.0], [0.2, 0.6, 0.9], 0.4) == pytest.approx(15)
    assert seconds_until([10.0, 20.0], [0.5, 0.4], 0.3) == 10
    assert seconds_until([10.0, 20.0], [0.1, 0.2], 0.3) is None


def test_the_summary_is_null_where_a_seed_never_reaches_the_target():
    def entry(last):
        return {"aubc": last / 2, "curve": [{"seconds": 0.0, "value": 0.0}, {"seconds": 10.0, "value": last}]}

    both = summarise([entry(1.0), entry(0.96)], 1.0)
    assert both["seconds_to_95pct"] == pytest.approx((9.5 + 9.5 / 0.96) / 2)
    assert both["aubc_mean"] == pytest.approx(0.49)
    assert both["aubc_ci95"][0] <= 0.49 <= both["aubc_ci95"][1]
    assert summarise([entry(1.0), entry(0.9)], 1.0)["seconds_to_95pct"] is None


def test_full_supervision_that_is_known_is_not_trained_again():
    report, _, learner = run(("random",), seeds=(7,))
    known, _, again = run(("random",), seeds=(7,), full_value=report["full_supervision"]["value"])
    assert known["runs"] == report["runs"]
    assert known["full_supervision"] == report["full_supervision"]
    assert len(again.seeds) == len(learner.seeds) - 1


def test_strategies_are_shown_labels_costs_and_the_head_before(monkeypatch):
    from alcore import loop

    seen = []

    def watch(name, pool, batch_size, **options):
        seen.append(pool)
        return original(name, pool, batch_size, **options)

    original = loop.select
    monkeypatch.setattr(loop, "select", watch)
    _, oracle, _ = run(("random",), seeds=1, rounds=2)
    first, second, third = seen
    assert first.labels is None
    assert (second.labels[second.labeled] == oracle.labels[second.labeled]).all()
    assert (second.labels[~second.labeled] == -1).all()
    assert second.previous_probabilities is None
    np.testing.assert_array_equal(third.previous_probabilities, second.probabilities)
    assert (second.costs >= 1).all()
    assert (second.costs <= 5).all()


def test_an_annotator_who_verifies_sees_what_the_head_of_this_run_says():
    """Both runs start from one head, so their first offers for one row are equal, whatever was trained in between."""
    _, oracle, _ = run(wants_offers=True, seeds=1, rounds=1, batch_size=30)
    offered = {row: [int(o) for o in offers if o is not None] for row, offers in oracle.offers.items()}
    assert {len(offers) for offers in offered.values()} <= {0, 2}  # the seed set has no head to look at
    assert sum(len(offers) for offers in offered.values()) == 60
    assert all(len(set(offers)) <= 1 for offers in offered.values())
    right = np.mean([offers[0] == oracle.labels[row] for row, offers in offered.items() if offers])
    assert right > 0.7
    assert run(wants_offers=True)[0]["runs"] == run(wants_offers=True)[0]["runs"]


def test_without_offers_no_head_is_asked():
    _, oracle, _ = run(("random",))
    assert all(offer is None for offers in oracle.offers.values() for offer in offers)
