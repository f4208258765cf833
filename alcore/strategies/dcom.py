"""DCoM: ball coverage while the model is weak, uncertainty once it is not."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import gathered, unit_scale
from alcore.strategies.coverage import N_REFERENCE, Coverage, draw_reference, top_hat
from alcore.strategies.greedy import Gains, lazy_greedy, sweep
from alcore.strategies.probcover import known_classes, pure_radius
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import mean_probabilities, scores_of
from alcore.types import PoolView, Progress, QueryResult


@register(
    "dcom",
    paper="Mishal & Weinshall, 'DCoM: Active Learning for All Learners' (arXiv:2407.01804)",
    phase="round",
    needs=frozenset({"embeddings", "probabilities", "labels"}),
    cost="O(n·r·d) a sweep, r reference items; O(n + r·d) memory",
    advice="One setting for every budget: moves from coverage to margin as the labels come to cover the pool",
    is_nested=True,
)
def dcom(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    delta: float | None = None,
    slope: float = 50.0,
    midpoint: float = 0.8,
    n_reference: int = N_REFERENCE,
    progress: Progress | None = None,
) -> QueryResult:
    """Weigh the density of what is not covered yet against the margin, by how much of the pool is covered.

    Source: Mishal & Weinshall, "DCoM" (arXiv:2407.01804). A labeled item covers the ball of its own radius; the part c
    of the unlabeled pool so covered gives the competence S(c) = (1 + exp(-slope·(1 - midpoint))) / (1 +
    exp(-slope·(c - midpoint))): `midpoint` is the c at which density hands over to the margin; `slope` is how sharply
    it does so; each pick maximises S·margin + (1 - S)·density, margin as 1 - gap of the two most
    likely classes. Density is the part of the pool within `delta` that nothing covers yet, divided by the largest such
    part when the batch begins. The radius of a labeled item is the largest within which a share 0.2·c + 0.4 of items is
    predicted to be of its class, c here the coverage by balls of `delta`, which defaults to ProbCover's. Departures:
    one radius for all unlabeled items; radii are exact, not searched by bisection, at most twice `delta`, and not
    carried over from round to round; density is not rescaled at each pick, which keeps it submodular and lets the
    greedy be lazy; above `n_reference` unlabeled items coverage is counted over that many drawn at random.
    """
    if delta is not None and not delta >= 0:
        raise InvalidInput(f"delta must be >= 0, or None to find it by purity; got {delta}")
    assert pool.labels is not None  # `select` has checked
    scale = unit_scale(pool.embeddings)
    is_open = ~pool.labeled
    if delta is None:
        delta = pure_radius(
            pool.embeddings, is_open, n_clusters=known_classes(pool), alpha=0.95, scale=scale, rng=rng,
            n_reference=n_reference,
        )  # fmt: skip
    reference = draw_reference(is_open, n_reference, rng)
    labeled = np.flatnonzero(pool.labeled).astype(np.int64)
    radii = np.full(len(pool.labeled), delta, dtype=np.float32)
    coverage = Coverage(pool.embeddings, reference, top_hat(radii), scale=scale)
    coverage.add_all(labeled)
    radii[labeled] = pure_radii(
        pool.embeddings, labeled, reference, labels=pool.labels[labeled],
        predicted=mean_probabilities(pool)[reference].argmax(axis=1), scale=scale,
        share=0.2 * float(coverage.best.mean()) + 0.4, largest=2 * delta,
    )  # fmt: skip
    coverage = Coverage(pool.embeddings, reference, top_hat(radii), scale=scale)
    coverage.add_all(labeled)
    covered = float(coverage.best.mean())
    weight = competence(covered, slope=slope, midpoint=midpoint)
    quota = Quota(pool, max_per_group)
    bounds = sweep(coverage.gains, quota.open, progress=progress)
    largest = max(float(bounds.max()), 1 / len(reference))
    margins = scores_of("margin", pool).astype(np.float64)
    gains = mixed(coverage.gains, margins, weight, largest)
    bounds[quota.open] = weight * margins[quota.open] + (1 - weight) * bounds[quota.open] / largest
    rows, scores = lazy_greedy(bounds, gains, coverage.add, quota, batch_size=batch_size, rng=rng, progress=progress)
    reasons = tuple(
        f"score {score:.2f}; labels cover {100 * covered:.0f} % of the pool, so margin weighs {weight:.2f}"
        for score in scores.tolist()
    )
    return QueryResult(rows=rows, scores=scores, reasons=reasons)


def competence(covered: float, *, slope: float, midpoint: float) -> float:
    """Return the weight of uncertainty, 0..1: near 0 below the midpoint, 1 where all is covered.

    Raises:
        InvalidInput: `slope` is not above 0 or `midpoint` not in 0..1.
    """
    if not (slope > 0 and 0 <= midpoint <= 1):
        raise InvalidInput(f"slope must be above 0 and midpoint in 0..1; got {slope} and {midpoint}")
    return float((1 + np.exp(-slope * (1 - midpoint))) / (1 + np.exp(-slope * (covered - midpoint))))


def mixed(gains: Gains, margins: Float[np.ndarray, " n"], weight: float, largest: float) -> Gains:
    """Return what the greedy maximises: a constant score of each row and its gain in coverage."""
    return lambda rows: weight * margins[rows] + (1 - weight) * gains(rows) / largest


def pure_radii(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " l"],
    reference: Int64[np.ndarray, " r"],
    *,
    labels: Int[np.ndarray, " l"],
    predicted: Int[np.ndarray, " r"],
    scale: Float32[np.ndarray, " n"],
    share: float,
    largest: float,
) -> Float32[np.ndarray, " l"]:
    """Return for each labeled row the largest radius within which `share` of the reference items have its class.

    A row whose nearest items are of other classes gets 0. Exact: at each reference item, sorted by distance, the share
    so far is known. O(l·r·(d + log r)) time in blocks of rows.
    """
    radii = np.zeros(len(rows), dtype=np.float32)
    points = gathered(embeddings, reference, scale=scale).T
    step = max(1, 2**21 // max(1, len(reference)))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        squared = np.maximum(2 - 2 * (gathered(embeddings, some, scale=scale) @ points), 0)
        order = np.argsort(squared, axis=1, kind="stable")
        agrees = predicted[order] == labels[start : start + step, None]
        is_pure: Bool[np.ndarray, "m r"] = np.cumsum(agrees, axis=1) >= share * np.arange(1, len(reference) + 1)
        distances = np.sqrt(np.take_along_axis(squared, order, axis=1))
        radii[start : start + step] = np.where(is_pure & (distances <= largest), distances, 0).max(axis=1)
    return radii
