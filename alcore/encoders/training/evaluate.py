"""How good embeddings are: neighbours, a linear probe, and how well a first batch covers the pool.

`benchmarks/encoders.py` measures the built-in encoder with these against other features.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped

from alcore.encoders.base import squash, unit_rows
from alcore.heads.classification import train_classification_head

K = 5


def classic_features(images: Sequence[np.ndarray]) -> Float[np.ndarray, "n d"]:
    """Histogram of oriented gradients at 64 pixels, beside a colour histogram of 8 bins a channel."""
    from skimage.feature import hog

    rows = []
    for image in squash(images, 64):
        gradients = hog(image.mean(2), orientations=8, pixels_per_cell=(16, 16), cells_per_block=(2, 2))
        colours = [np.histogram(image[..., c], bins=8, range=(0, 256))[0] / 64**2 for c in range(3)]
        colour_row = np.concatenate(colours)
        rows.append(np.concatenate([gradients / np.linalg.norm(gradients).clip(1e-6), colour_row]))
    return unit_rows(np.array(rows))


def nearest_neighbours(
    reference: Float[np.ndarray, "n d"],
    labels: Shaped[np.ndarray, " n"],
    queries: Float[np.ndarray, "q d"],
    *,
    k: int = K,
) -> Shaped[np.ndarray, " q"]:
    """Give each query the label that has most similarity among its k nearest rows."""
    similarity = queries @ reference.T
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    names = np.unique(labels)
    weights = np.take_along_axis(similarity, nearest, axis=1)
    votes = np.stack([((labels[nearest] == name) * weights).sum(1) for name in names], axis=1)
    return names[votes.argmax(1)]


def linear_probe(
    reference: Float[np.ndarray, "n d"], labels: Shaped[np.ndarray, " n"], queries: Float[np.ndarray, "q d"]
) -> Shaped[np.ndarray, " q"]:
    """Give each query the label that a linear head, trained on the reference rows, finds most likely."""
    names, targets = np.unique(labels, return_inverse=True)
    head = train_classification_head(reference, targets, len(names), seed=0, n_members=1)
    return names[head.predict(queries)[0].argmax(1)]


def coverage_radius(embeddings: Float[np.ndarray, "n d"], rows: Shaped[np.ndarray, " b"]) -> float:
    """Mean Euclidean distance of all items to the nearest chosen one."""
    distances = np.sqrt(np.maximum(0.0, 2 - 2 * embeddings @ embeddings[rows].T))  # rows have length 1
    return float(distances.min(axis=1).mean())
