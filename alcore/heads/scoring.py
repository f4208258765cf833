"""From a committee's pixel probabilities to what query strategies look at: a few numbers an image."""

import numpy as np
from jaxtyping import Float

from alcore.acquisition import ACQUISITIONS, entropy, pool_map
from alcore.acquisition.context import class_mixtures
from alcore.opinions import Opinion

SCORED_SIDE = 64
"""Of larger maps every second, third ... pixel each way is looked at: neighbours say the same, and cost the same."""
FOREGROUND_SHARE = 0.01
"""An image shows an object as surely as this share of its pixels, the surest ones, do on average."""


def score_segmentation(committee: Float[np.ndarray, "s n k h w"]) -> Opinion:
    """Score images from pixel maps, one image at a time so that memory stays small.

    Args:
        committee: class probabilities of each member, as `SegmentationHead.predict` gives them; class 0 is background.

    Returns:
        `uncertainty`: every dense acquisition function, averaged over the pixels; those that take probabilities look at
        the members' mean, which makes `entropy` and `dbal` equal here. `class_scores`: the mean over pixels of entropy
        times each class's probability (ClaSP PE, arXiv:2601.13677). `class_mixtures`: see `acquisition.context`.
        `foreground`: the mean probability of any object over the surest 1 % of pixels.

    Source: pixel scores as in `alcore.acquisition`, pooled by their mean as in the code of Wang et al. 2024
    (arXiv:2310.14230), on a grid of at least `SCORED_SIDE` pixels a side. O(s·k) a pixel.
    """
    n, n_classes = committee.shape[1:3]
    step = max(1, min(committee.shape[3:]) // SCORED_SIDE)
    dense = {name: acquisition for name, acquisition in ACQUISITIONS.items() if acquisition.is_dense}
    uncertainty = {name: np.empty(n) for name in dense}
    class_scores, foreground = np.empty((n, n_classes)), np.empty(n)
    mixtures = np.empty((n, n_classes, n_classes), dtype=np.float32)
    for row in range(n):
        members = np.ascontiguousarray(np.moveaxis(committee[:, row, :, ::step, ::step], 1, -1))
        mean = members.mean(axis=0)
        arrays = {"committee": members, "probabilities": mean}
        for name, acquisition in dense.items():
            uncertainty[name][row] = pool_map(acquisition.of(arrays), "mean")
        mixtures[row] = class_mixtures(mean)
        class_scores[row] = np.einsum("hw,hwk->k", entropy(mean), mean) / mean[..., 0].size
        foreground[row] = pool_map(1 - mean[..., 0], "top", top_share=FOREGROUND_SHARE)
    return Opinion(
        uncertainty=uncertainty,
        class_scores=class_scores,
        class_mixtures=mixtures,
        foreground=np.clip(foreground, 0, 1),
    )
