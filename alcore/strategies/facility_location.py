"""Facility location on cosine similarity, alone and with farthest-first picks after it."""

import numpy as np
from jaxtyping import Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import unit_scale
from alcore.strategies.coverage import N_REFERENCE, Coverage, cosine, draw_reference
from alcore.strategies.greedy import lazy_greedy, sweep
from alcore.strategies.k_center import k_center_greedy
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, Progress, QueryResult


@register(
    "facility_location",
    paper="Wei, Iyer & Bilmes, 'Submodularity in Data Subset Selection and Active Learning', ICML 2015",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·r·d) a sweep, r reference items; O(n + r·d) memory",
    advice="Stands for the whole pool evenly; hardly ever takes an outlier",
    is_nested=True,
)
def facility_location(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_reference: int = N_REFERENCE,
    progress: Progress | None = None,
) -> QueryResult:
    """Take what makes every item most similar, summed over the pool, to something labeled or chosen.

    Source: facility location, f(S) = sum over i of max over s in S of cos(i, s), maximised greedily (Nemhauser et al.
    1978) as for data selection by Wei, Iyer & Bilmes, ICML 2015; labeled items are in S from the start. Lazy greedy,
    same picks as plain greedy. An empty S counts as cosine -1, so that negative cosines keep it submodular. Departure:
    above `n_reference` unlabeled items the sum runs over that many drawn at random.
    """
    rows, gains = _represent(pool, batch_size, Quota(pool, max_per_group), n_reference, rng, progress)
    return QueryResult(rows=rows, scores=gains, reasons=_reasons(gains))


@register(
    "repdiv",
    paper="MedCAL-Bench 2025, 'RepDiv' (arXiv:2508.03441)",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(n·r·d) a sweep, r reference items; O(n + r·d) memory",
    advice="Best of MedCAL-Bench for cold-start classification: representative first, then diverse",
)
def repdiv(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    representative_share: float = 0.7,
    n_reference: int = N_REFERENCE,
    progress: Progress | None = None,
) -> QueryResult:
    """Take 70 % of the batch by facility location, the rest farthest from all labeled and chosen items.

    Source: MedCAL-Bench 2025 (arXiv:2508.03441), "RepDiv": representativeness, then diversity. Its code loops over an n
    x n similarity matrix; here the first part is facility_location, with its departure on large pools, and the second
    k-center by cosine from labeled and chosen items. `representative_share` of the batch is the first part. It is
    rounded up, so one pick is a representative one.
    """
    if not 0 <= representative_share <= 1:
        raise InvalidInput(f"representative_share must be in 0..1; got {representative_share}")
    quota = Quota(pool, max_per_group)
    n_first = int(np.ceil(representative_share * batch_size - 1e-9))
    first, gains = _represent(pool, n_first, quota, n_reference, rng, progress)
    centres = pool.labeled.copy()
    centres[first] = True
    rest, distances = k_center_greedy(
        pool.embeddings,
        centres,
        quota,
        batch_size=batch_size - len(first),
        rng=rng,
        scale=unit_scale(pool.embeddings),
        progress=progress,
    )
    reasons = tuple(
        "drawn at random: nothing was labeled or chosen yet"
        if np.isinf(d)
        else f"cosine {1 - d**2 / 2:.2f} to the nearest chosen"
        for d in distances.tolist()
    )
    return QueryResult(rows=np.concatenate([first, rest]), reasons=_reasons(gains) + reasons)


def _represent(
    pool: PoolView,
    batch_size: int,
    quota: Quota,
    n_reference: int,
    rng: np.random.Generator,
    progress: Progress | None,
) -> tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, " b"]]:
    """Choose by facility location; return rows and gains in mean cosine."""
    reference = draw_reference(~pool.labeled, n_reference, rng)
    coverage = Coverage(pool.embeddings, reference, cosine, scale=unit_scale(pool.embeddings), floor=-1.0)
    coverage.add_all(np.flatnonzero(pool.labeled).astype(np.int64))
    bounds = sweep(coverage.gains, quota.open, progress=progress)
    return lazy_greedy(bounds, coverage.gains, coverage.add, quota, batch_size=batch_size, rng=rng, progress=progress)


def _reasons(gains: Float64[np.ndarray, " b"]) -> tuple[str, ...]:
    """Say what each pick added."""
    return tuple(f"brings the pool's mean similarity to the chosen up by {gain:.4f}" for gain in gains.tolist())
