"""Scores from s committee members or stochastic passes: members on the first axis, classes on the last."""

import numpy as np
from jaxtyping import Float

from alcore.acquisition.probability import check_probabilities, logarithm, raw_entropy
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


def mean_std(committee: Float[np.ndarray, "s *items c"]) -> Float[np.ndarray, "*items"]:
    """Return the standard deviation of each class's probability over the members, averaged over classes, in [0, 0.5].

    Source: Kampffmeyer, Salberg & Jenssen 2016 (CVPR workshops), who map it over pixels. O(s·c) an item. Population
    standard deviation; members may be an ensemble instead of dropout passes.
    """
    _check_committee(committee)
    return committee.std(axis=0).mean(axis=-1)


def variation_ratio(committee: Float[np.ndarray, "s *items c"]) -> Float[np.ndarray, "*items"]:
    """Return the share of members that do not vote for the class with most votes, in [0, 1 - 1/min(s, c)].

    Source: Freeman 1965; for ensembles Beluch et al. 2018 (CVPR). O(s·c) an item. A member votes for its most likely
    class, the first of equals. Takes only s different values, so many items tie.
    """
    return 1 - _vote_shares(committee).max(axis=-1)


def vote_entropy(committee: Float[np.ndarray, "s *items c"]) -> Float[np.ndarray, "*items"]:
    """Return the entropy of the members' votes in nats, in [0, ln min(s, c)].

    Source: Dagan & Engelson 1995 (ICML); Settles 2009, section 3.2. O(s·c) an item. A member votes for its most likely
    class, the first of equals. Not normalised by ln s, which changes no ranking.
    """
    return raw_entropy(_vote_shares(committee))


def mean_kl(committee: Float[np.ndarray, "s *items c"]) -> Float[np.ndarray, "*items"]:
    """Return the mean Kullback-Leibler divergence of the members from their mean, in nats, in [0, ln min(s, c)].

    Source: McCallum & Nigam 1998 (ICML), "KL divergence to the mean". O(s·c) an item. Equal to `bald` but for rounding;
    0·ln 0 is 0, values that rounding puts below 0 are set to 0.
    """
    _check_committee(committee)
    consensus = logarithm(committee.mean(axis=0))
    divergences = np.einsum("s...c,s...c->s...", committee, logarithm(committee) - consensus)
    return np.maximum(divergences.mean(axis=0), 0)


def _vote_shares(committee: Float[np.ndarray, "s *items c"]) -> Float[np.ndarray, "*items c"]:
    """Return the part of the members that votes for each class."""
    _check_committee(committee)
    votes = committee.argmax(axis=-1)
    shares = np.empty(committee.shape[1:], dtype=committee.dtype)
    for label in range(committee.shape[-1]):
        shares[..., label] = (votes == label).mean(axis=0)
    return shares


def _check_committee(committee: Float[np.ndarray, "..."]) -> None:
    """Refuse a committee without members or with illegal probabilities."""
    if committee.ndim < 2 or len(committee) < 1:
        raise InvalidInput(f"a committee must be (s, ..., c) with at least one member; got shape {committee.shape}")
    check_probabilities(committee)
