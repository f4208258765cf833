"""Arguments for every acquisition function, and the same ones in another order."""

import numpy as np

from alcore.types import LinearHead

PROBABILITIES = {"probabilities", "committee", "augmented", "second_opinions", "previous_probabilities"}
AXES = {
    "embeddings": ("item", "feature"),
    "probabilities": ("item", "class"),
    "previous_probabilities": ("item", "class"),
    "evidence": ("item", "class"),
    "committee": ("member", "item", "class"),
    "augmented": ("member", "item", "class"),
    "second_opinions": ("member", "item", "class"),
    "labels": ("item",),
    "losses": ("item",),
    "head": ("class", "feature"),
}


def make_arguments(n=9, d=6, *, n_classes=5, n_members=4, seed=0):
    """Every array that an acquisition function may need, five of n items labeled."""
    rng = np.random.default_rng(seed)
    dirichlet = lambda *shape: rng.dirichlet(np.ones(n_classes), size=shape)  # noqa: E731
    labels = np.where(np.arange(n) < 5, np.arange(n) % 2, -1)
    return {
        "embeddings": rng.normal(size=(n, d)).astype(np.float32),
        "probabilities": dirichlet(n),
        "previous_probabilities": dirichlet(n),
        "evidence": rng.exponential(size=(n, n_classes)),
        "committee": dirichlet(n_members, n),
        "augmented": dirichlet(n_members, n),
        "second_opinions": dirichlet(n_members, n),
        "labels": labels,
        "losses": np.where(labels >= 0, rng.exponential(size=n), -1.0),
        "head": LinearHead(weights=rng.normal(size=(n_classes, d)), bias=rng.normal(size=n_classes)),
    }


def permuted(arrays, what, order):
    """The same arguments with items, classes or members in another order; class indices follow their classes."""
    changed = {}
    for name, value in arrays.items():
        axis = AXES[name].index(what) if what in AXES[name] else None
        if name == "head":
            places = order if what == "class" else slice(None)
            changed[name] = LinearHead(weights=value.weights[places], bias=value.bias[places])
        elif name == "labels" and what == "class":
            changed[name] = np.where(value >= 0, np.argsort(order)[value], -1)
        else:
            changed[name] = value if axis is None else np.take(value, order, axis=axis)
    return changed
