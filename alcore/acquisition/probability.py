"""Scores from one set of class probabilities, classes on the last axis; pixels and items alike."""

import numpy as np
from jaxtyping import Float

from alcore.errors import InvalidInput

_SUM_TOLERANCE = 1e-2
"""Wide enough for float16 probabilities, narrow enough to catch logits."""


def least_confidence(probabilities: Float[np.ndarray, "*items c"]) -> Float[np.ndarray, "*items"]:
    """Return 1 minus the largest probability, in [0, 1 - 1/c].

    Source: Lewis & Gale 1994; Settles 2009, section 3.1. O(c) an item. No departure.
    """
    check_probabilities(probabilities)
    return 1 - probabilities.max(axis=-1)


def margin(probabilities: Float[np.ndarray, "*items c"]) -> Float[np.ndarray, "*items"]:
    """Return 1 minus the gap between the two largest probabilities, in [0, 1].

    Source: Scheffer et al. 2001; Settles 2009, section 3.1. O(c) an item. Turned round so that higher = ask sooner.
    """
    check_probabilities(probabilities)
    if probabilities.shape[-1] < 2:
        raise InvalidInput("margin needs at least two classes; got one")
    top_two = np.partition(probabilities, -2, axis=-1)[..., -2:]
    return 1 - (top_two[..., 1] - top_two[..., 0])


def entropy(probabilities: Float[np.ndarray, "*items c"]) -> Float[np.ndarray, "*items"]:
    """Return the Shannon entropy in nats, in [0, ln c]; 0·ln 0 is 0.

    Source: Shannon 1948; Settles 2009, section 3.1. O(c) an item. No departure.
    """
    check_probabilities(probabilities)
    return raw_entropy(probabilities)


def raw_entropy(probabilities: Float[np.ndarray, "*items c"]) -> Float[np.ndarray, "*items"]:
    """Return the entropy of probabilities that were checked already."""
    return np.maximum(-np.einsum("...c,...c->...", probabilities, logarithm(probabilities)), 0)


def logarithm(probabilities: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return natural logarithms, of 0 that of the smallest normal number: finite, so that 0·ln 0 is 0."""
    return np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny))


def check_probabilities(probabilities: Float[np.ndarray, "..."]) -> None:
    """Refuse what is no distribution over the last axis: NaN, negative, or a sum other than 1."""
    if probabilities.ndim < 1 or probabilities.shape[-1] < 1:
        raise InvalidInput(f"probabilities must have classes on their last axis; got shape {probabilities.shape}")
    if probabilities.size == 0:
        return
    lowest = probabilities.min()
    if not lowest >= -1e-6:  # also true of NaN
        raise InvalidInput(f"probabilities must be >= 0 and not NaN; the lowest is {lowest}. Apply softmax to logits")
    ones = np.ones(probabilities.shape[-1], dtype=np.result_type(probabilities.dtype, np.float32))
    worst = np.abs(probabilities @ ones - 1).max()  # several times as fast as a sum over a short axis
    if not worst <= _SUM_TOLERANCE:
        raise InvalidInput(f"probabilities must sum to 1 over the last axis; one sum is off by {worst:.3g}")
