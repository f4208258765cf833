"""Representative annotation: candidates that cover each cluster, then the best of them for the whole pool."""

import numpy as np
from jaxtyping import Float32, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import gathered, unit_scale
from alcore.strategies.coverage import N_REFERENCE, Coverage, cosine, draw_reference
from alcore.strategies.greedy import lazy_greedy, sweep
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, Progress, QueryResult

_ROUNDING = 1e-6


@register(
    "representative_annotation",
    paper="Zheng et al., 'Biomedical Image Segmentation via Representative Annotation', AAAI 2019",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(r²·(d + log r)), r reference items; O(r²) bytes while it clusters",
    advice="One-shot selection for segmentation; rare looks get candidates of their own",
)
def representative_annotation(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_clusters: int = 3,
    coverage: float = 0.9,
    n_reference: int = N_REFERENCE,
    progress: Progress | None = None,
) -> QueryResult:
    """Cluster the pool, cover each cluster well by candidates, and take the candidates that cover all items best.

    Source: Zheng et al., AAAI 2019. Agglomerative clustering into `n_clusters` clusters; in each cluster items are
    added by greedy maximum coverage, F(S) = sum over its items u of max over s in S of cos(u, s), until F >= `coverage`
    times their number; among these candidates the batch is chosen by greedy maximum coverage of all clusters together,
    from the labeled items on. Both greedy searches are lazy, with the picks of plain ones. Departures: average linkage
    on cosine distance; above `n_reference` unlabeled items all is done on that many drawn at random; where candidates,
    or their groups, run out, the search goes on among all other items; negative similarities count as 0.
    """
    if n_clusters < 1 or not 0 < coverage <= 1:
        raise InvalidInput(f"n_clusters must be >= 1 and coverage in (0, 1]; got {n_clusters} and {coverage}")
    scale = unit_scale(pool.embeddings)
    reference = draw_reference(~pool.labeled, n_reference, rng)
    points = gathered(pool.embeddings, reference, scale=scale)
    clusters = agglomerate(points, n_clusters)
    candidates = np.zeros(len(pool.labeled), dtype=bool)
    for cluster in range(int(clusters.max()) + 1):
        members = clusters == cluster
        candidates[reference[members][cover_cluster(points[members], coverage, rng=rng)]] = True
        if progress is not None:
            progress(0, batch_size)
    n_candidates = int(candidates.sum())
    everything = Coverage(pool.embeddings, reference, cosine, scale=scale)
    everything.add_all(np.flatnonzero(pool.labeled).astype(np.int64))
    quota = Quota(pool, max_per_group)
    rows, gains = np.zeros(0, dtype=np.int64), np.zeros(0)
    for allowed in (candidates, ~candidates):
        bounds = sweep(everything.gains, quota.open & allowed, progress=progress)
        more, gained = lazy_greedy(
            bounds, everything.gains, everything.add, quota, batch_size=batch_size - len(rows), rng=rng,
            progress=progress, among=allowed,
        )  # fmt: skip
        rows, gains = np.concatenate([rows, more]), np.concatenate([gains, gained])
    reasons = tuple(
        f"brings coverage of the pool up by {gain:.4f}"
        + (f", one of {n_candidates} that cover the clusters" if candidates[row] else "; candidates were used up")
        for row, gain in zip(rows.tolist(), gains.tolist(), strict=True)
    )
    return QueryResult(rows=rows, scores=gains, reasons=reasons)


def agglomerate(points: Float32[np.ndarray, "r d"], n_clusters: int) -> Int64[np.ndarray, " r"]:
    """Return the cluster, from 0, of each row of length 1, by average linkage on cosine distance; O(r²) memory."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(points) == 1:
        return np.zeros(1, dtype=np.int64)
    distances = np.maximum(1 - points @ points.T, 0)
    tree = linkage(squareform(distances, checks=False), method="average")
    return np.asarray(fcluster(tree, n_clusters, criterion="maxclust") - 1, dtype=np.int64)


def cover_cluster(
    points: Float32[np.ndarray, "m d"], share: float, *, rng: np.random.Generator
) -> Int64[np.ndarray, " k"]:
    """Return few rows, found greedily, to which all rows (of length 1) have a mean similarity of at least `share`."""
    everything = np.arange(len(points), dtype=np.int64)
    own = Coverage(points, everything, cosine, scale=np.ones(len(points), dtype=np.float32))
    quota = Quota(PoolView(embeddings=points, labeled=np.zeros(len(points), dtype=bool)))
    rows, _ = lazy_greedy(
        sweep(own.gains, quota.open),
        own.gains,
        own.add,
        quota,
        batch_size=len(points),
        rng=rng,
        until=lambda: bool(own.best.mean(dtype=np.float64) >= share - _ROUNDING),
    )
    return rows
