"""FreeSel: a few semantic patterns an image, and images drawn for patterns that none has shown yet."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult

_BLOCK_ITEMS = 256
_N_ITERATIONS = 10

Rule = Literal["sample", "farthest"]


@register(
    "freesel",
    paper="Xie et al. 2023 (NeurIPS), FreeSel",
    phase="cold_start",
    needs=frozenset({"patches"}),
    cost="O(n·p·k·t + (l+b)·n·k²·t) for p patches, k patterns; O(n·k·t) memory",
    advice="Sees small structures that one vector an image averages away",
    is_nested=True,
)
def freesel(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_patterns: int = 5,
    rule: Rule = "sample",
) -> QueryResult:
    """Take images that hold a local pattern unlike all that the labeled and chosen images hold.

    Settings: `n_patterns` patterns an image; `rule` is `sample` (a pattern is drawn in proportion to its squared
    distance from the nearest pattern seen, and brings its image) or `farthest` (the farthest one does).

    Source: Xie, Ding, Tomizuka & Zhan 2023 (NeurIPS), "Towards Free Data Selection with General-Purpose Models".
    Departures: all patch tokens count, for the pool holds no attention to filter them by; distances are Euclidean,
    between means of tokens of length 1, where the authors' code takes 1 - cosine; k-means in an image starts from a
    farthest-first choice and takes 10 iterations. A pool without any label starts with an image drawn at random.
    """
    if n_patterns < 1:
        raise InvalidInput(f"n_patterns must be >= 1; got {n_patterns}")
    if rule not in ("sample", "farthest"):
        raise InvalidInput(f"unknown rule {rule!r}; known: farthest, sample")
    assert pool.patches is not None  # `select` has checked
    patterns = semantic_patterns(pool.patches, n_patterns)
    rows, gaps = pattern_sampling(
        patterns, pool.labeled, Quota(pool, max_per_group), batch_size=batch_size, rule=rule, rng=rng
    )
    reasons = tuple(
        "drawn at random: nothing was labeled yet" if np.isinf(gap) else f"holds a pattern not seen yet: {gap:.2f} away"
        for gap in gaps.tolist()
    )
    return QueryResult(rows=rows, reasons=reasons)


def semantic_patterns(patches: Float[np.ndarray, "n p t"], n_patterns: int) -> Float32[np.ndarray, "n k t"]:
    """Cluster each image's patch tokens by k-means into its patterns.

    Args:
        patches: p tokens of t numbers an image; scaled to length 1 here.
        n_patterns: patterns an image; min(n_patterns, p) come back.

    Returns:
        Cluster means, not scaled. A cluster that runs empty keeps its last mean.

    Source: Xie et al. 2023, section on pattern extraction. Many images at once by matrix products, without chance:
    the first centre is the token nearest to the image's mean, each next the farthest from those. O(n·p·k·t).
    """
    if patches.shape[1] < 1:
        raise InvalidInput(f"patches must be (n, p, t) with p >= 1; got {patches.shape}")
    k = min(n_patterns, patches.shape[1])
    out = np.empty((len(patches), k, patches.shape[2]), dtype=np.float32)
    for start in range(0, len(patches), _BLOCK_ITEMS):
        tokens = np.asarray(patches[start : start + _BLOCK_ITEMS], dtype=np.float32)
        lengths = np.linalg.norm(tokens, axis=2, keepdims=True)
        out[start : start + len(tokens)] = _kmeans_in_each(tokens / np.where(lengths > 0, lengths, 1), k)
    return out


def _kmeans_in_each(tokens: Float32[np.ndarray, "b p t"], k: int) -> Float32[np.ndarray, "b k t"]:
    """Run Lloyd's iterations in all images at once."""
    every = np.arange(len(tokens))
    centres = np.empty((len(tokens), k, tokens.shape[2]), dtype=np.float32)
    place = ((tokens - tokens.mean(axis=1, keepdims=True)) ** 2).sum(axis=2).argmin(axis=1)
    nearest = np.full(tokens.shape[:2], np.inf, dtype=np.float32)
    for j in range(k):
        centres[:, j] = tokens[every, place]
        np.minimum(nearest, ((tokens - centres[:, j : j + 1]) ** 2).sum(axis=2), out=nearest)
        place = nearest.argmax(axis=1)
    for _ in range(_N_ITERATIONS):
        scores = tokens @ centres.transpose(0, 2, 1) - (centres**2).sum(axis=2)[:, None] / 2
        member = (scores.argmax(axis=2)[..., None] == np.arange(k)).astype(np.float32)
        sizes = member.sum(axis=1)[..., None]
        means = member.transpose(0, 2, 1) @ tokens / np.maximum(sizes, 1)
        centres = np.where(sizes > 0, means, centres)
    return centres


def pattern_sampling(
    patterns: Float32[np.ndarray, "n k t"],
    labeled: Bool[np.ndarray, " n"],
    quota: Quota,
    *,
    batch_size: int,
    rule: Rule,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, " b"]]:
    """Pick images one by one for the distance of their patterns from those of the labeled and picked ones.

    Args:
        patterns: k patterns of each image.
        labeled: True where the patterns are seen already.
        quota: the rows that may be picked; it is used up.
        batch_size: rows to pick; fewer come back when the quota runs out.
        rule: draw a pattern by squared distance, or take the farthest.
        rng: draws, and breaks ties.

    Returns:
        Rows in pick order and how far the pattern was (infinite for a first image without any label).

    Source: Xie et al. 2023, distance-based sampling over patterns (k-means++ by Arthur & Vassilvitskii 2007, with
    images instead of points). One matrix product of all patterns with k new ones a pick.
    """
    n, k, _ = patterns.shape
    flat = patterns.reshape(n * k, -1)
    squares = np.einsum("it,it->i", flat, flat)
    nearest = np.full(n * k, np.inf)

    def see(rows: Int64[np.ndarray, " m"]) -> None:
        new = (rows[:, None] * k + np.arange(k)).ravel()
        squared = squares[:, None] + squares[new] - 2 * (flat @ flat[new].T)
        np.minimum(nearest, np.maximum(squared, 0).min(axis=1), out=nearest)
        nearest[new] = 0

    for row in np.flatnonzero(labeled).tolist():
        see(np.asarray([row]))
    rows: list[int] = []
    gaps: list[float] = []
    while len(rows) < batch_size and quota.open.any():
        reachable = np.where(np.repeat(quota.open, k), nearest, -1)
        place = _draw(reachable, rule, rng)
        rows.append(place // k)
        gaps.append(float(np.sqrt(nearest[place])))
        quota.take(rows[-1])
        see(np.asarray([place // k]))
    return np.asarray(rows, dtype=np.int64), np.asarray(gaps, dtype=np.float64)


def _draw(reachable: Float64[np.ndarray, " q"], rule: Rule, rng: np.random.Generator) -> int:
    """Draw a place by its squared distance; the farthest, ties by chance, where told so or where all are 0 or inf."""
    farthest = reachable.max()
    if rule == "sample" and 0 < farthest < np.inf:
        cumulative = np.cumsum(np.maximum(reachable, 0))
        return int(np.searchsorted(cumulative, rng.uniform(high=cumulative[-1]), side="right"))
    tied = np.flatnonzero(reachable == farthest)
    return int(tied[0] if len(tied) == 1 else rng.choice(tied))
