"""Planning of rounds: which strategy chooses next, and which items are kept for measuring. Pure; no I/O, no model."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Int64, Shaped

from alcore.acquisition import ACQUISITIONS
from alcore.errors import InvalidInput, UnknownName
from alcore.strategies import STRATEGIES
from alcore.strategies.quota import group_codes
from alcore.strategies.registry import FROM_A_HEAD, Need, Strategy
from alcore.types import RoundPlan

Task = Literal["segmentation", "classification"]
DEFAULT = "default"
DEFAULT_COLD_START: Mapping[str, str] = MappingProxyType(
    {"segmentation": "kmeans_medoid", "classification": "kmeans_medoid"}
)
DEFAULT_STRATEGY: Mapping[str, str] = MappingProxyType({"segmentation": "entropy", "classification": "margin"})


FED: Mapping[Task, frozenset[Need]] = MappingProxyType(
    {
        "segmentation": frozenset(
            {
                "embeddings",
                "groups",
                "positions",
                "losses",
                "costs",
                "foreground",
                "patches",
                "class_mixtures",
                "class_scores",
            }
        ),
        "classification": frozenset(
            {
                "embeddings",
                "groups",
                "positions",
                "labels",
                "probabilities",
                "committee",
                "previous_probabilities",
                "head",
                "losses",
                "costs",
                "patches",
            }
        ),
    }
)
"""What the loop can give a strategy, beside pooled pixel scores in segmentation; the rest is for users of `select`."""


def runs_in(task: Task) -> list[str]:
    """Name the strategies that the loop of a task can feed."""
    return [name for name, entry in STRATEGIES.items() if not _starved_of(entry, task)]


def asks_a_head(entry: Strategy) -> bool:
    """Whether a strategy can do nothing before a head was trained."""
    return entry.phase == "round" or bool(entry.needs & FROM_A_HEAD)


def _starved_of(entry: Strategy, task: Task) -> list[str]:
    """Name what a strategy needs and the loop of a task does not have."""
    acquisition = ACQUISITIONS.get(entry.ranks_by or "")
    is_pooled = task == "segmentation" and acquisition is not None and acquisition.is_dense
    return sorted((entry.own_needs if is_pooled else entry.needs) - FED[task])


def plan_round(
    task: Task,
    n_labeled: int,
    requested: str | None,
    cold_start: str,
    strategy: str,
    batch_size: int,
) -> RoundPlan:
    """Decide which strategy chooses the next batch, and say why.

    Args:
        task: `segmentation` or `classification`; decides what `default` means.
        n_labeled: answers so far.
        requested: a strategy asked for by a person for this round; wins over the project's settings.
        cold_start: the project's strategy while nothing is labeled.
        strategy: the project's strategy for later rounds.
        batch_size: items to choose.

    Raises:
        UnknownName: an unknown strategy or task.
        InvalidInput: the strategy ranks by a trained head and nothing is labeled yet, or a number is out of range.
    """
    if task not in DEFAULT_STRATEGY:
        raise UnknownName.of("task", task, DEFAULT_STRATEGY)
    if n_labeled < 0 or batch_size < 1:
        raise InvalidInput(f"need n_labeled >= 0 and batch_size >= 1; got {n_labeled} and {batch_size}")
    if requested is not None and requested != DEFAULT:
        name, why = requested, "asked for"
    elif n_labeled == 0:
        name, why = (DEFAULT_COLD_START[task] if cold_start == DEFAULT else cold_start), "nothing is labeled yet"
    else:
        name, why = (DEFAULT_STRATEGY[task] if strategy == DEFAULT else strategy), f"{n_labeled} labels so far"
    check_strategy(name, n_labeled=n_labeled, task=task)
    return RoundPlan(strategy=name, batch_size=batch_size, reason=f"{name}: {why}")


def check_strategy(name: str, *, n_labeled: int, task: Task) -> None:
    """Refuse an unknown strategy, one that the task's loop cannot feed, and one that needs a head before any label."""
    if name not in STRATEGIES:
        raise UnknownName.of("strategy", name, STRATEGIES)
    starved = _starved_of(STRATEGIES[name], task)
    if starved:
        raise InvalidInput(
            f"strategy {name!r} needs {' and '.join(starved)}, which {task} rounds do not have; "
            f"choose one of: {', '.join(sorted(runs_in(task)))}"
        )
    if n_labeled == 0 and asks_a_head(STRATEGIES[name]):
        cold = sorted(known for known in runs_in(task) if not asks_a_head(STRATEGIES[known]))
        raise InvalidInput(
            f"strategy {name!r} ranks by a trained head, and nothing is labeled yet; begin with: {', '.join(cold)}"
        )


def hold_out(
    n: int, groups: Shaped[np.ndarray, " n"] | None, rng: np.random.Generator, share: float
) -> Int64[np.ndarray, " a"]:
    """Draw the items to measure on and never to train on.

    Args:
        n: items in the pool, at least 2.
        groups: patient of each item, None where unknown; a group is kept whole, so that no patient is on both sides.
        rng: the only source of chance.
        share: part of the items to keep, between 0 and 1.

    Returns:
        Sorted rows: about `share · n`, at least one, and never all. With groups, groups in random order are taken as
        long as they fit.

    Raises:
        InvalidInput: a number is out of range, or all items belong to one group.
    """
    if n < 2 or not 0 < share < 1:
        raise InvalidInput(f"a test set needs n >= 2 items and 0 < share < 1; got n = {n}, share = {share}")
    target = int(np.clip(round(share * n), 1, n - 1))
    if groups is None:
        return np.sort(rng.choice(n, size=target, replace=False)).astype(np.int64)
    if len(groups) != n:
        raise InvalidInput(f"groups must have {n} entries; got {len(groups)}")
    codes = group_codes(groups)
    sizes = np.bincount(codes)
    if len(sizes) < 2:
        raise InvalidInput("all items belong to one group; a test set needs at least two groups")
    kept, n_kept = [], 0
    order = rng.permutation(len(sizes)).tolist()
    for code in order:
        if n_kept + sizes[code] <= target:
            kept.append(code)
            n_kept += int(sizes[code])
    if not kept:  # every group is larger than the target: the smallest will do
        kept = [min(order, key=lambda code: int(sizes[code]))]
    return np.flatnonzero(np.isin(codes, kept)).astype(np.int64)
