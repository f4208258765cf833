"""CLUE: k-means weighted by uncertainty, the items nearest to the centres."""

import numpy as np
from jaxtyping import Float, Float64

from alcore.strategies.batch import Batch, check_positive, nonnegative_scores, open_rows
from alcore.strategies.centroids import take_nearest_to_centres
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult


@register(
    "clue",
    paper="Prabhu et al., ICCV 2021 (arXiv:2010.08666)",
    phase="round",
    needs=frozenset({"embeddings"}),
    cost="O(n·b·d) an iteration",
    advice="Uncertain and spread at once; robust where the pool differs from what the head has seen",
)
def clue(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    temperature: float = 1.0,
) -> QueryResult:
    """Take the items nearest to the centres of an uncertainty-weighted k-means; the heaviest cluster first.

    Source: Prabhu et al. 2021 (arXiv:2010.08666): k-means with K = `batch_size`, each item weighted by its entropy.
    O(n·b·d) an iteration. The `temperature` T of the paper's softmax becomes an exponent of the weight, score^(1/T):
    the pool holds probabilities or pooled scores rather than logits, and both make low T prefer the uncertain.
    Departures: at most 1000 items a cluster make the centres; FAISS starts from random items, not by k-means++; an item
    nearest to two centres is taken for the heavier one and the other gets its next nearest; where all weights are 0
    they are equal; where groups are full, what is lacking is taken by weight.
    """
    check_positive(temperature=temperature)
    scores = nonnegative_scores(acquisition, pool, strategy="clue")
    batch = Batch(pool, batch_size, max_per_group)
    rows = open_rows(pool)
    weights = clue_weights(scores[rows], temperature)
    take_nearest_to_centres(
        pool.embeddings,
        rows,
        batch,
        rng=rng,
        weights=weights,
        reason=lambda row, share: (
            f"middle of a cluster with {share:.0%} of the {acquisition}, its own {scores[row]:.2f}"
        ),
    )
    order = rows[np.lexsort((rng.random(len(rows)), -weights))]
    batch.fill(order, lambda row: f"{acquisition} {scores[row]:.2f}; the groups nearer to the cluster centres are full")
    return batch.result(scores)


def clue_weights(scores: Float[np.ndarray, " n"], temperature: float) -> Float64[np.ndarray, " n"]:
    """Return score^(1/temperature) over its largest value, in 0..1; zeros where all scores are 0."""
    largest = scores.max()
    if largest == 0:
        return np.zeros(len(scores))
    return np.asarray((scores / largest) ** (1 / temperature), dtype=np.float64)
