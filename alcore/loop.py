"""One simulated run, round by round: choose, ask, train, measure. Annotator and models are injected."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64, Shaped

from alcore.costs import expected_seconds
from alcore.errors import InvalidInput
from alcore.opinions import Opinion
from alcore.rounds import asks_a_head
from alcore.strategies import named, select
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

    @property
    def wants_offers(self) -> bool:
        """Whether the annotator is shown what the head would say, and begins with that."""
        ...

    def answer(self, row: int, rng: np.random.Generator, *, offer: Shaped[np.ndarray, "..."] | None = None) -> Answer:
        """Label one row as a person would; all chance comes from `rng`.

        Args:
            row: which one.
            rng: the source of chance.
            offer: the head's own target for this row; None where there is no head yet, or no offer is wanted.
        """
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

    @property
    def fitted(self) -> object:
        """The head of the last `fit_score`, for `suggest`."""
        ...

    def suggest(self, fitted: object, row: int) -> Shaped[np.ndarray, "..."]:
        """Return what a head says of a pool row, in the form of an answer's target."""
        ...


@dataclass(frozen=True, kw_only=True)
class State:
    """One run so far."""

    seed: int
    rows: list[int]
    answers: tuple[Answer, ...]
    """Of `rows`."""
    opinion: Opinion
    scored_rows: Int64[np.ndarray, " u"]
    curve: list[dict[str, Any]]
    fitted: object = None
    """The head."""
    before: Float[np.ndarray, "n c"] | None = None
    """Class probabilities of all rows by the head of the round before."""


@dataclass(kw_only=True)
class Loop:
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

    def seed_set(self, strategy: str, batch_size: int, seed: int) -> State:
        """Choose and label round 0, which depends on the seed and not on the later strategy."""
        pool = PoolView(
            embeddings=self.embeddings, labeled=np.zeros(len(self.embeddings), dtype=np.bool_), groups=self.groups
        )
        rng = np.random.default_rng([seed, 0, zlib.crc32(strategy.encode())])
        chosen = select(strategy, pool, batch_size, rng=rng, max_per_group=self.max_per_group).rows.tolist()
        return self._trained(
            State(seed=seed, rows=[], answers=(), opinion=Opinion(), scored_rows=_NO_ROWS, curve=[]),
            chosen,
            is_asked=True,
        )

    def run(self, strategy: str, start: State, rounds: int, batch_size: int) -> list[dict[str, Any]]:
        """Run one strategy from the seed set on; return its curve."""
        state, asks = start, asks_a_head(named(strategy).strategy)
        for number in range(1, rounds + 1):
            rng = np.random.default_rng([start.seed, number, zlib.crc32(strategy.encode())])
            pool = self._view(state)
            chosen = select(strategy, pool, batch_size, rng=rng, max_per_group=self.max_per_group).rows.tolist()
            if not chosen:
                break
            state = self._trained(state, chosen, is_asked=asks and number < rounds)
        return state.curve

    def _trained(self, state: State, chosen: list[int], *, is_asked: bool) -> State:
        """Ask for the chosen rows, train from scratch on all answers, measure, and add the point to the curve.

        The head scores the rest of the pool only where it `is_asked` by the strategy of a next round.
        """
        rows = state.rows + chosen
        answers = (*state.answers, *(self._answer(state, row) for row in chosen))
        number = len(state.curve)
        left = np.setdiff1d(np.arange(len(self.embeddings)), rows).astype(np.int64) if is_asked else _NO_ROWS
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
        return State(
            seed=state.seed,
            rows=rows,
            answers=answers,
            opinion=opinion,
            scored_rows=left,
            curve=[*state.curve, point],
            fitted=self.learner.fitted,
            before=state.opinion.over(len(self.embeddings), state.scored_rows).get("probabilities"),
        )

    def _answer(self, state: State, row: int) -> Answer:
        """Ask once per seed and row, or anew for each offer; chance depends on seed and row only."""
        key = (state.seed, row)
        if self.oracle.wants_offers and state.fitted is not None:
            offer = self.learner.suggest(state.fitted, row)
            return self.oracle.answer(row, np.random.default_rng(key), offer=offer)
        if key not in self.answers:
            self.answers[key] = self.oracle.answer(row, np.random.default_rng(key))
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

    def _view(self, state: State) -> PoolView:
        """Show a strategy the pool, what the head thinks of it, and what the answers so far were and took."""
        n, rows = len(self.embeddings), np.asarray(state.rows, dtype=np.int64)
        labeled = np.zeros(n, dtype=np.bool_)
        labeled[rows] = True
        labels = None
        if state.answers[0].target.ndim == 0:
            labels = np.full(n, -1)
            labels[rows] = [int(answer.target) for answer in state.answers]
        return PoolView(
            embeddings=self.embeddings,
            labeled=labeled,
            groups=self.groups,
            labels=labels,
            costs=expected_seconds(self.embeddings, rows, np.asarray([answer.seconds for answer in state.answers])),
            previous_probabilities=state.before,
            **state.opinion.over(n, state.scored_rows),
        )


_NO_ROWS = np.zeros(0, dtype=np.int64)
