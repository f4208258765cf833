"""ActiveFT: centroids that follow the pool's density and repel each other, and the items nearest to them."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.clustering import nearest_rows
from alcore.strategies.networks import Adam
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult

_MINI_BATCH = 4096
_MAX_ANCHORS = 1024


@register(
    "activeft",
    paper="Xie et al. 2023 (CVPR), ActiveFT",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(i·m·(b+l)·d) for i iterations on m rows",
    advice="One-shot choice of a whole seed set; follows the pool's density and spreads out",
)
def activeft(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    temperature: float = 0.07,
    n_iterations: int = 300,
    learning_rate: float = 1e-3,
) -> QueryResult:
    """Learn one centroid a pick that follows the density of the pool, and take the item nearest to each.

    Settings: `temperature` of the similarities; `n_iterations` of Adam at `learning_rate`.

    Source: Xie et al. 2023 (CVPR), "Active Finetuning", their loss with its published settings. Departures: pools of
    more than 4096 rows are seen in mini-batches of that size; labeled items (1024 at most, drawn) take part as
    centroids that stay where they are; the repulsion leaves a centroid itself out, as the paper's formula does, and
    its gradient flows to both sides, where the authors' code counts the centroid itself and stops one side. Where two
    centroids share an item, the one that more items belong to has it, and the other takes the next nearest.
    """
    if not temperature >= 0.02:
        raise InvalidInput(f"temperature must be >= 0.02, or exponentials overflow; got {temperature}")
    if n_iterations < 1 or not learning_rate > 0:
        raise InvalidInput(f"need n_iterations >= 1 and learning_rate > 0; got {n_iterations}, {learning_rate}")
    unlabeled = np.flatnonzero(~pool.labeled).astype(np.int64)
    anchors = rng.permutation(np.flatnonzero(pool.labeled))[:_MAX_ANCHORS]
    first = rng.choice(unlabeled, size=min(batch_size, len(unlabeled)), replace=False)
    centroids, sizes = learn_centroids(
        pool.embeddings,
        unlabeled,
        _unit(pool.embeddings[first]),
        _unit(pool.embeddings[anchors]),
        temperature=temperature,
        n_iterations=n_iterations,
        learning_rate=learning_rate,
        rng=rng,
    )
    pairs = nearest_rows(
        pool.embeddings, centroids, Quota(pool, max_per_group), order=np.argsort(-sizes, kind="stable")
    )
    reasons = tuple(f"nearest to a learned centroid that stands for {sizes[c]:.0%} of the pool" for c, _ in pairs)
    return QueryResult(rows=np.asarray([row for _, row in pairs], dtype=np.int64), reasons=reasons)


def learn_centroids(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    centroids: Float32[np.ndarray, "b d"],
    anchors: Float32[np.ndarray, "l d"],
    *,
    temperature: float,
    n_iterations: int,
    learning_rate: float,
    rng: np.random.Generator,
) -> tuple[Float32[np.ndarray, "b d"], Float64[np.ndarray, " b"]]:
    """Minimise ActiveFT's loss over the directions of some centroids.

    Args:
        embeddings: one row per pool item; scaled to length 1 here.
        rows: items whose density is to be followed.
        centroids: first centroids, of length 1.
        anchors: centroids that stay, of length 1; may be empty.
        temperature: divides all similarities.
        n_iterations: Adam steps.
        learning_rate: of Adam.
        rng: mini-batches.

    Returns:
        Centroids of length 1, and the share of items, over the last tenth of the iterations, nearest to each.

    Cost: O(n_iterations·min(m, 4096)·(b + l)·d) time.
    """
    free = centroids.copy()
    optimizer = Adam([free], learning_rate)
    counts = np.zeros(len(free))
    whole = _unit(embeddings[rows]) if len(rows) <= _MINI_BATCH else None
    for iteration in range(n_iterations):
        lengths = np.maximum(np.linalg.norm(free, axis=1, keepdims=True), 1e-12)
        directions = free / lengths
        points = whole
        if points is None:
            points = _unit(embeddings[np.sort(rng.choice(rows, size=_MINI_BATCH))])
        _, gradient, nearest = activeft_loss(points, np.concatenate([directions, anchors]), temperature)
        gradient = gradient[: len(free)]
        if iteration >= 0.9 * n_iterations:
            counts += np.bincount(nearest, minlength=len(free) + len(anchors))[: len(free)] / len(points)
        along = np.einsum("bd,bd->b", gradient, directions)[:, None]
        optimizer.step([((gradient - along * directions) / lengths).astype(np.float32)])
    n_counted = n_iterations - int(np.ceil(0.9 * n_iterations))
    return _unit(free), counts / max(n_counted, 1)


def activeft_loss(
    points: Float[np.ndarray, "m d"], centroids: Float[np.ndarray, "k d"], temperature: float
) -> tuple[float, Float[np.ndarray, "k d"], Int64[np.ndarray, " m"]]:
    """Return ActiveFT's loss, its gradient by the centroids, and the nearest centroid of each point.

    Source: Xie et al. 2023, the mean over points x, whose most similar centroid is c, of
    -log(exp(x·c/t) / (exp(x·c/t) + sum over other centroids j of exp(j·c/t))). O(m·k·d).
    """
    similarity = points @ centroids.T / temperature
    nearest = similarity.argmax(axis=1)
    attraction = np.exp(similarity[np.arange(len(points)), nearest])
    repulsion = np.exp(centroids @ centroids.T / temperature)
    np.fill_diagonal(repulsion, 0)
    total = attraction + repulsion.sum(axis=1)[nearest]
    loss = float(np.mean(np.log(total) - np.log(attraction)))
    one_hot = np.zeros_like(similarity)
    one_hot[np.arange(len(points)), nearest] = (1 - attraction / total) / len(points)
    pull = one_hot.T @ points
    push = np.bincount(nearest, weights=1 / total, minlength=len(centroids))[:, None] * repulsion / len(points)
    gradient = ((push + push.T) @ centroids - pull) / temperature
    return loss, gradient, nearest


def _unit(rows: Float[np.ndarray, "m d"]) -> Float32[np.ndarray, "m d"]:
    """Scale rows to length 1; a row of zeros stays."""
    rows = np.asarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)
