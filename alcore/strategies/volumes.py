"""Baselines and slice selection for volumes: foreground-aware random, strided slices, few slices of many volumes."""

import heapq

import numpy as np
from jaxtyping import Float, Int, Int64

from alcore.errors import InvalidInput
from alcore.strategies.quota import Quota, group_codes
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import scores_of
from alcore.types import PoolView, QueryResult


@register(
    "foreground_random",
    paper="nnActive 2025 (TMLR), foreground-aware random",
    phase="any",
    needs=frozenset({"foreground"}),
    cost="O(n log n)",
    advice="The random baseline that segmentation methods must beat; needs a guess where objects are",
    is_nested=True,
)
def foreground_random(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    share: float = 0.33,
) -> QueryResult:
    """Draw a share of the items by their foreground probability, and the others evenly.

    `share` in 0..1 is the chance that a pick is of the first kind; nnActive's two mixtures are 0.33 and 0.66.

    Source: nnActive (TMLR 2025), random baseline with 33 % foreground, where a patch is drawn from {all four times,
    segmentation, border}, or with 66 %, from {all, segmentation, border}. Departure: whole images are drawn in
    proportion to the probability that they show an object, where nnActive places 3D patches on a random area of the
    segmentation or of its border. Where no item with foreground is left, the rest is drawn evenly.
    """
    if not 0 <= share <= 1:
        raise InvalidInput(f"share must be in 0..1; got {share}")
    assert pool.foreground is not None  # `select` has checked
    foreground = np.asarray(pool.foreground, dtype=np.float64)
    if foreground.min() < 0:
        raise InvalidInput(f"foreground must be a probability >= 0; the lowest is {foreground.min()}")
    quota = Quota(pool, max_per_group)
    unlabeled = np.flatnonzero(quota.open)
    even = iter(rng.permutation(unlabeled).tolist())
    shown = unlabeled[foreground[unlabeled] > 0]
    # The largest of log(weight) + Gumbel noise are draws without replacement in proportion to the weights.
    keys = np.log(foreground[shown]) + rng.gumbel(size=len(shown))
    weighted = iter(shown[np.argsort(-keys)].tolist())
    rows: list[int] = []
    reasons: list[str] = []
    for is_aware in (rng.random(len(unlabeled)) < share).tolist():
        row = next((r for r in weighted if quota.open[r]), None) if is_aware else None
        reason = "drawn for its foreground"
        if row is None:
            row, reason = next((r for r in even if quota.open[r]), None), "drawn from all alike"
        if row is None or len(rows) == batch_size:
            break
        quota.take(row)
        rows.append(row)
        reasons.append(reason)
    return QueryResult(rows=np.asarray(rows, dtype=np.int64), reasons=tuple(reasons))


@register(
    "strided",
    paper="baseline: every k-th slice of each volume",
    phase="cold_start",
    needs=frozenset({"groups", "positions"}),
    cost="O(n log n)",
    advice="A strong baseline for volumes: neighbouring slices tell little that is new",
)
def strided(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    stride: int | None = None,
) -> QueryResult:
    """Take every k-th slice of each volume, the first one half a stride from its beginning.

    `stride` is k, in slices; None takes the smallest k whose slices the batch can hold (above 32 to within 1/16).

    A baseline of the field, for instance in nnActive and in the slice selection of MIDL 2025 (arXiv:2412.08081). k
    counts the slices that are there, by their positions; labeled ones keep their place and are not asked again. With
    more slices than the batch holds, volumes give theirs by turns in random order, the middle ones of a volume
    first; with fewer, those half-way between come next, then those at a quarter.
    """
    if stride is not None and stride < 1:
        raise InvalidInput(f"stride must be >= 1, or None to fit the batch; got {stride}")
    assert pool.groups is not None  # `select` has checked
    assert pool.positions is not None
    volumes = group_codes(pool.groups)
    rank, size = ranks_in_volumes(volumes, pool.positions)
    step = stride or _fitting_stride(rank, size, pool.labeled, batch_size)
    turn = rng.permutation(int(volumes.max()) + 1)[volumes]
    quota = Quota(pool, max_per_group)
    rows: list[int] = []
    reasons: list[str] = []
    while len(rows) < batch_size and quota.open.any():
        hits = np.flatnonzero(is_hit(rank, size, step) & quota.open)
        off_middle = np.abs(rank[hits] - size[hits] // 2)
        by_middle = hits[np.lexsort((rank[hits], off_middle, turn[hits]))]
        nth = _nth_of_its_volume(volumes[by_middle])
        order = by_middle[np.lexsort((turn[by_middle], nth))]
        taken = quota.take_in_order(order, batch_size - len(rows)).tolist()
        rows += taken
        reasons += [f"slice {pool.positions[row]}: every {_ordinal(step)} slice of its volume" for row in taken]
        if step == 1:
            break
        step = (step + 1) // 2
    return QueryResult(rows=np.asarray(rows, dtype=np.int64), reasons=tuple(reasons))


def is_hit(rank: Int64[np.ndarray, " n"], size: Int64[np.ndarray, " n"], stride: int) -> np.ndarray:
    """Mark each slice whose rank in its volume is half a stride (at most the middle) plus a multiple of it."""
    return (rank - np.minimum(stride // 2, size // 2)) % stride == 0


def ranks_in_volumes(
    volumes: Int64[np.ndarray, " n"], positions: Int[np.ndarray, " n"]
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Return each slice's rank by position in its volume, from 0, and how many slices the volume has. O(n·log n)."""
    order = np.lexsort((positions, volumes))
    rank = np.empty(len(volumes), dtype=np.int64)
    rank[order] = _nth_of_its_volume(volumes[order])
    return rank, np.bincount(volumes)[volumes].astype(np.int64)


def _nth_of_its_volume(sorted_volumes: Int64[np.ndarray, " m"]) -> Int64[np.ndarray, " m"]:
    """Count 0, 1, … within each run of equal numbers."""
    starts = np.flatnonzero(np.r_[True, np.diff(sorted_volumes) != 0]) if len(sorted_volumes) else np.zeros(0, int)
    lengths = np.diff(np.r_[starts, len(sorted_volumes)])
    return (np.arange(len(sorted_volumes)) - np.repeat(starts, lengths)).astype(np.int64)


def _fitting_stride(
    rank: Int64[np.ndarray, " n"], size: Int64[np.ndarray, " n"], labeled: np.ndarray, batch_size: int
) -> int:
    """Return the smallest stride that hits at most `batch_size` unlabeled slices, or that of one slice a volume."""
    stride, largest = 1, int(size.max())
    while stride < largest and int((is_hit(rank, size, stride) & ~labeled).sum()) > batch_size:
        stride += max(1, stride // 32 * 2)
    return min(stride, largest)


def _ordinal(number: int) -> str:
    """Write 2nd, 3rd, 11th."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


@register(
    "sparse_slices",
    paper="fewer slices of more volumes: MIDL 2025 (arXiv:2412.08081)",
    phase="round",
    needs=frozenset({"groups", "positions"}),
    cost="O(n log n + b·m) for volumes of m slices",
    advice="Volumes: spreads a batch over patients and keeps its slices apart",
    draws=False,
    is_nested=True,
)
def sparse_slices(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    gap: int = 5,
) -> QueryResult:
    """Take slices of as many volumes as possible, well apart within a volume, ranked by an acquisition function.

    Settings: `acquisition` ranks slices; `gap` is how many positions they keep from labeled and chosen ones (>= 0).

    The volume with the fewest labels and picks is next, among equals the one whose best slice scores highest; it
    gives its best slice at least `gap` positions away from its labeled and chosen ones, or, where none is that far,
    the one farthest away. Ties by chance. Own rule: the comparison of slice selections at MIDL 2025
    (arXiv:2412.08081) finds fewer slices of more volumes better, which this turns into an algorithm.
    """
    if gap < 0:
        raise InvalidInput(f"gap must be >= 0 slices; got {gap}")
    assert pool.groups is not None  # `select` has checked
    assert pool.positions is not None
    scores = np.asarray(scores_of(acquisition, pool), dtype=np.float64)
    codes = group_codes(pool.groups)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    quota = Quota(pool, max_per_group)
    chance = rng.random(len(scores))
    best = np.full(len(members), -np.inf)
    np.maximum.at(best, codes[quota.open], scores[quota.open])
    burden = np.bincount(codes[pool.labeled], minlength=len(members))
    luck = rng.random(len(members))
    waiting = list(zip(burden.tolist(), (-best).tolist(), luck.tolist(), range(len(members)), strict=True))
    heapq.heapify(waiting)
    seen = pool.labeled.copy()
    rows: list[int] = []
    reasons: list[str] = []
    while waiting and len(rows) < batch_size:
        n_seen, _, tie, volume = heapq.heappop(waiting)
        slices = members[volume]
        candidates = slices[quota.open[slices]]
        if len(candidates) == 0:
            continue
        apart = distance_to_seen(pool.positions[candidates], pool.positions[slices[seen[slices]]])
        # Near slices count only by how far they are; among those far enough the score decides.
        order = np.lexsort((chance[candidates], -scores[candidates], -np.minimum(apart, gap)))
        row = int(candidates[order[0]])
        quota.take(row)
        seen[row] = True
        rows.append(row)
        reasons.append(f"its volume had {n_seen} label(s) or earlier picks; {acquisition} {scores[row]:.2f}")
        left = candidates[candidates != row]
        if len(left):
            heapq.heappush(waiting, (n_seen + 1, -float(scores[left].max()), tie, volume))
    chosen = np.asarray(rows, dtype=np.int64)
    return QueryResult(rows=chosen, scores=scores[chosen], reasons=tuple(reasons))


def distance_to_seen(positions: Int[np.ndarray, " m"], seen: Int[np.ndarray, " k"]) -> Float[np.ndarray, " m"]:
    """Return how many slices each position is away from the nearest seen one; infinite where none is. O(m·log k)."""
    if len(seen) == 0:
        return np.full(len(positions), np.inf)
    ordered = np.sort(seen)
    after = np.searchsorted(ordered, positions)
    right = np.abs(ordered[np.minimum(after, len(ordered) - 1)] - positions)
    left = np.abs(positions - ordered[np.maximum(after - 1, 0)])
    return np.minimum(left, right).astype(np.float64)
