"""Items that many others resemble: information density and USL."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import blocks, gathered, mean_row, products, unit_scale
from alcore.strategies.clustering import assign, fit_kmeans
from alcore.strategies.coverage import N_REFERENCE, draw_reference
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import ranking, scores_of
from alcore.types import PoolView, Progress, QueryResult

_MIN_DISTANCE = 1e-3


@register(
    "information_density",
    paper="Settles & Craven, EMNLP 2008; Settles 2009, section 3.6",
    phase="round",
    needs=frozenset({"embeddings"}),
    cost="O(n·d + n·c)",
    advice="Uncertain and typical at once: keeps uncertainty away from outliers",
    draws=False,
    is_nested=True,
)
def information_density(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    beta: float = 1.0,
) -> QueryResult:
    """Ask where the prediction is uncertain and the item resembles the rest of the pool.

    Source: Settles & Craven, EMNLP 2008: score = entropy times (mean similarity to the unlabeled pool) to the power of
    `beta`, cosine similarity. The mean cosine to all items is the product with their mean, so O(n·d) for all instead of
    O(n²·d), exactly. Departures: a mean cosine below 0 counts as 0; any acquisition function can stand for entropy;
    ties by chance.
    """
    if not beta >= 0:
        raise InvalidInput(f"beta must be >= 0; got {beta}")
    similarity = mean_cosine(pool.embeddings, ~pool.labeled)
    scores = scores_of(acquisition, pool) * np.maximum(similarity, 0) ** beta
    rows = Quota(pool, max_per_group).take_in_order(ranking(scores, pool, rng), batch_size)
    reasons = tuple(
        f"{acquisition} and density {score:.3g}, mean cosine to the pool {mean:.2f}"
        for score, mean in zip(scores[rows].tolist(), similarity[rows].tolist(), strict=True)
    )
    return QueryResult(rows=rows, scores=scores[rows], reasons=reasons)


def mean_cosine(embeddings: Float[np.ndarray, "n d"], among: Bool[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    """Return each row's mean cosine to the rows `among`, itself included; at least one must be. O(n·d)."""
    scale = unit_scale(embeddings)
    mean = mean_row(embeddings, among, scale=scale)
    return products(embeddings, mean[None], scale=scale)[:, 0]


@register(
    "usl",
    paper="Wang, Lian & Yu, 'Unsupervised Selective Labeling', ECCV 2022",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·(b·i + r)·d), r reference items, i rounds",
    advice="The densest item of each cluster, kept away from the other picks",
)
def usl(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_neighbours: int = 20,
    strength: float = 0.5,
    power: float = 0.5,
    n_rounds: int = 10,
    momentum: float = 0.9,
    n_reference: int = N_REFERENCE,
    progress: Progress | None = None,
) -> QueryResult:
    """Take the densest item of each k-means cluster, less a penalty for closeness to labeled and other chosen items.

    Source: Wang, Lian & Yu, "Unsupervised Selective Labeling", ECCV 2022, the training-free USL. Density is 1 /
    distance to the k-th of `n_neighbours` neighbours. In each of `n_rounds` rounds every cluster takes its item of the
    largest density minus `strength` times the penalty: the sum of 1 / distance to the power of `power` over the picks
    of the other clusters in the round before, smoothed by `momentum`. Departures: density is divided by its mean and
    the penalty by the number of picks, so that `strength` means the same in each pool; labeled items count as picks of
    no cluster; above `n_reference` unlabeled items neighbours are sought among that many drawn at random; k-means is
    spherical; an exhausted cluster is passed over, and what is then lacking is taken by score from all.
    """
    _check_usl(n_neighbours, strength, power, n_rounds, momentum)
    rows = np.flatnonzero(~pool.labeled).astype(np.int64)
    scale = unit_scale(pool.embeddings)
    reference = draw_reference(~pool.labeled, n_reference, rng)
    density = 1 / np.maximum(kth_distance(pool.embeddings, rows, reference, n_neighbours, scale=scale), _MIN_DISTANCE)
    density /= density.mean()
    n_clusters = min(batch_size, len(rows))
    clusters = assign(pool.embeddings, rows, fit_kmeans(pool.embeddings, rows, n_clusters, rng=rng, spherical=True))
    labeled = np.flatnonzero(pool.labeled).astype(np.int64)
    penalty = np.zeros(len(rows))
    picks = densest(density, clusters, n_clusters)
    for done in range(n_rounds):
        now = crowding(pool.embeddings, rows, rows[picks], clusters, clusters[picks], labeled, power, scale=scale)
        penalty = momentum * penalty + (1 - momentum) * now if done else now
        picks = densest(density - strength * penalty, clusters, n_clusters)
        if progress is not None:
            progress(done + 1, n_rounds)
    return _take(pool, rows, density - strength * penalty, clusters, picks, batch_size, max_per_group)


def _take(
    pool: PoolView,
    rows: Int64[np.ndarray, " m"],
    scores: Float64[np.ndarray, " m"],
    clusters: Int64[np.ndarray, " m"],
    picks: Int64[np.ndarray, " k"],
    batch_size: int,
    max_per_group: int | None,
) -> QueryResult:
    """Take each cluster's pick, largest cluster first, or its next best where a group is full; then the best of all."""
    quota = Quota(pool, max_per_group)
    sizes = np.bincount(clusters, minlength=int(clusters.max()) + 1)
    by_score = np.argsort(-scores, kind="stable")
    taken: list[int] = []
    reasons: list[str] = []
    for pick in picks[np.argsort(-sizes[clusters[picks]], kind="stable")].tolist():
        members = np.asarray([pick])
        if not quota.open[rows[pick]]:
            members = by_score[(clusters[by_score] == clusters[pick]) & quota.open[rows[by_score]]][:1]
        for place in members.tolist():
            quota.take(int(rows[place]))
            taken.append(place)
            reasons.append(f"densest of a cluster of {sizes[clusters[place]]} images, apart from the other picks")
    found = quota.take_in_order(rows[by_score], batch_size - len(taken))
    rest = np.searchsorted(rows, found).tolist()
    reasons += ["dense and apart from the picks; its cluster had its turn"] * len(rest)
    places = np.asarray(taken + rest, dtype=np.int64)
    return QueryResult(rows=rows[places], scores=scores[places], reasons=tuple(reasons))


def densest(
    scores: Float64[np.ndarray, " m"], clusters: Int64[np.ndarray, " m"], n_clusters: int
) -> Int64[np.ndarray, " k"]:
    """Return the place of the highest score of each cluster that has items, in the order of clusters."""
    order = np.lexsort((-scores, clusters))
    _, first = np.unique(clusters[order], return_index=True)
    assert len(first) <= n_clusters
    return order[first].astype(np.int64)


def crowding(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    picks: Int64[np.ndarray, " k"],
    clusters: Int64[np.ndarray, " m"],
    pick_clusters: Int64[np.ndarray, " k"],
    labeled: Int64[np.ndarray, " l"],
    power: float,
    *,
    scale: Float32[np.ndarray, " n"],
) -> Float64[np.ndarray, " m"]:
    """Return each row's mean of 1 / distance^power to labeled rows and to the picks of clusters other than its own."""
    points = gathered(embeddings, np.concatenate([picks, labeled]), scale=scale).T
    out = np.empty(len(rows))
    for place, block in blocks(embeddings, rows, scale=scale):
        squared = np.maximum(2 - 2 * (block @ points), _MIN_DISTANCE**2)
        closeness = squared ** np.float32(-power / 2)
        closeness[:, : len(picks)][clusters[place, None] == pick_clusters] = 0
        out[place] = closeness.mean(axis=1)
    return out


def kth_distance(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    reference: Int64[np.ndarray, " r"],
    k: int,
    *,
    scale: Float32[np.ndarray, " n"],
) -> Float64[np.ndarray, " m"]:
    """Return each row's distance to its k-th nearest reference item other than itself (the last where there are fewer).

    Plain Euclidean distance on rows of length 1; exhaustive search by FAISS, O(m·r·d).
    """
    import faiss

    points = np.ascontiguousarray(gathered(embeddings, reference, scale=scale))
    out = np.empty(len(rows))
    n_asked = min(k + 1, len(reference))
    is_reference = np.isin(rows, reference)
    for place, block in blocks(embeddings, rows, scale=scale):
        squared, _ = faiss.knn(np.ascontiguousarray(block), points, n_asked)
        last = np.minimum(np.where(is_reference[place], k, k - 1), n_asked - 1)
        out[place] = np.sqrt(np.maximum(squared[np.arange(len(block)), last], 0))
    return out


def _check_usl(n_neighbours: int, strength: float, power: float, n_rounds: int, momentum: float) -> None:
    """Refuse settings out of range."""
    if n_neighbours < 1 or n_rounds < 1:
        raise InvalidInput(f"n_neighbours and n_rounds must be >= 1; got {n_neighbours} and {n_rounds}")
    if not (strength >= 0 and power > 0):
        raise InvalidInput(f"strength must be >= 0 and power above 0; got {strength} and {power}")
    if not 0 <= momentum < 1:
        raise InvalidInput(f"momentum must be in [0, 1); got {momentum}")
