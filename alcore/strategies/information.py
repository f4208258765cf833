"""Strategies that ask what a committee's answers would tell: of the model (BatchBALD), of predictions (EPIG)."""

import numpy as np
from jaxtyping import Float, Float64, Int64

from alcore.acquisition import bald
from alcore.acquisition.probability import check_probabilities, raw_entropy
from alcore.errors import InvalidInput
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import ranking
from alcore.types import PoolView, QueryResult

_FIRST_LOOK = 1024
"""Items that EPIG scores before it first asks whether the batch is decided."""
_LAZY_BLOCK = 64
"""Candidates that BatchBALD looks at again together."""
_MAX_ENTRIES = 2**21
"""Entries of the largest temporary array."""
_ROUNDING = 1e-6
"""Slack for bounds in float32."""


@register(
    "epig",
    paper="Bickford Smith et al. 2023 (arXiv:2304.08151)",
    phase="round",
    needs=frozenset({"committee"}),
    cost="O(n·m·c²·s) for m targets, less where few items can win",
    advice="Asks for what helps predictions on the pool; bald may chase oddities that matter to no other item",
    is_nested=True,
)
def epig(
    pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None, n_targets: int = 100
) -> QueryResult:
    """Ask where the answer would tell most about the predictions on other items of the pool.

    Source: Bickford Smith et al. 2023 (arXiv:2304.08151), the expected predictive information gain, exact for the
    committee. Targets are `n_targets` items drawn from the whole pool, all of it where it is no larger. O(n·m·c²·s) for
    m targets. An answer tells no more about predictions than about the model, so `bald` bounds the score: items are
    scored in the order of `bald` until no other can win, which changes no result. Departure: a batch is the highest
    scores together, which may repeat one another; ties by chance.
    """
    if n_targets < 1:
        raise InvalidInput(f"n_targets must be >= 1; got {n_targets}")
    assert pool.committee is not None  # `select` has checked
    committee, n = pool.committee, len(pool.labeled)
    drawn = np.sort(rng.choice(n, size=n_targets, replace=False)) if n_targets < n else np.arange(n)
    bounds = bald(committee)
    order = ranking(bounds, pool, rng)
    ties = rng.random(len(order))
    scores = np.empty(len(order))
    n_scored = 0
    while True:
        look = slice(n_scored, max(2 * n_scored, _FIRST_LOOK))
        scores[look] = predictive_information(committee[:, order[look]], committee[:, drawn])
        n_scored = min(look.stop, len(order))
        best_first = np.lexsort((ties[:n_scored], -scores[:n_scored]))
        rows = Quota(pool, max_per_group).take_in_order(order[best_first], batch_size)
        found = scores[:n_scored][best_first][np.isin(order[best_first], rows)]
        if n_scored == len(order) or (len(rows) == batch_size and found[-1] > bounds[order[n_scored]] + _ROUNDING):
            break
    reasons = tuple(f"its label tells {score:.3g} nats about a prediction elsewhere" for score in found.tolist())
    return QueryResult(rows=rows, scores=found, reasons=reasons)


def predictive_information(
    committee: Float[np.ndarray, "s n c"], targets: Float[np.ndarray, "s m c"]
) -> Float64[np.ndarray, " n"]:
    """Return the mean information, in nats, that an item's label holds about a target's: in [0, ln c].

    Args:
        committee: class probabilities of each item by each member.
        targets: class probabilities of each target by the same members.

    Raises:
        InvalidInput: a row is no distribution.

    Source: Bickford Smith et al. 2023 (arXiv:2304.08151), EPIG for classification: entropy of the item plus
    mean entropy of the targets minus mean joint entropy. O(n·m·c²·s), one matrix product a block of items.
    """
    check_probabilities(committee)
    check_probabilities(targets)
    s, n, c = committee.shape
    m = targets.shape[1]
    exact = _normalized(targets)
    right = exact.reshape(s, m * c) / s
    target_entropy = raw_entropy(exact.mean(axis=0)).mean()
    step = max(1, _MAX_ENTRIES // (c * c * m))
    out = np.empty(n)
    for start in range(0, n, step):
        block = _normalized(committee[:, start : start + step])
        joint = block.reshape(s, -1).T @ right
        joint_entropy = raw_entropy(joint).reshape(-1, c).sum(axis=1) / m
        out[start : start + step] = raw_entropy(block.mean(axis=0)) + target_entropy - joint_entropy
    return np.maximum(out, 0)


@register(
    "batch_bald",
    paper="Kirsch, van Amersfoort & Gal 2019 (arXiv:1906.08158)",
    phase="round",
    needs=frozenset({"committee"}),
    cost="O(s·n·c + b·m·k·s·c) for m candidates and k configurations, less where few can win",
    advice="bald for batches: counts what two items share once; no better than bald for single items",
    is_nested=True,
)
def batch_bald(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_candidates: int = 1000,
    n_configurations: int = 4096,
) -> QueryResult:
    """Take the batch whose answers together would tell most about the model, item by item.

    Source: Kirsch, van Amersfoort & Gal 2019, Algorithm 1 (arXiv:1906.08158). Candidates are the `n_candidates` items
    of highest `bald`, which bounds what an item can add; where groups or a large batch use them up, the next ones
    follow. Joint answers of the chosen items are listed while there are at most `n_configurations`, and every number
    is exact; beyond that as many are drawn, evenly from the members. O(s·n·c) for the bounds, then O(m·k·s·c) a pick
    for m candidates and k configurations at worst; while exact, candidates whose earlier gain is too low are not
    looked at again, which changes no result. Departures: the prefilter; configurations are drawn member by member and
    carried along from pick to pick; gains are computed as the information left under the posterior that each
    configuration implies, which is the same number and does not underflow in long batches.
    """
    if n_candidates < 1 or n_configurations < 1:
        raise InvalidInput(f"n_candidates and n_configurations must be >= 1; got {n_candidates} and {n_configurations}")
    assert pool.committee is not None  # `select` has checked
    order = ranking(bald(pool.committee), pool, rng)
    answers = JointAnswers(len(pool.committee), pool.committee.shape[2], n_configurations, rng)
    quota = Quota(pool, max_per_group)
    rows: list[int] = []
    gains: list[float] = []
    for start in range(0, len(order), n_candidates):
        candidates = order[start : start + n_candidates]
        candidates = candidates[quota.open[candidates]]
        for row, gain in _greedy(pool.committee, candidates, quota, answers, batch_size - len(rows)):
            rows.append(row)
            gains.append(gain)
        if len(rows) == batch_size:
            break
    reasons = tuple(f"adds {gain:.3g} nats about the model to the rows before" for gain in gains)
    return QueryResult(rows=np.asarray(rows, dtype=np.int64), scores=np.asarray(gains), reasons=reasons)


class JointAnswers:
    """The possible joint answers to the chosen items: how likely each is, and what it would say about the members.

    `weights` (k,) sums to 1; `posterior` (k, s) is the distribution over members that each configuration implies.
    """

    def __init__(self, n_members: int, n_classes: int, n_configurations: int, rng: np.random.Generator) -> None:
        self.weights: Float64[np.ndarray, " k"] = np.ones(1)
        self.posterior: Float64[np.ndarray, "k s"] = np.full((1, n_members), 1 / n_members)
        self.is_exact = True
        self._n_classes = n_classes
        self._limit = n_configurations
        self._rng = rng
        self._chosen: list[Float64[np.ndarray, "s c"]] = []
        self._truth: Int64[np.ndarray, " k"] = np.zeros(0, dtype=np.int64)

    def gains(self, items: Float[np.ndarray, "s m c"]) -> Float64[np.ndarray, " m"]:
        """Return the information about the members that each item's answer would add, in nats."""
        s, m, c = items.shape
        out = np.empty(m)
        step = max(1, _MAX_ENTRIES // (len(self.weights) * c))
        for start in range(0, m, step):
            block = _normalized(items[:, start : start + step])
            predictions = (self.posterior @ block.reshape(s, -1)).reshape(len(self.weights), -1, c)
            # Under the drawn posterior too, so that the noise of both terms cancels and no gain is below 0.
            noise = (self.weights @ self.posterior) @ raw_entropy(block)
            out[start : start + step] = self.weights @ raw_entropy(predictions) - noise
        return np.maximum(out, 0)

    def add(self, item: Float[np.ndarray, "s c"]) -> None:
        """Extend the configurations by the answers to one more item."""
        self._chosen.append(_normalized(item))
        if self.is_exact and len(self.weights) * self._n_classes <= self._limit:
            joint = self.posterior[:, None, :] * self._chosen[-1].T
            chance = joint.sum(axis=2)
            weights = (self.weights[:, None] * chance).ravel()
            self.posterior = joint.reshape(len(weights), -1)[weights > 0] / chance.reshape(-1, 1)[weights > 0]
            self.weights = weights[weights > 0]
        elif self.is_exact:
            self._begin_to_draw()
        else:
            self._draw(self._chosen[-1])

    def _begin_to_draw(self) -> None:
        """Replace the list of all configurations by draws, equally many of each member's."""
        n_members = self.posterior.shape[1]
        self._truth = np.repeat(np.arange(n_members), -(-self._limit // n_members))
        self.weights = np.full(len(self._truth), 1 / len(self._truth))
        self.posterior = np.full((len(self._truth), n_members), 1 / n_members)
        self.is_exact = False
        for item in self._chosen:
            self._draw(item)

    def _draw(self, item: Float64[np.ndarray, "s c"]) -> None:
        """Let the member behind each configuration answer, and update what the answer says about all members."""
        reach = np.cumsum(item, axis=1)[self._truth]
        answers = (self._rng.random((len(reach), 1)) * reach[:, -1:] >= reach).sum(axis=1)
        self.posterior *= item[:, answers].T
        self.posterior /= self.posterior.sum(axis=1, keepdims=True)


def _greedy(
    committee: Float[np.ndarray, "s n c"],
    candidates: Int64[np.ndarray, " m"],
    quota: Quota,
    answers: JointAnswers,
    n_picks: int,
) -> list[tuple[int, float]]:
    """Pick the candidate that adds most, again and again; gains only shrink, so earlier ones are upper bounds."""
    picks: list[tuple[int, float]] = []
    gains = np.full(len(candidates), np.inf)
    is_open = quota.open[candidates]
    while len(picks) < n_picks and is_open.any():
        if not answers.is_exact:
            gains[:] = np.inf  # draws make the gains noisy: they bound nothing
        is_stale = is_open.copy()
        best = -np.inf
        while is_stale.any() and gains[is_stale].max() + _ROUNDING >= best:
            stale = np.flatnonzero(is_stale)
            look = stale[np.argsort(-gains[stale], kind="stable")[:_LAZY_BLOCK]]
            gains[look] = answers.gains(committee[:, candidates[look]])
            is_stale[look] = False
            best = max(best, float(gains[look].max()))
        place = int(np.where(is_open & ~is_stale, gains, -np.inf).argmax())
        picks.append((int(candidates[place]), float(gains[place])))
        quota.take(picks[-1][0])
        answers.add(committee[:, candidates[place]])
        is_open = quota.open[candidates]
    return picks


def _normalized(probabilities: Float[np.ndarray, "*items c"]) -> Float64[np.ndarray, "*items c"]:
    """Return float64 probabilities that sum to 1 as closely: small gains are differences of large entropies."""
    precise = probabilities.astype(np.float64)
    return precise / precise.sum(axis=-1, keepdims=True)
