"""Query strategies: arrays, a batch size and an `rng` go in, rows to ask next come out.

`select(name, pool, batch_size, rng=…)` is the one door; `STRATEGIES` lists what there is. A new strategy is a function
with `@register` in a module of this folder: all of them are imported here, and the contract tests then cover it.
"""

import importlib
import pkgutil

from alcore.strategies.registry import STRATEGIES, Strategy, named, register, select

__all__ = ["STRATEGIES", "Strategy", "named", "register", "select"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
