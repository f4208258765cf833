"""Acquisition functions: pure scores, higher = ask sooner. `ACQUISITIONS` names them; `pool_map` sums up pixel maps."""

from alcore.acquisition.committee import bald, dbal
from alcore.acquisition.pooling import pool_map
from alcore.acquisition.probability import entropy, least_confidence, margin
from alcore.acquisition.registry import ACQUISITIONS, Acquisition

__all__ = ["ACQUISITIONS", "Acquisition", "bald", "dbal", "entropy", "least_confidence", "margin", "pool_map"]
