"""DropQuery: items whose predicted class changes when features are dropped, then one of each cluster of these."""

import numpy as np
from jaxtyping import Float, Int64

from alcore.errors import InvalidInput
from alcore.strategies.batch import Batch, open_rows
from alcore.strategies.blocks import blocks
from alcore.strategies.centroids import take_nearest_to_centres
from alcore.strategies.registry import register
from alcore.types import LinearHead, PoolView, QueryResult


@register(
    "dropquery",
    paper="Gupte et al., TMLR 2024 (arXiv:2401.14555)",
    phase="round",
    needs=frozenset({"embeddings", "head"}),
    cost="O(s·n·(c·d)) and k-means of the candidates; s passes",
    advice="Made for linear heads on foundation models, biomedical images among them; needs no committee",
)
def dropquery(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    dropout_rate: float = 0.75,
    n_passes: int = 3,
    candidates_per_pick: int = 25,
) -> QueryResult:
    """Take the middle of each cluster of the items whose predicted class changes when features are dropped.

    Settings: `dropout_rate` of the features are set to 0 in each of `n_passes` passes and the others scaled by
    1 / (1 - rate), as dropout does; an item is a candidate if more than half of the passes disagree with the full
    features, and this demand is lowered by one pass at a time until there are `candidates_per_pick` times `batch_size`
    candidates (0: until there are `batch_size`).

    Source: Gupte et al. 2024 (arXiv:2401.14555): rate 0.75, 3 passes, k-means with K = `batch_size` on the candidates,
    the nearest to each centre. Departures: FAISS's k-means; candidates are of unlabeled items only; what is lacking
    where groups are full follows by disagreement.
    """
    if not 0 < dropout_rate < 1:
        raise InvalidInput(f"dropout_rate must lie between 0 and 1; got {dropout_rate}")
    if n_passes < 1:
        raise InvalidInput(f"n_passes must be >= 1; got {n_passes}")
    if candidates_per_pick < 0:
        raise InvalidInput(f"candidates_per_pick must be >= 0; got {candidates_per_pick}")
    assert pool.head is not None  # `select` has checked
    rows = open_rows(pool)
    votes = disagreements(pool.embeddings, rows, pool.head, dropout_rate=dropout_rate, n_passes=n_passes, rng=rng)
    is_candidate = most_disputed(votes, n_passes, at_least=max(1, candidates_per_pick) * batch_size)
    counts = np.zeros(len(pool.labeled), dtype=np.int64)
    counts[rows] = votes
    batch = Batch(pool, batch_size, max_per_group)
    candidates = rows[is_candidate]

    def disputed(row: int) -> str:
        return f"{counts[row]} of {n_passes} dropout passes disagree"

    take_nearest_to_centres(
        pool.embeddings,
        candidates,
        batch,
        rng=rng,
        reason=lambda row, share: f"{disputed(row)}; middle of {share:.0%} of the {len(candidates)} candidates",
    )
    order = rows[np.lexsort((rng.random(len(rows)), -votes))]
    batch.fill(order, lambda row: f"{disputed(row)}; the groups of the candidates are full")
    return batch.result(counts / n_passes)


def disagreements(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    head: LinearHead,
    *,
    dropout_rate: float,
    n_passes: int,
    rng: np.random.Generator,
) -> Int64[np.ndarray, " m"]:
    """Return in how many passes the predicted class of each row differs from that of its full features.

    Each pass drops each feature of each row with chance `dropout_rate`, independently. O(n_passes·m·c·d), block by
    block.
    """
    votes = np.zeros(len(rows), dtype=np.int64)
    weights = np.asarray(head.weights, dtype=np.float32).T
    for place, block in blocks(embeddings, rows):
        predicted = (block @ weights + head.bias).argmax(axis=1)
        for _ in range(n_passes):
            kept = rng.random(block.shape, dtype=np.float32) >= dropout_rate
            logits = (block * kept) @ weights / (1 - dropout_rate) + head.bias
            votes[place] += logits.argmax(axis=1) != predicted
    return votes


def most_disputed(votes: Int64[np.ndarray, " m"], n_passes: int, *, at_least: int) -> np.ndarray:
    """Mark the items with more than half of the votes, or as many votes fewer as it takes to mark `at_least` items."""
    needed = n_passes // 2 + 1
    while needed > 0 and (votes >= needed).sum() < at_least:
        needed -= 1
    return votes >= needed
