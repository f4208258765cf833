"""ProbCover: balls of one radius that hold as much of the pool as they can."""

import numpy as np
from jaxtyping import Bool, Float, Float32

from alcore.errors import InvalidInput
from alcore.strategies.blocks import blocks, gathered, unit_scale
from alcore.strategies.clustering import assign, fit_kmeans
from alcore.strategies.coverage import N_REFERENCE, Coverage, draw_reference, top_hat
from alcore.strategies.engine import multiply
from alcore.strategies.greedy import lazy_greedy, sweep
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, Progress, QueryResult

N_PURITY_ROWS = 1024
_DIAMETER = 2.0
_N_CLASSES = 10


@register(
    "probcover",
    paper="Yehuda et al., 'Active Learning Through a Covering Lens', NeurIPS 2022",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·r·d) a sweep, r reference items; O(n + r·d) memory",
    advice="Good with very few labels and on crowded images; lives and dies by its radius `delta`",
)
def probcover(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    delta: float | None = None,
    alpha: float = 0.95,
    n_classes: int | None = None,
    n_reference: int = N_REFERENCE,
    progress: Progress | None = None,
) -> QueryResult:
    """Take what has the most unlabeled items within radius `delta` that no chosen or labeled item covers yet.

    Source: Yehuda et al., NeurIPS 2022, Algorithm 1, on rows brought to length 1. `delta` defaults to the largest
    radius whose balls are pure (all of one pseudo-label) for a share `alpha` of items: the 1 - alpha quantile of the
    distance to the nearest item of another k-means cluster, exact where the authors search a grid. Pseudo-labels are
    those of `n_classes` clusters; None takes as many as there are classes in probabilities or labels, else 10. Every
    item may be chosen, the last block's too. Departures: no graph is stored, the greedy is lazy and counts anew what it
    looks at; above `n_reference` unlabeled items coverage is counted over that many drawn at random, and purity over
    1024; when all is covered, covering begins anew among what is left, without regard to earlier picks.
    """
    if delta is not None and not delta >= 0:
        raise InvalidInput(f"delta must be >= 0, or None to find it by purity; got {delta}")
    if not 0 < alpha <= 1:
        raise InvalidInput(f"alpha must be in (0, 1]; got {alpha}")
    scale = unit_scale(pool.embeddings)
    if delta is None:
        n_clusters = known_classes(pool) if n_classes is None else n_classes
        delta = pure_radius(
            pool.embeddings, ~pool.labeled, n_clusters=n_clusters, alpha=alpha, scale=scale, rng=rng,
            n_reference=n_reference,
        )  # fmt: skip
    reference = draw_reference(~pool.labeled, n_reference, rng)
    coverage = Coverage(pool.embeddings, reference, top_hat(delta), scale=scale)
    return cover(pool, coverage, batch_size, quota=Quota(pool, max_per_group), rng=rng, delta=delta, progress=progress)


def cover(
    pool: PoolView,
    coverage: Coverage,
    batch_size: int,
    *,
    quota: Quota,
    rng: np.random.Generator,
    delta: float,
    progress: Progress | None = None,
) -> QueryResult:
    """Choose by greedy maximum coverage, layer after layer; what covers nothing at all is drawn at random."""
    bounds = sweep(coverage.gains, quota.open, progress=progress)
    coverage.add_all(np.flatnonzero(pool.labeled).astype(np.int64))
    rows: list[int] = []
    scores: list[float] = []
    reasons: list[str] = []
    is_anew = False
    while len(rows) < batch_size and quota.open.any():
        picked, gains = lazy_greedy(
            bounds, coverage.gains, coverage.add, quota, batch_size=batch_size - len(rows), rng=rng, above=0.0,
            progress=progress,
        )  # fmt: skip
        if is_anew and len(picked) == 0:
            picked = quota.take_in_order(rng.permutation(np.flatnonzero(quota.open)), batch_size - len(rows))
            gains = np.zeros(len(picked))
            reasons += [f"drawn at random: nothing sampled is within {delta:.2f}"] * len(picked)
        else:
            again = " again; all was covered once" if is_anew else ""
            reasons += [f"covers {100 * gain:.2f} % of the pool within {delta:.2f}{again}" for gain in gains.tolist()]
        rows += picked.tolist()
        scores += gains.tolist()
        coverage.reset()
        is_anew = True
    return QueryResult(rows=np.asarray(rows, dtype=np.int64), scores=np.asarray(scores), reasons=tuple(reasons))


def pure_radius(
    embeddings: Float[np.ndarray, "n d"],
    is_member: Bool[np.ndarray, " n"],
    *,
    n_clusters: int,
    alpha: float,
    scale: Float32[np.ndarray, " n"],
    rng: np.random.Generator,
    n_reference: int = N_REFERENCE,
) -> float:
    """Return the largest radius at which a share `alpha` of balls holds one k-means cluster only, at most 2.

    Balls are those around all members, or around 1024 drawn at random where there are more than `n_reference`; they are
    compared with every member, in O(n·d) for each ball.

    Raises:
        InvalidInput: `n_clusters` is below 1.
    """
    if n_clusters < 1:
        raise InvalidInput(f"n_classes must be >= 1; got {n_clusters}")
    members = np.flatnonzero(is_member).astype(np.int64)
    centres = fit_kmeans(embeddings, members, min(n_clusters, len(members)), rng=rng, spherical=True)
    clusters = assign(embeddings, members, centres)
    n_rows = len(members) if len(members) <= n_reference else N_PURITY_ROWS
    probes = draw_reference(np.ones(len(members), dtype=bool), n_rows, rng)
    points = gathered(embeddings, members[probes], scale=scale).T
    closest = np.full(len(probes), -np.inf, dtype=np.float32)
    for place, block in blocks(embeddings, members, scale=scale):
        cosines = multiply(block, points)
        cosines[clusters[place, None] == clusters[probes]] = -np.inf
        np.maximum(closest, cosines.max(axis=0), out=closest)
    distances = np.sqrt(np.clip(2 - 2 * closest.astype(np.float64), 0, _DIAMETER**2))
    return largest_pure(distances, alpha)


def largest_pure(distances: Float[np.ndarray, " m"], alpha: float) -> float:
    """Return the supremum of the radii that fewer than a share 1 - alpha of the distances, or none, are within."""
    n_impure = int(np.floor((1 - alpha) * len(distances) + 1e-9))
    return float(np.sort(distances)[min(n_impure, len(distances) - 1)])


def known_classes(pool: PoolView) -> int:
    """Count the classes that the pool knows of."""
    if pool.probabilities is not None:
        return pool.probabilities.shape[1]
    known = 0 if pool.labels is None else int(pool.labels.max()) + 1
    return known if known >= 2 else _N_CLASSES
