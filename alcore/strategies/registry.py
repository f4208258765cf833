"""The registry of query strategies and `select`, the one door to them."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from alcore.acquisition import ACQUISITIONS
from alcore.errors import InvalidInput, MissingInput, UnknownName
from alcore.strategies.settings import (
    Setting,
    Value,
    check_choice,
    check_known,
    read_settings,
    settings_of,
    split_spec,
    write_spec,
)
from alcore.types import PoolView, Progress, QueryResult

Need = Literal[
    "embeddings",
    "groups",
    "positions",
    "labels",
    "probabilities",
    "committee",
    "augmented",
    "second_opinions",
    "previous_probabilities",
    "evidence",
    "head",
    "losses",
    "pretext_losses",
    "costs",
    "foreground",
    "patches",
    "class_mixtures",
    "class_scores",
]
"""The fields of `PoolView` that a strategy may ask for."""
Phase = Literal["cold_start", "round", "any"]
FROM_A_HEAD = frozenset(
    {
        "probabilities",
        "committee",
        "augmented",
        "previous_probabilities",
        "evidence",
        "head",
        "class_mixtures",
        "class_scores",
        "foreground",
    }
)
_HINTS: Mapping[str, str] = {
    "groups": "import the images with a group",
    "positions": "import the slices of each volume as a group",
    "costs": "it learns them from annotated images",
    "losses": "it learns from labeled items that a head was measured on",
}


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
    cost: str
    """Time, and memory where it is more than O(n); n items, d features, c classes, s members, b batch, k clusters."""
    advice: str
    """When to take it, or what to mind: one line."""
    draws: bool
    """False where only ties, and the first pick of an unlabeled pool, are left to chance."""
    is_nested: bool
    """True where a smaller batch is the beginning of a larger one."""
    ranks_by: str | None
    """The acquisition function that it ranks by, or does unless told otherwise by its setting `acquisition`."""
    function: Callable[..., QueryResult]
    settings: Mapping[str, Setting]
    """What can be changed about it, by name."""
    own_needs: frozenset[Need]
    """What it needs whatever it ranks by: `needs` less what its default acquisition function is made from."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A strategy with its settings, as `name:setting=value:…` says."""

    strategy: Strategy
    """What it needs and ranks by is that of the settings."""
    settings: Mapping[str, Value]
    spec: str
    """The same choice is always written like this."""


_REGISTRY: dict[str, Strategy] = {}
STRATEGIES: Mapping[str, Strategy] = MappingProxyType(_REGISTRY)
"""All strategies by name, read-only."""


def register(
    name: str,
    *,
    paper: str,
    phase: Phase,
    cost: str,
    advice: str,
    needs: frozenset[Need] = frozenset(),
    draws: bool = True,
    is_nested: bool = False,
) -> Callable[[StrategyFunction], StrategyFunction]:
    """Enter a strategy under `name`; its docstring's first line becomes the summary. See `Strategy` for the rest.

    A strategy with a setting `acquisition` ranks by that acquisition function and needs what this one needs, so `needs`
    holds only what it needs beside.
    """

    def enter(function: StrategyFunction) -> StrategyFunction:
        if name in _REGISTRY:
            raise InvalidInput(f"strategy {name!r} is registered already")
        summary = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        acquisition = _default_acquisition(function)
        _REGISTRY[name] = Strategy(
            name=name,
            summary=summary,
            paper=paper,
            needs=needs | _needs_of(acquisition),
            phase=phase,
            cost=cost,
            advice=advice,
            draws=draws,
            is_nested=is_nested,
            ranks_by=acquisition or (name if name in ACQUISITIONS else None),
            function=function,
            settings=MappingProxyType(settings_of(function)),
            own_needs=needs if name not in ACQUISITIONS else frozenset(),
        )
        return function

    return enter


def named(spec: str) -> Chosen:
    """Look up a strategy by its name, alone or with settings: `probcover` or `probcover:delta=0.4:n_reference=2000`.

    Raises:
        UnknownName: there is no such strategy.
        InvalidInput: a setting is unknown, stands there twice or has a value of another kind.
    """
    name, written = split_spec(spec)
    strategy = _REGISTRY.get(name)
    if strategy is None:
        raise UnknownName.of("strategy", name, _REGISTRY)
    settings = read_settings(name, strategy.settings, written)
    acquisition = settings.get("acquisition")
    if acquisition is not None:
        needs = strategy.own_needs | _needs_of(str(acquisition))
        strategy = replace(strategy, needs=needs, ranks_by=str(acquisition))
    return Chosen(strategy=strategy, settings=settings, spec=write_spec(name, strategy.settings, settings))


def select(
    name: str,
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> QueryResult:
    """Choose the rows to ask next.

    Args:
        name: one of `STRATEGIES`, alone or with settings, as `named` reads it.
        pool: the items; only unlabeled rows are chosen.
        batch_size: items to choose, at least 1.
        rng: the only source of chance; the same state gives the same rows.
        max_per_group: at most this many of one group in the batch. Items whose group is None stand alone.
        progress: called with (steps done, steps in all) by strategies that may take long, which have an argument of
            this name; what it raises ends the work. The others are done at once.
        settings: the strategy's own settings; they win over those in `name`.

    Returns:
        Distinct unlabeled rows in the order of choice; fewer than `batch_size` where pool or groups run out.

    Raises:
        UnknownName: there is no such strategy.
        MissingInput: the pool lacks an array that the strategy, or `max_per_group`, needs.
        InvalidInput: a number is out of range or a setting unknown.
    """
    chosen = named(name)
    strategy, settings = chosen.strategy, {**chosen.settings, **settings}
    if batch_size < 1:
        raise InvalidInput(f"batch_size must be >= 1; got {batch_size}")
    if max_per_group is not None and max_per_group < 1:
        raise InvalidInput(f"max_per_group must be >= 1, or None for no limit; got {max_per_group}")
    if max_per_group is not None and pool.groups is None:
        raise MissingInput("max_per_group needs pool.groups: import the images with a group, or leave it out")
    check_known(strategy.name, strategy.settings, settings)
    for key in settings.keys() - {"acquisition"}:
        check_choice(strategy.name, strategy.settings[key], settings[key])
    _check_needs(strategy, pool, settings.get("acquisition"))
    if pool.labeled.all():
        return QueryResult(rows=np.zeros(0, dtype=np.int64))
    told = {"progress": progress} if "progress" in inspect.signature(strategy.function).parameters else {}
    return strategy.function(pool, batch_size, rng=rng, max_per_group=max_per_group, **told, **settings)


def _default_acquisition(function: Callable[..., QueryResult]) -> str | None:
    """Name what a strategy ranks by unless told otherwise; None where it has no setting `acquisition`."""
    setting = inspect.signature(function).parameters.get("acquisition")
    return None if setting is None else str(setting.default)


def _needs_of(acquisition: str | None) -> frozenset[Need]:
    """Say what an acquisition function needs."""
    if acquisition is None:
        return frozenset()
    if acquisition not in ACQUISITIONS:
        raise UnknownName.of("acquisition function", acquisition, ACQUISITIONS)
    return frozenset(ACQUISITIONS[acquisition].needs)  # type: ignore[arg-type]  # tests check them against Need


def _check_needs(strategy: Strategy, pool: PoolView, acquisition: str | None) -> None:
    """Refuse a pool without what the strategy needs; pooled pixel scores stand in for what they are made from."""
    ranked_by = acquisition or strategy.ranks_by
    needs = strategy.own_needs
    if ranked_by is not None and ranked_by not in pool.uncertainty:
        needs = needs | _needs_of(ranked_by)
    lacking = sorted(need for need in needs if not has(pool, need))
    if not lacking:
        return
    hints = [_HINTS[need] for need in lacking if need in _HINTS]
    if FROM_A_HEAD & set(lacking):
        cold = sorted(e.name for e in _REGISTRY.values() if e.phase == "cold_start" and e.needs <= {"embeddings"})
        hints.append(f"train a head first, or begin with one of: {', '.join(cold)}")
    hint = "; ".join(hints) or f"pass PoolView({lacking[0]}=...)"
    raise MissingInput(f"strategy {strategy.name!r} needs {' and '.join(lacking)}, which the pool lacks; {hint}")


def has(pool: PoolView, need: Need) -> bool:
    """Whether a pool has what is needed; a committee has a mean, which will do for probabilities."""
    if need == "probabilities" and pool.committee is not None:
        return True
    return getattr(pool, need) is not None
