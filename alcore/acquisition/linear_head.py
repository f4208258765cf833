"""Scores from the geometry of a linear head on frozen embeddings: gradients and distances in closed form."""

import numpy as np
from jaxtyping import Float

from alcore.acquisition.probability import check_probabilities
from alcore.errors import InvalidInput
from alcore.pool import LinearHead


def expected_gradient_length(
    probabilities: Float[np.ndarray, "n c"], embeddings: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"]:
    """Return the expected length of the loss gradient of the last layer, labels as the head believes them.

    The cross-entropy gradient for label y is (p - e_y) ⊗ [h, 1], so its Euclidean length is a product of two.

    Raises:
        InvalidInput: a row of probabilities is no distribution.

    Source: Settles, Craven & Ray 2008 (NeurIPS); Settles 2009, section 3.3: sum_y p_y·|gradient for y|. O(n·(c + d)).
    Departure: the gradient of the last layer, weights and bias, in place of all weights of a network.
    """
    from alcore.strategies.blocks import squared_norms  # here, since strategies import this package

    check_probabilities(probabilities)
    p = probabilities.astype(np.float64)
    squared_errors = (p * p).sum(axis=1, keepdims=True) - 2 * p + 1
    errors = np.sqrt(np.maximum(squared_errors, 0))
    return np.einsum("nc,nc->n", p, errors) * np.sqrt(squared_norms(embeddings) + 1.0)


def adversarial_margin(embeddings: Float[np.ndarray, "n d"], head: LinearHead) -> Float[np.ndarray, " n"]:
    """Return minus the length of the smallest change of the embedding that changes the predicted class, at most 0.

    For a linear head it is exact: min over classes c of (z_top - z_c) / |w_top - w_c|, with logits z. Classes with
    equal weights never change places and are passed over; where all are equal, no change helps and all scores are 0.

    Raises:
        InvalidInput: the head has fewer than two classes or another number of features.

    Source: Ducoffe & Precioso 2018 (DFAL, arXiv:1802.09841), who estimate it by DeepFool. O(n·c·d) time, O(c²) memory
    beside the scores. Departure: distance in the space of embeddings, not of pixels; the found adversarial twins are
    not added to the labels.
    """
    from alcore.strategies.blocks import blocks  # here, since strategies import this package

    if len(head.weights) < 2:
        raise InvalidInput("adversarial_margin needs a head of at least two classes; got one")
    if head.weights.shape[1] != embeddings.shape[1]:
        raise InvalidInput(f"the head is for {head.weights.shape[1]} features; embeddings have {embeddings.shape[1]}")
    weights = head.weights.astype(np.float64)
    apart = np.stack([np.linalg.norm(weights - row, axis=1) for row in weights])
    if not apart.any():
        return np.zeros(len(embeddings))
    scores = np.empty(len(embeddings))
    for place, block in blocks(embeddings):
        logits = block @ weights.T + head.bias
        top = logits.argmax(axis=1)
        gaps = logits.max(axis=1, keepdims=True) - logits
        distances = np.divide(gaps, apart[top], out=np.full_like(gaps, np.inf), where=apart[top] > 0)
        scores[place] = -distances.min(axis=1)
    return scores
