"""The whole loop with a simulated annotator: seed set, train, choose, ask, again; budgets in annotator seconds.

Models and annotator are injected (`Learner`, `Oracle`); nothing here knows images. What makes runs comparable:

- For one seed all strategies start from the same seed set, and an image's answer is the same whoever asks for it.
- Heads are trained from scratch with a seed that depends on the run's seed and the round only.
- AUBC of one seed covers the same span of seconds for all strategies: from the seed set's cost to the smallest final
  budget among them. A strategy that asks for costly images gains nothing by a longer curve.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from alcore.curves import runs_of_seed, summarise
from alcore.errors import InvalidInput
from alcore.loop import Learner, Loop, Oracle
from alcore.rounds import DEFAULT, DEFAULT_STRATEGY, Task, check_strategy, plan_round
from alcore.types import Progress


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
        strategies: names, with settings or without, `default` allowed; each is run.
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
    resolved = [check_strategy(name, n_labeled=1, task=task).spec for name in resolved]
    if len(set(resolved)) < len(resolved) or len(set(seed_list)) < len(seed_list):
        raise InvalidInput(f"a strategy or seed is listed twice: {', '.join(resolved)}; {seed_list}")
    n_batches = min(rounds, -(-len(embeddings) // batch_size) - 1)
    loop = Loop(
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
