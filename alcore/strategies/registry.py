"""The registry of query strategies and `select`, the one door to them."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from alcore.errors import InvalidInput, MissingInput, UnknownName
from alcore.types import PoolView, QueryResult

Need = Literal["embeddings", "groups", "probabilities", "committee"]
Phase = Literal["cold_start", "round", "any"]
_COMMON_ARGUMENTS = ("pool", "batch_size", "rng", "max_per_group")


@runtime_checkable
class StrategyFunction(Protocol):
    """A batch from a pool; a strategy may have more settings, keyword-only and with defaults."""

    def __call__(
        self, pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None
    ) -> QueryResult:
        """Choose at most `batch_size` distinct unlabeled rows."""
        ...


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One query strategy: what it is called, needs, and where it comes from."""

    name: str
    summary: str
    paper: str
    needs: frozenset[Need]
    phase: Phase
    """`cold_start` needs no model, `round` needs one, `any` does not care."""
    function: Callable[..., QueryResult]


_REGISTRY: dict[str, Strategy] = {}
STRATEGIES: Mapping[str, Strategy] = MappingProxyType(_REGISTRY)
"""All strategies by name, read-only."""


def register(
    name: str, *, paper: str, phase: Phase, needs: frozenset[Need] = frozenset()
) -> Callable[[StrategyFunction], StrategyFunction]:
    """Enter a strategy under `name`; its docstring's first line becomes the summary."""

    def enter(function: StrategyFunction) -> StrategyFunction:
        if name in _REGISTRY:
            raise InvalidInput(f"strategy {name!r} is registered already")
        summary = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        _REGISTRY[name] = Strategy(name=name, summary=summary, paper=paper, needs=needs, phase=phase, function=function)
        return function

    return enter


def select(
    name: str,
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    **settings: Any,
) -> QueryResult:
    """Choose the rows to ask next.

    Args:
        name: one of `STRATEGIES`.
        pool: the items; only unlabeled rows are chosen.
        batch_size: items to choose, at least 1.
        rng: the only source of chance; the same state gives the same rows.
        max_per_group: at most this many of one group in the batch. Items whose group is None stand alone.
        settings: the strategy's own settings.

    Returns:
        Distinct unlabeled rows in the order of choice; fewer than `batch_size` where pool or groups run out.

    Raises:
        UnknownName: there is no such strategy.
        MissingInput: the pool lacks an array that the strategy, or `max_per_group`, needs.
        InvalidInput: a number is out of range or a setting unknown.
    """
    strategy = _REGISTRY.get(name)
    if strategy is None:
        raise UnknownName.of("strategy", name, _REGISTRY)
    if batch_size < 1:
        raise InvalidInput(f"batch_size must be >= 1; got {batch_size}")
    if max_per_group is not None and max_per_group < 1:
        raise InvalidInput(f"max_per_group must be >= 1, or None for no limit; got {max_per_group}")
    if max_per_group is not None and pool.groups is None:
        raise MissingInput("max_per_group needs pool.groups: import the images with a group, or leave it out")
    allowed = [key for key in inspect.signature(strategy.function).parameters if key not in _COMMON_ARGUMENTS]
    for key in settings:
        if key not in allowed:
            raise InvalidInput(f"strategy {name!r} has no setting {key!r}; it has: {', '.join(allowed) or 'none'}")
    _check_needs(strategy, pool)
    if pool.labeled.all():
        return QueryResult(rows=np.zeros(0, dtype=np.int64))
    return strategy.function(pool, batch_size, rng=rng, max_per_group=max_per_group, **settings)


def _check_needs(strategy: Strategy, pool: PoolView) -> None:
    """Refuse a pool without what the strategy needs; pooled pixel scores stand in for probabilities."""
    if strategy.name in pool.uncertainty:
        return
    have = {
        "embeddings": True,
        "groups": pool.groups is not None,
        "probabilities": pool.probabilities is not None or pool.committee is not None,
        "committee": pool.committee is not None,
    }
    lacking = sorted(need for need in strategy.needs if not have[need])
    if not lacking:
        return
    hint = "import the images with a group"
    if lacking != ["groups"]:
        cold = sorted(entry.name for entry in _REGISTRY.values() if entry.phase == "cold_start")
        hint = f"train a head first, or begin with one of: {', '.join(cold)}"
    raise MissingInput(f"strategy {strategy.name!r} needs {' and '.join(lacking)}, which the pool lacks; {hint}")
