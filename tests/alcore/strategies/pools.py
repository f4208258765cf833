"""Small pools for strategy tests."""

import dataclasses

import numpy as np

from alcore.types import LinearHead, PoolView


def make_pool(n=60, d=8, *, seed=0, n_labeled=6, n_groups=12, n_classes=3, embeddings=None):
    """A pool that has every array that any strategy may need."""
    rng = np.random.default_rng(seed)
    if embeddings is None:
        embeddings = rng.normal(size=(n, d))
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
    labeled = np.zeros(n, dtype=bool)
    labeled[rng.choice(n, n_labeled, replace=False)] = True
    committee = rng.dirichlet(np.ones(n_classes), size=(4, n)).astype(np.float32)
    groups = rng.integers(n_groups, size=n)
    return PoolView(
        embeddings=embeddings,
        labeled=labeled,
        groups=np.asarray([f"patient {g}" for g in groups], dtype=object),
        probabilities=committee.mean(axis=0),
        committee=committee,
        positions=rng.permutation(n),
        labels=np.where(labeled, np.arange(n) % n_classes, -1),
        augmented=rng.dirichlet(np.ones(n_classes), size=(5, n)).astype(np.float32),
        second_opinions=rng.dirichlet(np.ones(n_classes), size=(2, n)).astype(np.float32),
        previous_probabilities=rng.dirichlet(np.ones(n_classes), size=n).astype(np.float32),
        evidence=rng.exponential(size=(n, n_classes)).astype(np.float32),
        head=LinearHead(weights=rng.normal(size=(n_classes, embeddings.shape[1])), bias=rng.normal(size=n_classes)),
        losses=np.where(labeled, rng.exponential(size=n), -1),
        pretext_losses=rng.exponential(size=n),
        costs=rng.uniform(2, 60, size=n),
        foreground=rng.uniform(size=n),
        patches=rng.normal(size=(n, 4, 6)).astype(np.float32),
        class_mixtures=rng.dirichlet(np.ones(n_classes), size=(n, n_classes)).astype(np.float32),
        class_scores=rng.uniform(size=(n, n_classes)),
    )


def taken(pool, order):
    """The same items in another order."""
    return map_items(pool, lambda array, axis: np.take(array, order, axis=axis))


def map_items(pool, change):
    """A pool whose arrays were changed by `change(array, axis of the items)`."""
    by_members = {"committee", "augmented", "second_opinions"}
    found = {}
    for field in dataclasses.fields(PoolView):
        value = getattr(pool, field.name)
        if field.name == "uncertainty":
            found[field.name] = {name: change(scores, 0) for name, scores in value.items()}
        elif isinstance(value, np.ndarray):
            found[field.name] = change(value, 1 if field.name in by_members else 0)
        else:
            found[field.name] = value
    return PoolView(**found)
