"""The whole loop with a simulated annotator: seed set, train, choose, ask, again; budgets in annotator seconds.

Models and annotator are injected (`Learner`, `Oracle`); nothing here knows images. What makes runs comparable:

- For one seed all strategies start from the same seed set, and an image's answer is the same whoever asks for it.
- Heads are trained from scratch with a seed that depends on the run's seed and the round only.
- AUBC of one seed covers the same span of seconds for all strategies: from the seed set's cost to the smallest final
  budget among them. A strategy that asks for costly images gains nothing by a longer curve.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64, Shaped

from alcore.costs import expected_seconds
from alcore.curves import runs_of_seed, summarise
from alcore.errors import InvalidInput
from alcore.opinions import Opinion
from alcore.rounds import DEFAULT, DEFAULT_STRATEGY, Task, check_strategy, plan_round
from alcore.strategies import select
from alcore.types import PoolView, Progress

CLICKS_PER_BOX = 2


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an annotator gave for one image and what it cost."""

    target: Shaped[np.ndarray, "..."]
    """Label ids (H, W), or a class index as a 0-d array."""
    n_clicks: int = 0
    n_boxes: int = 0
    seconds: float


@runtime_checkable
class Oracle(Protocol):
    """A simulated annotator of the pool's rows."""

    def answer(self, row: int, rng: np.random.Generator) -> Answer:
        """Label one row as a person would; all chance comes from `rng`."""
        ...

    def truth(self, row: int) -> Shaped[np.ndarray, "..."]:
        """Return the reference target of a row, for the full-supervision value."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A head that is trained from scratch and measured on fixed test images, which are not in the pool."""

    @property
    def metric(self) -> str:
        """Name of what `evaluate` returns, e.g. `dice`; higher is better."""
        ...

    def fit_score(
        self,
        rows: Int64[np.ndarray, " l"],
        targets: Sequence[Shaped[np.ndarray, "..."]],
        pool_rows: Int64[np.ndarray, " u"],
        *,
        seed: int,
    ) -> Opinion:
        """Train on `rows`, then score `pool_rows` (possibly none)."""
        ...

    def evaluate(self) -> float:
        """Measure the head of the last `fit_score` on the test images."""
        ...


@dataclass(frozen=True, kw_only=True)
class SimulationNames:
    """What was simulated, as it stands in the result."""

    dataset: str
    encoder: str
    segmenter: str | None
    head: str
    prompts: str


def simulate(
    embeddings: Float[np.ndarray, "n d"],
    oracle: Oracle,
    learner: Learner,
    *,
    task: Task,
    names: SimulationNames,
    strategies: Sequence[str],
    cold_start: str = DEFAULT,
    rounds: int,
    batch_size: int,
    seeds: int | Sequence[int],
    groups: Shaped[np.ndarray, " n"] | None = None,
    max_per_group: int | None = None,
    full_value: float | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run every strategy with every seed and sum up.

    Args:
        embeddings: one row per pool item; test images are not among them.
        oracle: answers for pool rows.
        learner: trains, scores and measures.
        task: decides what `default` means.
        names: goes into the result as it is.
        strategies: names, `default` allowed; each is run.
        cold_start: chooses the seed set of `batch_size` items (round 0).
        rounds: batches chosen after the seed set, at least 0; a run ends early when the pool is used up.
        batch_size: items a batch.
        seeds: how many (0, 1, …), or which.
        groups: patient of each pool item.
        max_per_group: at most this many of a patient in one batch.
        full_value: the value of full supervision where it is known, which saves the costliest training.
        progress: called with (trainings done, trainings in all).

    Returns:
        The simulate JSON: dataset, task, encoder, segmenter, head, prompts, full_supervision {metric, value}, runs
        [{strategy, cold_start, seed, curve [{round, n_labeled, clicks, seconds, metric, value}], aubc}] and summary
        {strategy: {aubc_mean, aubc_ci95, seconds_to_95pct}}. Labels, clicks and seconds add up over rounds; a box
        counts two clicks. `seconds_to_95pct` is the mean over seeds of the time at which the straight lines between
        points first reach 95 % of full supervision; null if any seed never does. The interval is a bootstrap over
        seeds.

    Raises:
        InvalidInput: a number is out of range, a name unknown or listed twice.
    """
    plan = plan_round(task, 0, None, cold_start, DEFAULT, batch_size)
    seed_list = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    resolved = [DEFAULT_STRATEGY[task] if name == DEFAULT else name for name in strategies]
    if not seed_list or not resolved or rounds < 0 or batch_size < 1 or batch_size > len(embeddings):
        raise InvalidInput(
            f"need a seed, a strategy, rounds >= 0 and 1 <= batch_size <= {len(embeddings)} (pool size); got "
            f"{len(seed_list)} seeds, {len(resolved)} strategies, rounds={rounds}, batch_size={batch_size}"
        )
    if len(set(resolved)) < len(resolved) or len(set(seed_list)) < len(seed_list):
        raise InvalidInput(f"a strategy or seed is listed twice: {', '.join(resolved)}; {seed_list}")
    for name in resolved:
        check_strategy(name, n_labeled=1, task=task)
    n_batches = min(rounds, -(-len(embeddings) // batch_size) - 1)
    loop = _Loop(
        embeddings=np.ascontiguousarray(embeddings),
        groups=groups,
        max_per_group=max_per_group,
        oracle=oracle,
        learner=learner,
        progress=progress,
        n_trainings=int(full_value is None) + len(seed_list) * (1 + len(resolved) * n_batches),
    )
    full = loop.full_supervision() if full_value is None else full_value
    runs = []
    for seed in seed_list:
        start = loop.seed_set(plan.strategy, batch_size, seed)
        curves = {name: loop.run(name, start, rounds, batch_size) for name in resolved}
        runs += runs_of_seed(curves, cold_start=plan.strategy, seed=seed)
    return {
        "dataset": names.dataset,
        "task": task,
        "encoder": names.encoder,
        "segmenter": names.segmenter,
        "head": names.head,
        "prompts": names.prompts,
        "full_supervision": {"metric": learner.metric, "value": full},
        "runs": runs,
        "summary": {name: summarise([run for run in runs if run["strategy"] == name], full) for name in resolved},
    }


@dataclass(frozen=True, kw_only=True)
class _State:
    """One run so far."""

    seed: int
    rows: list[int]
    opinion: Opinion
    scored_rows: Int64[np.ndarray, " u"]
    curve: list[dict[str, Any]]
    before: Float[np.ndarray, "n c"] | None = None
    """Class probabilities of all rows by the head of the round before."""


@dataclass(kw_only=True)
class _Loop:
    """The parts that all runs share, with each seed's answers so that no image is answered twice."""

    embeddings: Float[np.ndarray, "n d"]
    groups: Shaped[np.ndarray, " n"] | None
    max_per_group: int | None
    oracle: Oracle
    learner: Learner
    progress: Progress | None
    n_trainings: int
    n_trained: int = 0
    answers: dict[tuple[int, int], Answer] = field(default_factory=dict)

    def full_supervision(self) -> float:
        """Train on the whole pool with reference targets and measure."""
        rows = np.arange(len(self.embeddings), dtype=np.int64)
        targets = [self.oracle.truth(row) for row in rows.tolist()]
        self.learner.fit_score(rows, targets, rows[:0], seed=0)
        return self._measured()

    def seed_set(self, strategy: str, batch_size: int, seed: int) -> _State:
        """Choose and label round 0, which depends on the seed and not on the later strategy."""
        pool = PoolView(
            embeddings=self.embeddings, labeled=np.zeros(len(self.embeddings), dtype=np.bool_), groups=self.groups
        )
        rng = np.random.default_rng([seed, 0, zlib.crc32(strategy.encode())])
        chosen = select(strategy, pool, batch_size, rng=rng, max_per_group=self.max_per_group).rows.tolist()
        return self._trained(_State(seed=seed, rows=[], opinion=Opinion(), scored_rows=_NO_ROWS, curve=[]), chosen)

    def run(self, strategy: str, start: _State, rounds: int, batch_size: int) -> list[dict[str, Any]]:
        """Run one strategy from the seed set on; return its curve."""
        state = start
        for number in range(1, rounds + 1):
            rng = np.random.default_rng([start.seed, number, zlib.crc32(strategy.encode())])
            pool = self._view(state)
            chosen = select(strategy, pool, batch_size, rng=rng, max_per_group=self.max_per_group).rows.tolist()
            if not chosen:
                break
            state = self._trained(state, chosen)
        return state.curve

    def _trained(self, state: _State, chosen: list[int]) -> _State:
        """Ask for the chosen rows, train from scratch on all answers, measure, and add the point to the curve."""
        rows = state.rows + chosen
        answers = [self._answer(state.seed, row) for row in rows]
        number = len(state.curve)
        left = np.setdiff1d(np.arange(len(self.embeddings)), rows).astype(np.int64)
        opinion = self.learner.fit_score(
            np.asarray(rows, dtype=np.int64), [a.target for a in answers], left, seed=state.seed * 1000 + number
        )
        point = {
            "round": number,
            "n_labeled": len(rows),
            "clicks": sum(answer.n_clicks + CLICKS_PER_BOX * answer.n_boxes for answer in answers),
            "seconds": round(float(sum(answer.seconds for answer in answers)), 3),
            "metric": self.learner.metric,
            "value": self._measured(),
        }
        return _State(
            seed=state.seed,
            rows=rows,
            opinion=opinion,
            scored_rows=left,
            curve=[*state.curve, point],
            before=state.opinion.over(len(self.embeddings), state.scored_rows).get("probabilities"),
        )

    def _answer(self, seed: int, row: int) -> Answer:
        """Ask once per seed and row; chance depends on these two only."""
        key = (seed, row)
        if key not in self.answers:
            self.answers[key] = self.oracle.answer(row, np.random.default_rng([seed, row]))
        return self.answers[key]

    def _measured(self) -> float:
        """Measure the head just trained and report progress."""
        value = float(self.learner.evaluate())
        if not np.isfinite(value):
            raise InvalidInput(f"the learner's {self.learner.metric} is {value}; it must be finite")
        self.n_trained += 1
        if self.progress is not None:
            self.progress(self.n_trained, self.n_trainings)
        return value

    def _view(self, state: _State) -> PoolView:
        """Show a strategy the pool, what the head thinks of it, and what the answers so far were and took."""
        n, rows = len(self.embeddings), np.asarray(state.rows, dtype=np.int64)
        labeled = np.ones(n, dtype=np.bool_)
        labeled[state.scored_rows] = False
        answers = [self._answer(state.seed, row) for row in state.rows]
        labels = None
        if answers[0].target.ndim == 0:
            labels = np.full(n, -1)
            labels[rows] = [int(answer.target) for answer in answers]
        return PoolView(
            embeddings=self.embeddings,
            labeled=labeled,
            groups=self.groups,
            labels=labels,
            costs=expected_seconds(self.embeddings, rows, np.asarray([answer.seconds for answer in answers])),
            previous_probabilities=state.before,
            **state.opinion.over(n, state.scored_rows),
        )


_NO_ROWS = np.zeros(0, dtype=np.int64)
