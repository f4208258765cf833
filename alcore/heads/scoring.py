"""From a committee's pixel probabilities to one uncertainty score an image."""

import numpy as np
from jaxtyping import Float

from alcore.acquisition import ACQUISITIONS, pool_map


def score_segmentation(committee: Float[np.ndarray, "s n k h w"]) -> dict[str, Float[np.ndarray, " n"]]:
    """Score images by every dense acquisition function, averaged over their pixels.

    Args:
        committee: class probabilities of each member, as `SegmentationHead.predict` gives them.

    Returns:
        Scores by the name of each acquisition function that is dense, higher = ask sooner. Those that need
        probabilities look at the mean over the members, which makes `entropy` and `dbal` equal here.

    Source: pixel scores as in `alcore.acquisition`, pooled by their mean as in the code of Wang et al. 2024
    (arXiv:2310.14230). O(s·k) a pixel; one image at a time, so memory stays small.
    """
    n = committee.shape[1]
    dense = {name: acquisition for name, acquisition in ACQUISITIONS.items() if acquisition.is_dense}
    scores = {name: np.empty(n) for name in dense}
    for row in range(n):
        members = np.moveaxis(committee[:, row], 1, -1)
        arrays = {"committee": members, "probabilities": members.mean(axis=0)}
        for name, acquisition in dense.items():
            scores[name][row] = pool_map(acquisition.of(arrays), "mean")
    return scores
