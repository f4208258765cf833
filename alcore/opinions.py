"""What a trained head thinks of some items of a pool, on its way to the query strategies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from alcore.pool import LinearHead

_NEUTRAL_ZERO = ("class_scores", "class_mixtures", "foreground")
_EVEN_ODDS = ("probabilities", "previous_probabilities")


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """Scores of u items, in the form that `PoolView` has them for all; each head gives what it can."""

    probabilities: Float[np.ndarray, "u c"] | None = None
    committee: Float[np.ndarray, "s u c"] | None = None
    previous_probabilities: Float[np.ndarray, "u c"] | None = None
    uncertainty: Mapping[str, Float[np.ndarray, " u"]] = field(default_factory=dict)
    class_scores: Float[np.ndarray, "u c"] | None = None
    class_mixtures: Float[np.ndarray, "u c c"] | None = None
    foreground: Float[np.ndarray, " u"] | None = None
    head: LinearHead | None = None

    def over(self, n: int, rows: Int64[np.ndarray, " u"]) -> dict[str, Any]:
        """Give the fields of `PoolView` for n items of which these are `rows`; the others get even odds or zeros.

        The others must not be chosen, and no strategy may look at what is made up for them.
        """
        found: dict[str, Any] = {"head": self.head}
        for name in (*_NEUTRAL_ZERO, *_EVEN_ODDS):
            part = getattr(self, name)
            if part is not None:
                fill = 1 / part.shape[-1] if name in _EVEN_ODDS else 0
                found[name] = np.full((n, *part.shape[1:]), fill, dtype=part.dtype)
                found[name][rows] = part
        if self.committee is not None:
            s, _, c = self.committee.shape
            found["committee"] = np.full((s, n, c), 1 / c, dtype=self.committee.dtype)
            found["committee"][:, rows] = self.committee
        found["uncertainty"] = {}
        for name, scores in self.uncertainty.items():
            found["uncertainty"][name] = np.zeros(n)
            found["uncertainty"][name][rows] = scores
        return found


def joined(parts: Sequence[Opinion]) -> Opinion:
    """Put one head's opinions about several lots of items one after the other."""
    if not parts:
        return Opinion()
    fields: dict[str, Any] = {"head": parts[0].head}
    for name in (*_NEUTRAL_ZERO, *_EVEN_ODDS):
        if getattr(parts[0], name) is not None:
            fields[name] = np.concatenate([getattr(part, name) for part in parts])
    if parts[0].committee is not None:
        fields["committee"] = np.concatenate([part.committee for part in parts], axis=1)
    fields["uncertainty"] = {
        name: np.concatenate([part.uncertainty[name] for part in parts]) for name in parts[0].uncertainty
    }
    return Opinion(**fields)
