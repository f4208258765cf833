"""Planning of rounds: who chooses which part of a batch, and which items are kept for measuring. No I/O, no model."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int64, Shaped

from alcore.acquisition import ACQUISITIONS
from alcore.errors import InvalidInput, UnknownName
from alcore.strategies import STRATEGIES, named
from alcore.strategies.quota import group_codes
from alcore.strategies.registry import FROM_A_HEAD, Chosen, Need, Strategy
from alcore.types import RoundPlan

Task = Literal["segmentation", "classification"]
Arm = Literal["strategy", "control", "audit"]
"""Why an item was asked: a strategy chose it, or chance did, to be trained on (control) or only measured on (audit)."""
DEFAULT = "default"
MIN_AUDIT_GROUPS = 3
"""Fewer patients say next to nothing about the next one."""
DEFAULT_COLD_START: Mapping[str, str] = MappingProxyType(
    {"segmentation": "kmeans_medoid", "classification": "kmeans_medoid"}
)
DEFAULT_STRATEGY: Mapping[str, str] = MappingProxyType({"segmentation": "uherding", "classification": "uherding"})
"""What `default` means; docs/benchmarks.md says what it was compared with, and on which budgets."""


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
    return [name for name, entry in STRATEGIES.items() if not starved_of(entry, task)]


def asks_a_head(entry: Strategy) -> bool:
    """Whether a strategy can do nothing before a head was trained."""
    return entry.phase == "round" or bool(entry.needs & FROM_A_HEAD)


def starved_of(entry: Strategy, task: Task) -> list[str]:
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
    else:
        name, why = usual_strategy(task, n_labeled, cold_start, strategy)
    chosen = check_strategy(name, n_labeled=n_labeled, task=task)
    return RoundPlan(strategy=chosen.spec, batch_size=batch_size, reason=f"{chosen.spec}: {why}")


def usual_strategy(task: Task, n_labeled: int, cold_start: str, strategy: str) -> tuple[str, str]:
    """Name the strategy that a round takes unless a person asks for another, and say why; arguments of `plan_round`."""
    if n_labeled == 0:
        return (DEFAULT_COLD_START[task] if cold_start == DEFAULT else cold_start), "nothing is labeled yet"
    return (DEFAULT_STRATEGY[task] if strategy == DEFAULT else strategy), f"{n_labeled} labels so far"


def check_strategy(spec: str, *, n_labeled: int, task: Task) -> Chosen:
    """Read a strategy with its settings, as `alcore.strategies.named` does.

    Raises:
        UnknownName: there is no such strategy.
        InvalidInput: a setting is wrong, the task's loop cannot feed the strategy, or it needs a head before any label.
    """
    chosen = named(spec)
    name, starved = chosen.strategy.name, starved_of(chosen.strategy, task)
    if starved:
        raise InvalidInput(
            f"strategy {name!r} needs {' and '.join(starved)}, which {task} rounds do not have; "
            f"choose one of: {', '.join(sorted(runs_in(task)))}"
        )
    if n_labeled == 0 and asks_a_head(chosen.strategy):
        cold = sorted(known for known in runs_in(task) if not asks_a_head(STRATEGIES[known]))
        raise InvalidInput(
            f"strategy {name!r} ranks by a trained head, and nothing is labeled yet; begin with: {', '.join(cold)}"
        )
    return chosen


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
    order = rng.permutation(len(sizes))
    kept = _that_fit(sizes, order, target)
    if not kept:  # every group is larger than the target: the smallest will do
        kept = [min(order.tolist(), key=lambda code: int(sizes[code]))]
    return np.flatnonzero(np.isin(codes, kept)).astype(np.int64)


def audit_set(
    groups: Shaped[np.ndarray, " n"],
    kept: Bool[np.ndarray, " n"],
    closed: Bool[np.ndarray, " n"],
    *,
    share: float,
    min_items: int,
    rng: np.random.Generator,
) -> Bool[np.ndarray, " n"]:
    """Grow the set of a live pool's items that heads are measured on and never trained on.

    Args:
        groups: patient of each item; an item without one has a name of its own.
        kept: the set so far. It only grows: what is in it stays, and so do its groups with all that they have by now.
        closed: items that were asked for another reason; their groups can no longer join.
        share: part of the pool to keep, 0..1; at 0 the set stays as it is.
        min_items: a set with fewer items, or of fewer than 3 groups, could tell nothing and is not begun.
        rng: the order in which groups are tried.

    Returns:
        True for the items of the set: about `share · n`. As in `hold_out`, groups in random order are taken as long as
        they fit, but none that does not: a pool of few large patients gets no audit set.

    Raises:
        InvalidInput: a number is out of range.
    """
    if not 0 <= share < 1 or min_items < 1:
        raise InvalidInput(f"an audit set needs 0 <= share < 1 and min_items >= 1; got {share} and {min_items}")
    if len(groups) == 0:
        return kept.copy()
    codes = group_codes(groups)
    sizes = np.bincount(codes)
    inside = np.bincount(codes, weights=kept) > 0
    is_open = ~inside & (np.bincount(codes, weights=closed) == 0)
    order = rng.permutation(np.flatnonzero(is_open))
    room = round(share * len(codes)) - int(sizes[inside].sum())
    joined = inside.copy()
    joined[_that_fit(sizes, order, room)] = True
    could_tell = audit_is_enough(int(sizes[joined].sum()), int(joined.sum()), min_items=min_items)
    return joined[codes] if inside.any() or could_tell else kept.copy()


def audit_is_enough(n_items: int, n_groups: int, *, min_items: int) -> bool:
    """Whether so many labeled audit items, of so many groups, are enough to measure on."""
    return n_items >= min_items and n_groups >= MIN_AUDIT_GROUPS


def _that_fit(sizes: Int64[np.ndarray, " g"], order: Int64[np.ndarray, " o"], room: int) -> list[int]:
    """Take groups in this order, each that still fits."""
    taken: list[int] = []
    for code in order.tolist():
        if sizes[code] <= room:
            taken.append(code)
            room -= int(sizes[code])
    return taken


def arm_sizes(batch_size: int, asked: Mapping[Arm, int], shares: Mapping[Arm, float]) -> dict[Arm, int]:
    """Divide the next batch among chance and the strategy.

    Args:
        batch_size: items to ask.
        asked: items asked so far, by arm.
        shares: part of all that is asked that `audit` and `control` should have; together at most 1.

    Returns:
        Items of each arm; they add up to `batch_size`. Shares hold for all that was asked together, so that batches of
        a few items get their part in time; what is owed is paid at no more than twice the share of a batch.

    Raises:
        InvalidInput: a number is out of range.
    """
    audit, control = shares.get("audit", 0.0), shares.get("control", 0.0)
    if batch_size < 1 or min(audit, control) < 0 or audit + control > 1:
        raise InvalidInput(
            f"need batch_size >= 1, and shares >= 0 that add up to at most 1; got {batch_size}, "
            f"audit = {audit}, control = {control}"
        )
    total = batch_size + sum(asked.values())
    sizes: dict[Arm, int] = {"audit": 0, "control": 0}
    for arm in sizes:
        share = shares.get(arm, 0.0)
        owed = math.floor(share * total + 0.5) - asked.get(arm, 0)
        sizes[arm] = min(max(owed, 0), math.ceil(2 * share * batch_size), batch_size - sum(sizes.values()))
    sizes["strategy"] = batch_size - sizes["audit"] - sizes["control"]
    return sizes
