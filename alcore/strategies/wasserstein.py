"""Items that, with the labeled ones, carry the pool's mass over the shortest way."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult

_N_MOVES = 10
_N_SCALINGS = 100
_SOFTNESS = 0.02
"""Entropic regularisation as a part of the mean distance."""


@register(
    "wasserstein",
    paper="Mahmood et al. 2022 (ICLR), W1 to the pool; Cuturi 2013 (NeurIPS)",
    phase="cold_start",
    needs=frozenset({"embeddings"}),
    cost="O(r·(c + s·(l+b))) a move, r reference items, c candidates, s scalings",
    advice="Gives dense regions as many picks as their share of the pool, which k-medoids does not",
)
def wasserstein(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_reference: int = 2048,
) -> QueryResult:
    """Take items such that labeled and chosen ones together are as close to the pool as earth movers can tell.

    Settings: `n_reference` items stand for the pool, and as many open ones (at least four a pick) are candidates.

    Source: the objective of Mahmood, Fidler & Law 2022 (ICLR), the 1-Wasserstein distance between the labeled set,
    all its items of equal mass, and the pool. Departures: local search in place of their integer programme (start by
    D² sampling; entropic transport plan by Sinkhorn scalings, Cuturi 2013, with softness 0.02 of the mean distance;
    each pick moves to the candidate that its share of the pool reaches at least cost; ten moves, the best kept), on
    a random part of the pool. More than `n_reference` labeled items are represented by that many with all their mass.
    Where groups are full, other candidates of least cost are taken, then open items at random. Plain Euclidean
    distance; O(n_reference·(candidates + labeled + picks)) memory.
    """
    if n_reference < 1:
        raise InvalidInput(f"n_reference must be >= 1; got {n_reference}")
    quota = Quota(pool, max_per_group)
    n, open_rows, labeled = len(pool.labeled), np.flatnonzero(quota.open), np.flatnonzero(pool.labeled)
    candidates = np.sort(rng.permutation(open_rows)[: max(n_reference, 4 * batch_size)])
    reference = np.sort(rng.permutation(n)[:n_reference])
    fixed = rng.permutation(labeled)[:n_reference]
    n_free = min(batch_size, len(open_rows))
    points = [np.asarray(pool.embeddings[part], dtype=np.float32) for part in (reference, candidates, fixed)]
    mass_fixed = len(labeled) / (len(labeled) + n_free)
    places, costs = transport_medoids(points[0], points[1], points[2], n_free, mass_fixed=mass_fixed, rng=rng)
    rows: list[int] = []
    reasons: list[str] = []
    for atom in np.argsort(costs[np.arange(n_free), places], kind="stable").tolist():
        is_open = quota.open[candidates]
        if not is_open.any():
            break
        cost = costs[atom]
        place = int(places[atom]) if is_open[places[atom]] else int(np.where(is_open, cost, np.inf).argmin())
        rows.append(int(candidates[place]))
        quota.take(rows[-1])
        reasons.append(f"carries 1/{len(labeled) + n_free} of the pool over {cost[place]:.2f} on average")
    rest = quota.take_in_order(rng.permutation(np.flatnonzero(quota.open)), n_free - len(rows)).tolist()
    reasons += ["drawn at random: the candidates' groups were full"] * len(rest)
    return QueryResult(rows=np.asarray(rows + rest, dtype=np.int64), reasons=tuple(reasons))


def transport_medoids(
    reference: Float32[np.ndarray, "r d"],
    candidates: Float32[np.ndarray, "c d"],
    fixed: Float32[np.ndarray, "l d"],
    n_free: int,
    *,
    mass_fixed: float,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, "b c"]]:
    """Place atoms of equal mass among candidates so that the reference reaches atoms and fixed points cheaply.

    Args:
        reference: items that stand for the pool, of equal mass.
        candidates: where a free atom may be.
        fixed: atoms that stay; they share `mass_fixed`, the free atoms the rest.
        n_free: free atoms, at most c.
        mass_fixed: in [0, 1); 0 where there is none.
        rng: first places.

    Returns:
        The candidate where each free atom is, all distinct, and for each atom the mean distance of the mass that it
        carries to every candidate.

    Cost: see `wasserstein`.
    """
    to_candidates = distances(reference, candidates)
    places = _spread(candidates, fixed, n_free, rng)
    to_fixed = distances(reference, fixed)
    mass = np.concatenate([np.full(len(fixed), mass_fixed / max(len(fixed), 1)), np.full(n_free, 1.0)])
    mass[len(fixed) :] = (1 - mass_fixed) / n_free
    best, found = np.inf, (places, np.zeros((n_free, len(candidates))))
    for _ in range(_N_MOVES):
        to_atoms = np.concatenate([to_fixed, to_candidates[:, places]], axis=1)
        plan = sinkhorn(to_atoms, mass)
        costs = plan[:, len(fixed) :].T @ to_candidates / mass[-1]
        total = float((plan * to_atoms).sum())
        if total >= best - 1e-9:
            break
        best, found = total, (places, costs)
        places = _distinct_argmin(costs)
    return found


def sinkhorn(
    cost: Float[np.ndarray, "r k"], mass: Float64[np.ndarray, " k"], *, softness: float = _SOFTNESS
) -> Float64[np.ndarray, "r k"]:
    """Return an almost optimal plan that carries r equal masses to k atoms.

    Args:
        cost: from each of r sources to each atom, >= 0.
        mass: of each atom, in all 1.
        softness: entropic regularisation as a part of the mean cost; smaller is nearer to optimal and slower.

    Returns:
        Mass carried from source to atom; atoms get exactly theirs, sources give 1/r up to the iterations' error.

    Source: Cuturi 2013 (NeurIPS), Algorithm 1, 100 scalings. Costs are first lowered by the minimum of each row, then
    of each column: the scalings absorb that, and no sum can underflow to 0.
    """
    scale = max(softness * float(cost.mean()), 1e-12)
    reduced = cost.astype(np.float64) - cost.min(axis=1, keepdims=True)
    reduced -= reduced.min(axis=0)
    kernel = np.exp(-reduced / scale)
    column = np.ones(len(mass))
    for _ in range(_N_SCALINGS):
        row = 1 / (len(cost) * (kernel @ column))
        column = mass / (row @ kernel)
    return row[:, None] * kernel * column


def distances(left: Float32[np.ndarray, "r d"], right: Float32[np.ndarray, "c d"]) -> Float32[np.ndarray, "r c"]:
    """Return plain Euclidean distances by one matrix product."""
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * (left @ right.T)
    return np.sqrt(np.maximum(squares, 0))


def _spread(
    candidates: Float32[np.ndarray, "c d"], fixed: Float32[np.ndarray, "l d"], n_free: int, rng: np.random.Generator
) -> Int64[np.ndarray, " b"]:
    """Draw first places by squared distance to the fixed and drawn ones; where all are 0, any that is left."""
    nearest = np.ones(len(candidates)) if len(fixed) == 0 else distances(candidates, fixed).min(axis=1) ** 2.0
    left = np.ones(len(candidates), dtype=bool)
    places: list[int] = []
    for _ in range(n_free):
        weights = np.where(left, np.maximum(nearest, 1e-12), 0).astype(np.float64)
        place = int(rng.choice(len(candidates), p=weights / weights.sum()))
        left[place] = False
        squared = ((candidates - candidates[place]) ** 2).sum(axis=1)
        nearest = squared if not places and len(fixed) == 0 else np.minimum(nearest, squared)
        places.append(place)
    return np.asarray(places, dtype=np.int64)


def _distinct_argmin(costs: Float[np.ndarray, "b c"]) -> Int64[np.ndarray, " b"]:
    """Give each atom, those of least cost first, its cheapest candidate that is not taken."""
    places = np.empty(len(costs), dtype=np.int64)
    taken = np.zeros(costs.shape[1], dtype=bool)
    for atom in np.argsort(costs.min(axis=1), kind="stable").tolist():
        places[atom] = np.where(taken, np.inf, costs[atom]).argmin()
        taken[places[atom]] = True
    return places
