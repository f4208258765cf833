"""Coverage by a smooth kernel: MaxHerding, and UHerding, which weighs it by uncertainty."""

import numpy as np
from jaxtyping import Bool, Float, Float32

from alcore.errors import InvalidInput
from alcore.strategies.blocks import gathered, unit_scale
from alcore.strategies.coverage import N_REFERENCE, Coverage, draw_reference, gaussian
from alcore.strategies.greedy import lazy_greedy, sweep
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import scores_of
from alcore.types import PoolView, Progress, QueryResult

_MIN_SIGMA = 0.05
"""Below it the rounding of float32 cosines would show in the kernel."""
_PAIR_ROWS = 1024


@register(
    "max_herding",
    paper="Bae, Noh & Sutherland, 'Generalized Coverage for More Robust Low-Budget Active Learning', ECCV 2024",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·r·d) a sweep, r reference items; O(n + r·d) memory",
    advice="A robust cold start for classification; no radius to tune",
    is_nested=True,
)
def max_herding(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    sigma: float = 1.0,
    n_reference: int = N_REFERENCE,
    progress: Progress | None = None,
) -> QueryResult:
    """Take what brings the pool closest, on average, to something labeled or chosen, by a Gaussian kernel.

    Source: Bae, Noh & Sutherland, ECCV 2024, greedy MaxHerding: maximise the mean over unlabeled items of max over s of
    k(x, s), k = exp(-|x - y|² / sigma²) on the unit sphere, from the labeled items on. An item counts as close up to
    about `sigma`. The greedy is lazy and picks what plain greedy picks. Departure: above `n_reference` unlabeled items
    the mean runs over that many drawn at random, an unbiased estimate (the authors' code draws the candidates instead);
    candidates are all items.
    """
    return herd(
        pool,
        batch_size,
        weights=None,
        sigma=sigma,
        n_reference=n_reference,
        quota=Quota(pool, max_per_group),
        rng=rng,
        progress=progress,
    )


@register(
    "uherding",
    paper="Bae, Oliveira & Sutherland, 'Uncertainty Herding', ICLR 2025 (arXiv:2412.20644)",
    phase="round",
    needs=frozenset({"embeddings"}),
    cost="O(n·r·d) a sweep, r reference items; O(n + r·d) memory",
    advice="The default for rounds after the first: turns from coverage to uncertainty as labels come in",
    is_nested=True,
)
def uherding(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "margin",
    sigma: float | None = None,
    n_reference: int = N_REFERENCE,
    progress: Progress | None = None,
) -> QueryResult:
    """Take what covers the uncertain part of the pool best: kernel coverage weighted by uncertainty.

    Source: "Uncertainty Herding", ICLR 2025 (arXiv:2412.20644): greedy on the mean over unlabeled items of u(x) times
    max over s of k(x, s), u the margin, k as in max_herding; `sigma` defaults to the smallest distance between two
    labeled items (1 while fewer than two differ, at least 0.05). Departures: probabilities are taken as they come, so
    calibrate the head for the paper's temperature scaling; uncertainty may be any acquisition function; reference items
    as there.
    """
    uncertainty = scores_of(acquisition, pool)
    if sigma is None:
        sigma = smallest_gap(pool.embeddings, pool.labeled, scale=unit_scale(pool.embeddings))
    return herd(
        pool,
        batch_size,
        weights=np.maximum(uncertainty, 0),
        sigma=sigma,
        n_reference=n_reference,
        quota=Quota(pool, max_per_group),
        rng=rng,
        progress=progress,
    )


def herd(
    pool: PoolView,
    batch_size: int,
    *,
    weights: Float[np.ndarray, " n"] | None,
    sigma: float,
    n_reference: int,
    quota: Quota,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> QueryResult:
    """Choose greedily by Gaussian coverage; `weights`, one an item and >= 0, say how much each counts.

    Raises:
        InvalidInput: `sigma` is not above 0 or `n_reference` below 1.
    """
    if not sigma > 0:
        raise InvalidInput(f"sigma must be above 0; got {sigma}")
    reference = draw_reference(~pool.labeled, n_reference, rng)
    coverage = Coverage(
        pool.embeddings,
        reference,
        gaussian(sigma),
        scale=unit_scale(pool.embeddings),
        weights=None if weights is None else weights[reference],
    )
    coverage.add_all(np.flatnonzero(pool.labeled).astype(np.int64))
    bounds = sweep(coverage.gains, quota.open, progress=progress)
    rows, gains = lazy_greedy(
        bounds, coverage.gains, coverage.add, quota, batch_size=batch_size, rng=rng, progress=progress
    )
    what = "the pool" if weights is None else "the uncertain part of the pool"
    reasons = tuple(f"covers {what} by {100 * gain:.2f} % more" for gain in gains.tolist())
    return QueryResult(rows=rows, scores=gains, reasons=reasons)


def smallest_gap(
    embeddings: Float[np.ndarray, "n d"], labeled: Bool[np.ndarray, " n"], *, scale: Float32[np.ndarray, " n"]
) -> float:
    """Return the smallest distance of two labeled rows that differ, at least 0.05; 1.0 where no two do."""
    points = gathered(embeddings, np.flatnonzero(labeled).astype(np.int64), scale=scale)
    smallest = np.inf
    for start in range(0, len(points), _PAIR_ROWS):
        squared = 2 - 2 * (points[start : start + _PAIR_ROWS] @ points.T)
        apart = squared[squared > _MIN_SIGMA**2]
        smallest = min(smallest, float(apart.min(initial=np.inf)))
    return 1.0 if np.isinf(smallest) else float(np.sqrt(smallest))
