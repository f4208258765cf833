"""How well two masks agree. `alcore.metrics` has its own copy: the two packages do not know each other."""

import numpy as np
from jaxtyping import Bool


def dice(a: Bool[np.ndarray, "h w"], b: Bool[np.ndarray, "h w"]) -> float:
    """Return 2|a ∩ b| / (|a| + |b|); two empty masks agree fully: 1.0."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def iou(a: Bool[np.ndarray, "h w"], b: Bool[np.ndarray, "h w"]) -> float:
    """Return |a ∩ b| / |a ∪ b|; two empty masks agree fully: 1.0."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0
