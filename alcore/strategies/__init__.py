"""Query strategies: arrays, a batch size and an `rng` go in, rows to ask next come out.

`select(name, pool, batch_size, rng=…)` is the one door; `STRATEGIES` lists what there is. A new strategy is a function
with `@register` in a module that is imported here; the contract tests then cover it.
"""

from alcore.strategies import (
    baselines,
    dcom,
    density,
    facility_location,
    herding,
    k_center,
    k_medoids,
    kmeans,
    probcover,
    representative_annotation,
    typiclust,
    uncertainty,
)
from alcore.strategies.registry import STRATEGIES, Strategy, register, select

__all__ = ["STRATEGIES", "Strategy", "register", "select"]

_MODULES = (
    baselines,
    dcom,
    density,
    facility_location,
    herding,
    k_center,
    k_medoids,
    kmeans,
    probcover,
    representative_annotation,
    typiclust,
    uncertainty,
)
