"""Small pools for strategy tests."""

import numpy as np

from alcore.types import PoolView


def make_pool(n=60, d=8, *, seed=0, n_labeled=6, n_groups=12, n_classes=3, embeddings=None):
    """A pool that has every array that any strategy may need."""
    rng = np.random.default_rng(seed)
    if embeddings is None:
        embeddings = rng.normal(size=(n, d))
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    labeled = np.zeros(n, dtype=bool)
    labeled[rng.choice(n, n_labeled, replace=False)] = True
    committee = rng.dirichlet(np.ones(n_classes), size=(4, n)).astype(np.float32)
    return PoolView(
        embeddings=np.ascontiguousarray(embeddings, dtype=np.float32),
        labeled=labeled,
        groups=np.asarray([f"patient {g}" for g in rng.integers(n_groups, size=n)], dtype=object),
        probabilities=committee.mean(axis=0),
        committee=committee,
    )
