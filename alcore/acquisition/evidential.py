"""Scores from the evidence of an evidential head: Dirichlet parameters are evidence + 1."""

import numpy as np
from jaxtyping import Float

from alcore.errors import InvalidInput


def evidential(evidence: Float[np.ndarray, "*items c"]) -> Float[np.ndarray, "*items"]:
    """Return the vacuity, the part of the belief without evidence, in (0, 1]: c / sum of the Dirichlet parameters.

    Raises:
        InvalidInput: evidence is negative or NaN.

    Source: Sensoy, Kaplan & Kandemir 2018 (NeurIPS, arXiv:1806.01768), section 3; used for medical active learning in
    CSEAL (MICCAI 2022). O(c) an item. No departure.
    """
    _check(evidence)
    n_classes = evidence.shape[-1]
    return n_classes / (evidence.sum(axis=-1) + n_classes)


def dissonance(evidence: Float[np.ndarray, "*items c"]) -> Float[np.ndarray, "*items"]:
    """Return how much well-backed beliefs contradict one another, in [0, 1): high where several classes have evidence.

    Raises:
        InvalidInput: evidence is negative or NaN.

    Source: Jøsang, Cho & Chen 2018 (FUSION), uncertainty characteristics of subjective opinions. Belief of class k is
    b_k = evidence_k / S; dissonance = sum_k b_k · sum_{j≠k} b_j·balance(b_j, b_k) / sum_{j≠k} b_j with balance
    1 - |b_j - b_k| / (b_j + b_k). O(c²) time and O(c) memory an item. No departure; 0/0 is 0.
    """
    _check(evidence)
    belief = evidence / (evidence.sum(axis=-1, keepdims=True) + evidence.shape[-1])
    total = np.zeros(belief.shape[:-1], dtype=belief.dtype)
    for k in range(belief.shape[-1]):
        own = belief[..., k : k + 1]
        others = np.delete(belief, k, axis=-1)
        # b_j·balance = 2·b_j·min(b_j, b_k) / (b_j + b_k)
        balanced = _ratio(2 * others * np.minimum(others, own), others + own).sum(axis=-1)
        total += own[..., 0] * _ratio(balanced, others.sum(axis=-1))
    return total


def _ratio(over: Float[np.ndarray, "..."], under: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Divide; 0/0 is 0."""
    return np.divide(over, under, out=np.zeros_like(over), where=under > 0)


def _check(evidence: Float[np.ndarray, "..."]) -> None:
    """Refuse negative evidence and NaN."""
    if evidence.ndim < 1 or evidence.shape[-1] < 1:
        raise InvalidInput(f"evidence must have classes on its last axis; got shape {evidence.shape}")
    if evidence.size and not evidence.min() >= 0:
        raise InvalidInput(f"evidence must be >= 0 and not NaN; the lowest is {evidence.min()}")
