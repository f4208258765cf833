"""Scores from s committee members or stochastic passes: members on the first axis, classes on the last."""

import numpy as np
from jaxtyping import Float

from alcore.acquisition.probability import check_probabilities, raw_entropy
from alcore.errors import InvalidInput


def dbal(committee: Float[np.ndarray, "s *items c"]) -> Float[np.ndarray, "*items"]:
    """Return the entropy of the mean prediction, in nats: total uncertainty.

    Source: Gal, Islam & Ghahramani 2017, "max entropy" (arXiv:1703.02910). O(s·c) an item. Members may be an ensemble
    instead of dropout passes.
    """
    _check_committee(committee)
    return raw_entropy(committee.mean(axis=0))


def bald(committee: Float[np.ndarray, "s *items c"]) -> Float[np.ndarray, "*items"]:
    """Return the entropy of the mean minus the mean entropy, in nats, in [0, ln min(s, c)]: how much members disagree.

    Source: Houlsby et al. 2011 (arXiv:1112.5745); Gal et al. 2017. O(s·c) an item. Members may be an ensemble; values
    that rounding puts below 0 are set to 0.
    """
    _check_committee(committee)
    return np.maximum(raw_entropy(committee.mean(axis=0)) - raw_entropy(committee).mean(axis=0), 0)


def _check_committee(committee: Float[np.ndarray, "..."]) -> None:
    """Refuse a committee without members or with illegal probabilities."""
    if committee.ndim < 2 or len(committee) < 1:
        raise InvalidInput(f"a committee must be (s, ..., c) with at least one member; got shape {committee.shape}")
    check_probabilities(committee)
