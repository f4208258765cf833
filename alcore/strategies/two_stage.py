"""Two stages: many uncertain items first, then a few of these that stand for the rest."""

from typing import Literal

import numpy as np
from jaxtyping import Int64

from alcore.errors import InvalidInput
from alcore.strategies.batch import Batch
from alcore.strategies.blocks import unit_scale
from alcore.strategies.coverage import N_REFERENCE, Coverage, draw_reference, similarity
from alcore.strategies.greedy import lazy_greedy, sweep
from alcore.strategies.k_center import k_center
from alcore.strategies.kmeans import kmeans_medoid
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import ranking, scores_of
from alcore.types import PoolView, QueryResult

Stage = Literal["max_cover", "k_center", "k_means"]


@register(
    "two_stage",
    paper="Yang et al. (Suggestive Annotation), MICCAI 2017 (arXiv:1706.04737)",
    phase="round",
    needs=frozenset({"embeddings"}),
    cost="O(k·b·r·d) for max_cover, O(k·b²·d) for the others; candidates k·b, references r",
    advice="Plain and strong in medical segmentation; a larger ratio spreads more and asks less of the score",
)
def two_stage(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    ratio: int = 10,
    second: Stage = "max_cover",
    n_reference: int = N_REFERENCE,
) -> QueryResult:
    """Take the `ratio` times `batch_size` highest scores, then those of them that represent the pool best.

    Settings: `second` is max_cover (greedy cover of the unlabeled pool by cosine similarity), k_center (farthest from
    labeled and chosen items) or k_means (nearest to the centres of clusters of the candidates); `n_reference` items
    stand for the pool in max_cover.

    Source: Yang et al. 2017 (arXiv:1706.04737), with max_cover; 16 uncertain for 8 chosen there, a `ratio` of 2.
    Departures: frozen embeddings instead of the network's own; similarity below 0 counts as 0; lazy greedy, which gives
    the plain greedy's picks; at most `n_reference` items are covered, drawn from the unlabeled ones. What is lacking
    where groups are full follows by score.
    """
    if ratio < 1:
        raise InvalidInput(f"ratio must be >= 1; got {ratio}")
    scores = scores_of(acquisition, pool)
    order = ranking(scores, pool, rng)
    candidates = np.sort(order[: ratio * batch_size])
    batch = Batch(pool, batch_size, max_per_group)
    if second == "max_cover":
        reference = draw_reference(~pool.labeled, n_reference, rng)
        coverage = Coverage(pool.embeddings, reference, similarity(), scale=unit_scale(pool.embeddings))
        is_candidate = np.isin(np.arange(len(scores)), candidates)
        rows, gains = lazy_greedy(
            sweep(coverage.gains, is_candidate), coverage.gains, coverage.add, batch.quota,
            batch_size=batch.n_wanted, rng=rng, among=is_candidate,
        )  # fmt: skip
        for row, gain in zip(rows.tolist(), gains.tolist(), strict=True):
            batch.note(row, f"{acquisition} {scores[row]:.2f}; covers {gain:.1%} more of the pool")
    else:
        rows, reasons = _chosen_among(pool, candidates, batch_size, second, max_per_group, rng)
        for row, reason in zip(rows.tolist(), reasons, strict=True):
            batch.take(row, f"{acquisition} {scores[row]:.2f}; {reason}")
    batch.fill(order, lambda row: f"{acquisition} {scores[row]:.2f}; the groups of better ones are full")
    return batch.result(scores)


def _chosen_among(
    pool: PoolView,
    candidates: Int64[np.ndarray, " m"],
    batch_size: int,
    second: str,
    max_per_group: int | None,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " b"], tuple[str, ...]]:
    """Run another strategy on a pool of the candidates and, for k-center, the labeled items."""
    labeled = np.flatnonzero(pool.labeled) if second == "k_center" else candidates[:0]
    kept = np.concatenate([labeled, candidates]).astype(np.int64)
    part = PoolView(
        embeddings=np.asarray(pool.embeddings[kept], dtype=np.float32),
        labeled=np.arange(len(kept)) < len(labeled),
        groups=None if pool.groups is None else pool.groups[kept],
    )
    strategy = k_center if second == "k_center" else kmeans_medoid
    result = strategy(part, batch_size, rng=rng, max_per_group=max_per_group)
    return kept[result.rows], result.reasons
