"""Scores from several opinions on one item: augmented views, other models, the head of an earlier round."""

import numpy as np
from jaxtyping import Float

from alcore.acquisition.committee import dbal
from alcore.acquisition.probability import check_probabilities, raw_entropy
from alcore.errors import InvalidInput


def tta_disagreement(augmented: Float[np.ndarray, "a *items c"]) -> Float[np.ndarray, "*items"]:
    """Return the variance of each class's probability over the augmented views, summed over classes, in [0, 1).

    Args:
        augmented: class probabilities of each of a >= 2 views of an item; let the plain image be one of them.

    Raises:
        InvalidInput: fewer than two views, or a row is no distribution.

    Source: Gao et al. 2020 (ECCV), consistency-based semi-supervised active learning: the variance of the class
    probabilities over an image and its random augmentations. O(a·c) an item. Population variance.
    """
    _check_views(augmented)
    return augmented.var(axis=0).sum(axis=-1)


def augmentation_entropy(augmented: Float[np.ndarray, "a *items c"]) -> Float[np.ndarray, "*items"]:
    """Return the entropy of the mean prediction over augmented views, in nats, in [0, ln c].

    Source: Wang et al. 2019 (Neurocomputing), test-time augmentation for aleatoric uncertainty. O(a·c) an item.
    Departure: they take the entropy of the views' votes; here it is that of the mean probabilities, which needs fewer
    views.
    """
    _check_views(augmented)
    return dbal(augmented)


def augmentation_diversity(augmented: Float[np.ndarray, "a *items c"]) -> Float[np.ndarray, "*items"]:
    """Return the mean symmetric Kullback-Leibler divergence of pairs of augmented views, in nats, at least 0.

    Source: Zhou et al. 2017 (CVPR), active incremental fine-tuning (AIFT), its diversity term. O(a·c) an item, as the
    sum over pairs splits into sums over views. Departures: the mean over pairs instead of the sum; all views instead of
    the share that leans most to the majority's class; the entropy that the paper adds is `augmentation_entropy`.
    Probabilities count as at least 1e-6, since the divergence is infinite where one view rules out what another does
    not.
    """
    _check_views(augmented)
    views = np.maximum(augmented, 1e-6)
    logarithms = np.log(views)
    within = np.einsum("a...c,a...c->...", views, logarithms)
    across = np.einsum("...c,...c->...", views.sum(axis=0), logarithms.sum(axis=0))
    n = len(augmented)
    return np.maximum(2 * (n * within - across) / (n * (n - 1)), 0)


def opinion_disagreement(
    probabilities: Float[np.ndarray, "*items c"], second_opinions: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "*items"]:
    """Return the Jensen-Shannon divergence of other models' predictions from the head's, their mean, in [0, ln 2] nats.

    Args:
        probabilities: what the head says.
        second_opinions: (m, *items, c): what each of m >= 1 other models says: auxiliary heads, or a promptable model.

    Raises:
        InvalidInput: shapes do not fit, there is no second opinion, or a row is no distribution.

    Source: the idea of Zhao et al. 2021 (DSAL, IEEE JBHI: layers of one network) and Wang et al. 2023 (PLD-AL, MICCAI:
    pseudo-labels of two networks). O(m·c) an item. Departure: the Jensen-Shannon divergence (Lin 1991), since a
    promptable model may answer with zeros and ones, for which the Kullback-Leibler divergence is infinite.
    """
    if second_opinions.ndim < 2 or len(second_opinions) < 1 or second_opinions.shape[1:] != probabilities.shape:
        raise InvalidInput(
            f"second_opinions must be (m, ..., c), m >= 1, over probabilities {probabilities.shape}; "
            f"got {second_opinions.shape}"
        )
    check_probabilities(probabilities)
    check_probabilities(second_opinions)
    apart = (raw_entropy(probabilities) + raw_entropy(second_opinions)) / 2
    together = raw_entropy((probabilities + second_opinions) / 2)
    return np.maximum(together - apart, 0).mean(axis=0)


def temporal_discrepancy(
    probabilities: Float[np.ndarray, "*items c"], previous_probabilities: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "*items"]:
    """Return how far the prediction moved since an earlier round: Euclidean distance, in [0, sqrt 2].

    Raises:
        InvalidInput: shapes differ, for instance because a class was added in between, or a row is no distribution.

    Source: Huang et al. 2021 (ICCV), temporal output discrepancy (TOD). O(c) an item. Departure: class probabilities of
    the heads of two rounds instead of a network's outputs some training steps apart.
    """
    if probabilities.shape != previous_probabilities.shape:
        raise InvalidInput(
            f"previous_probabilities must have the shape of probabilities {probabilities.shape}; "
            f"got {previous_probabilities.shape}"
        )
    check_probabilities(probabilities)
    check_probabilities(previous_probabilities)
    return np.linalg.norm(probabilities - previous_probabilities, axis=-1)


def _check_views(augmented: Float[np.ndarray, "..."]) -> None:
    """Refuse a lone view, which cannot disagree, and illegal probabilities."""
    if augmented.ndim < 2 or len(augmented) < 2:
        raise InvalidInput(f"augmented must be (a, ..., c) with at least two views; got shape {augmented.shape}")
    check_probabilities(augmented)
