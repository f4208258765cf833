"""Acquisition functions: pure scores, higher = ask sooner. `ACQUISITIONS` names them; `pool_map` sums up pixel maps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Float

from alcore.acquisition.committee import bald, dbal
from alcore.acquisition.pooling import pool_map
from alcore.acquisition.probability import entropy, least_confidence, margin

__all__ = ["ACQUISITIONS", "Acquisition", "bald", "dbal", "entropy", "least_confidence", "margin", "pool_map"]


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """One acquisition function and the array that it scores."""

    name: str
    needs: Literal["probabilities", "committee"]
    """`probabilities` is (..., c), `committee` (s, ..., c); classes are always last."""
    paper: str
    function: Callable[[Float[np.ndarray, "..."]], Float[np.ndarray, "..."]]


ACQUISITIONS: Mapping[str, Acquisition] = MappingProxyType(
    {
        acquisition.name: acquisition
        for acquisition in (
            Acquisition(
                name="least_confidence",
                needs="probabilities",
                paper="Lewis & Gale 1994; Settles 2009",
                function=least_confidence,
            ),
            Acquisition(name="margin", needs="probabilities", paper="Scheffer et al. 2001", function=margin),
            Acquisition(name="entropy", needs="probabilities", paper="Shannon 1948; Settles 2009", function=entropy),
            Acquisition(name="dbal", needs="committee", paper="Gal et al. 2017 (arXiv:1703.02910)", function=dbal),
            Acquisition(name="bald", needs="committee", paper="Houlsby et al. 2011 (arXiv:1112.5745)", function=bald),
        )
    }
)
