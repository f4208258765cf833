"""What a query strategy may look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from alcore.errors import InvalidInput

_BLOCK_ROWS = 65536
_AXES = {
    "embeddings": "nd",
    "probabilities": "nc",
    "previous_probabilities": "nc",
    "evidence": "nc",
    "class_scores": "nc",
    "committee": "snc",
    "augmented": "anc",
    "second_opinions": "mnc",
    "class_mixtures": "ncc",
    "patches": "npt",
    "labels": "n",
    "positions": "n",
    "costs": "n",
    "losses": "n",
    "pretext_losses": "n",
    "foreground": "n",
}
"""Axes of each array: n pool items, the others of any size; equal letters need not be equal between arrays."""


@dataclass(frozen=True, kw_only=True)
class LinearHead:
    """The last layer of a classifier of embeddings: logits = embeddings @ weights.T + bias."""

    weights: Float[np.ndarray, "c d"]
    bias: Float[np.ndarray, " c"]

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or self.bias.shape != self.weights.shape[:1]:
            raise InvalidInput(
                f"a head needs weights (c, d) and bias (c,); got {self.weights.shape}, {self.bias.shape}"
            )
        if not (np.isfinite(self.weights).all() and np.isfinite(self.bias).all()):
            raise InvalidInput("weights and bias of the head must be finite")


@dataclass(frozen=True, kw_only=True)
class PoolView:
    """What a query strategy may look at: one row per pool item, n rows in all. Strategies say what they need of it."""

    embeddings: Float[np.ndarray, "n d"]
    """L2-normalised rows; float16 and memory-mapped files are legal, and read block by block."""
    labeled: Bool[np.ndarray, " n"]
    """True where the oracle has answered, or where the item must not be asked."""
    groups: Shaped[np.ndarray, " n"] | None = None
    """Patient or volume of each item, any hashable type."""
    positions: Int[np.ndarray, " n"] | None = None
    """Place of each slice in its volume (its group), in slices."""
    labels: Int[np.ndarray, " n"] | None = None
    """Class index where the oracle has answered, -1 elsewhere."""
    probabilities: Float[np.ndarray, "n c"] | None = None
    """Class probabilities, mean over the committee."""
    committee: Float[np.ndarray, "s n c"] | None = None
    """Class probabilities of each committee member or stochastic pass."""
    augmented: Float[np.ndarray, "a n c"] | None = None
    """Class probabilities of each augmented view of an item (test-time augmentation)."""
    second_opinions: Float[np.ndarray, "m n c"] | None = None
    """Class probabilities of other models for the same question: auxiliary heads, a promptable model."""
    previous_probabilities: Float[np.ndarray, "n c"] | None = None
    """Class probabilities by the head of an earlier round."""
    evidence: Float[np.ndarray, "n c"] | None = None
    """Evidence for each class (>= 0) of an evidential head; Dirichlet parameters are evidence + 1."""
    head: LinearHead | None = None
    """The linear head on the embeddings, where gradients or perturbed features are asked for."""
    losses: Float[np.ndarray, " n"] | None = None
    """Measured loss (>= 0) of each labeled item, best out of fold; -1 where none was measured."""
    pretext_losses: Float[np.ndarray, " n"] | None = None
    """Loss of a self-supervised task on each item."""
    costs: Float[np.ndarray, " n"] | None = None
    """Expected annotator seconds of each item, above 0."""
    foreground: Float[np.ndarray, " n"] | None = None
    """Probability, 0..1, that an item shows any object."""
    patches: Float[np.ndarray, "n p t"] | None = None
    """Patch tokens of each item."""
    class_mixtures: Float[np.ndarray, "n c c"] | None = None
    """Mean prediction over the pixels of each predicted class, see `alcore.acquisition.context`; zeros where absent."""
    class_scores: Float[np.ndarray, "n c"] | None = None
    """Uncertainty of each item about each class, pooled from pixel maps (entropy times the class's probability)."""
    uncertainty: Mapping[str, Float[np.ndarray, " n"]] = field(default_factory=dict)
    """Scores pooled from pixel maps, by acquisition function; they stand in for probabilities in segmentation."""

    def __post_init__(self) -> None:
        n = len(self.labeled)
        if self.labeled.dtype != np.bool_:
            raise InvalidInput(f"labeled must be a bool array; got {self.labeled.dtype}")
        for name, axes in _AXES.items():
            array = getattr(self, name)
            if array is None:
                continue
            if array.ndim != len(axes) or array.shape[axes.index("n")] != n:
                raise InvalidInput(f"{name} must be ({', '.join(axes)}) with n = len(labeled) = {n}; got {array.shape}")
            if not _is_finite(array):
                raise InvalidInput(f"{name} must be finite; row(s) with NaN or infinity were passed")
        if self.groups is not None and len(self.groups) != n:
            raise InvalidInput(f"groups must have {n} entries; got {len(self.groups)}")
        if self.costs is not None and not (self.costs > 0).all():
            raise InvalidInput(f"costs must be above 0 seconds; the lowest is {self.costs.min()}")
        if self.head is not None and self.head.weights.shape[1] != self.embeddings.shape[1]:
            raise InvalidInput(
                f"the head is for {self.head.weights.shape[1]} features; embeddings have {self.embeddings.shape[1]}"
            )
        for name, scores in self.uncertainty.items():
            if scores.shape != (n,) or not np.isfinite(scores).all():
                raise InvalidInput(f"uncertainty[{name!r}] must be {n} finite scores; got shape {scores.shape}")


def _is_finite(array: Shaped[np.ndarray, "..."]) -> bool:
    """Check block by block: a million embeddings would need 400 MB for the flags alone."""
    if array.dtype.kind in "iu":
        return True
    rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array
    return all(bool(np.isfinite(rows[at : at + _BLOCK_ROWS]).all()) for at in range(0, len(rows), _BLOCK_ROWS))
