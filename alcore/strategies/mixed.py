"""From typical to uncertain: by the head's competence, or all at once."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from alcore.acquisition import margin
from alcore.errors import InvalidInput
from alcore.strategies.clustering import assign, fit_kmeans
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.strategies.typiclust import MAX_CLUSTERS, mean_neighbour_distance, typiclust, visits
from alcore.strategies.uncertainty import mean_probabilities, ranking, scores_of
from alcore.types import PoolView, QueryResult

_MAX_JUDGED = 5000


@register(
    "competence",
    paper="own rule, after Hacohen et al. 2022 (arXiv:2202.02794)",
    phase="round",
    needs=frozenset({"embeddings", "labels"}),
    cost="O(n·k·d) an iteration, O(m²·d) in a cluster of m, O(l²·d) to judge",
    advice="Needs no decision when to switch from typical to uncertain items",
)
def competence(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "margin",
    weight: float | None = None,
) -> QueryResult:
    """Take of each unlabeled cluster what is typical at first, what is uncertain once labels tell classes apart.

    Settings: `acquisition` measures uncertainty; `weight` in 0..1 is its share, None for the measured competence.

    Own rule on TypiClust's clusters and order of visits (Hacohen et al. 2022): in a cluster, items are ranked by
    typicality and by uncertainty, and the highest (1 - w)·typicality rank + w·uncertainty rank wins. w is how well
    the nearest labeled neighbour predicts a labeled item's class, above chance (`nearest_neighbour_competence`). With
    w = 0 this is TypiClust; with w = 1 each cluster gives its most uncertain item. Cost as TypiClust.
    """
    if weight is not None and not 0 <= weight <= 1:
        raise InvalidInput(f"weight must be in 0..1, or None to measure it; got {weight}")
    assert pool.labels is not None  # `select` has checked
    n = len(pool.labeled)
    every = np.arange(n, dtype=np.int64)
    n_clusters = min(int(pool.labeled.sum()) + batch_size, MAX_CLUSTERS, n)
    centres = fit_kmeans(pool.embeddings, every, n_clusters, rng=rng, spherical=False)
    if weight is None:
        known = np.flatnonzero(pool.labeled & (pool.labels >= 0))
        judged = np.sort(rng.permutation(known)[:_MAX_JUDGED])
        weight = nearest_neighbour_competence(
            np.asarray(pool.embeddings[judged], dtype=np.float32), pool.labels[judged]
        )
    uncertainty = scores_of(acquisition, pool)
    clusters = assign(pool.embeddings, every, centres)
    members = np.split(np.argsort(clusters, kind="stable"), np.cumsum(np.bincount(clusters, minlength=n_clusters))[:-1])
    n_labeled = np.bincount(clusters[pool.labeled], minlength=n_clusters)
    quota = Quota(pool, max_per_group)
    rows: list[int] = []
    reasons: list[str] = []
    for cluster in visits(members, n_labeled, quota.open):
        candidates = members[cluster][quota.open[members[cluster]]]
        if len(candidates) == 0:
            continue
        typical = mid_ranks(-mean_neighbour_distance(pool.embeddings[candidates]))
        mixed = (1 - weight) * typical + weight * mid_ranks(uncertainty[candidates])
        rows.append(int(candidates[mixed.argmax()]))
        quota.take(rows[-1])
        reasons.append(f"cluster {cluster} with {n_labeled[cluster]} label(s); uncertainty weighs {weight:.0%}")
        if len(rows) == batch_size:
            break
    return QueryResult(rows=np.asarray(rows, dtype=np.int64), reasons=tuple(reasons))


@register(
    "typiclust_margin",
    paper="Doucet et al. 2024 (arXiv:2403.03728), TCM",
    phase="round",
    needs=frozenset({"embeddings", "probabilities"}),
    cost="O(n·k·d) an iteration while TypiClust chooses, O(n·c) afterwards",
    advice="Typical items until each class may have some labels, then the smallest margins",
)
def typiclust_margin(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    labels_per_class: int = 5,
) -> QueryResult:
    """Take typical items until there are enough labels, then those with the smallest margin.

    `labels_per_class` (>= 0) times the number of classes is the number of labels from which on the margin decides.

    Source: Doucet et al. 2024 (arXiv:2403.03728), TypiClust followed by Margin. Departure: their schedule of the
    transition is replaced by this one count, which needs no knowledge of the budget; pretrained embeddings allow an
    early switch. A batch is chosen by one of the two, never by both. Ties by chance. Cost: that of either.
    """
    if labels_per_class < 0:
        raise InvalidInput(f"labels_per_class must be >= 0; got {labels_per_class}")
    probabilities = mean_probabilities(pool)
    n_labeled, n_needed = int(pool.labeled.sum()), labels_per_class * probabilities.shape[1]
    if n_labeled < n_needed:
        result = typiclust(pool, batch_size, rng=rng, max_per_group=max_per_group)
        count = f"{n_labeled} of {n_needed} labels before margins decide"
        return QueryResult(rows=result.rows, reasons=tuple(f"{reason}; {count}" for reason in result.reasons))
    scores = margin(probabilities)
    rows = Quota(pool, max_per_group).take_in_order(ranking(scores, pool, rng), batch_size)
    reasons = tuple(f"margin score {score:.2f}, with {n_labeled} labels" for score in scores[rows].tolist())
    return QueryResult(rows=rows, scores=scores[rows], reasons=reasons)


def nearest_neighbour_competence(points: Float32[np.ndarray, "l d"], labels: Int[np.ndarray, " l"]) -> float:
    """Return how well each labeled item's class follows from its nearest other labeled item, above chance.

    Args:
        points: embeddings of labeled items.
        labels: their classes.

    Returns:
        (a - 1/c) / (1 - 1/c), not below 0, with a the mean over the c classes of the share that the neighbour gets
        right; 0 with fewer than two classes, 1 where every neighbour is of the same class.

    Own measure; leave-one-out 1-nearest-neighbour accuracy, chance-corrected. O(l²·d), exhaustive.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        return 0.0
    import faiss

    rows = np.ascontiguousarray(points, dtype=np.float32)
    _, found = faiss.knn(rows, rows, 2)
    # The nearest is the point itself, or a twin that came first.
    neighbour = np.where(found[:, 0] == np.arange(len(rows)), found[:, 1], found[:, 0])
    is_right = codes[neighbour] == codes
    accuracy = (np.bincount(codes, weights=is_right) / np.bincount(codes)).mean()
    chance = 1 / len(classes)
    return float(max(0.0, (accuracy - chance) / (1 - chance)))


def mid_ranks(values: Float[np.ndarray, " m"]) -> Float64[np.ndarray, " m"]:
    """Return the share of values below each one, equal ones counted half: in (0, 1), ties alike. O(m·log m)."""
    ordered = np.sort(values)
    below, up_to = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return (below + up_to) / (2 * len(values))
