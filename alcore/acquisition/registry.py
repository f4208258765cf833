"""The acquisition functions by name; each also becomes a query strategy that takes the highest scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float

from alcore.acquisition.committee import bald, dbal
from alcore.acquisition.probability import entropy, least_confidence, margin


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """One acquisition function and the arrays that it scores."""

    name: str
    needs: tuple[str, ...]
    """Fields of `PoolView`, in the order of the function's arguments."""
    summary: str
    paper: str
    cost: str
    advice: str
    function: Callable[..., Float[np.ndarray, "..."]]
    is_dense: bool = False
    """True where it scores pixels too, from probabilities or a committee with classes last, for maps to be pooled."""

    def of(self, arrays: Mapping[str, Any]) -> Float[np.ndarray, "..."]:
        """Score from arrays by name."""
        return self.function(*(arrays[need] for need in self.needs))


_ALL = (
    Acquisition(
        name="least_confidence",
        needs=("probabilities",),
        summary="Ask where the most likely class is least likely",
        paper="Lewis & Gale 1994; Settles 2009",
        cost="O(n·c)",
        advice="The plainest measure; with two classes the same ranking as margin and entropy",
        function=least_confidence,
        is_dense=True,
    ),
    Acquisition(
        name="margin",
        needs=("probabilities",),
        summary="Ask where the two most likely classes are closest",
        paper="Scheffer et al. 2001",
        cost="O(n·c)",
        advice="A strong default for classification once every class has some labels",
        function=margin,
        is_dense=True,
    ),
    Acquisition(
        name="entropy",
        needs=("probabilities",),
        summary="Ask where the prediction is most spread out",
        paper="Shannon 1948; Settles 2009",
        cost="O(n·c)",
        advice="Hard to beat with single models; in segmentation it likes large and costly images",
        function=entropy,
        is_dense=True,
    ),
    Acquisition(
        name="dbal",
        needs=("committee",),
        summary="Ask where the committee's mean prediction is most spread out",
        paper="Gal et al. 2017 (arXiv:1703.02910)",
        cost="O(s·n·c)",
        advice="Entropy with a committee's better calibrated mean",
        function=dbal,
        is_dense=True,
    ),
    Acquisition(
        name="bald",
        needs=("committee",),
        summary="Ask where the committee's members disagree most",
        paper="Houlsby et al. 2011 (arXiv:1112.5745)",
        cost="O(s·n·c)",
        advice="Leaves noisy items alone that no member can settle; needs a diverse committee",
        function=bald,
        is_dense=True,
    ),
)
ACQUISITIONS: Mapping[str, Acquisition] = MappingProxyType({entry.name: entry for entry in _ALL})
