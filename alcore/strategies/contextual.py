"""Contextual diversity: images whose classes are confused with other classes than before."""

import numpy as np
from jaxtyping import Float, Float32, Int64

from alcore.errors import InvalidInput
from alcore.strategies.farthest import DistancesTo, farthest_first
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult

_FLOOR = 1e-6
"""Smallest probability in a logarithm: a divergence from 0 would be infinite."""


@register(
    "contextual_diversity",
    paper="Agarwal et al. 2020 (ECCV), CDAL-CS",
    phase="round",
    needs=frozenset({"class_mixtures"}),
    cost="O(n·(l+b)·c²), O(n·c²) memory",
    advice="Segmentation of several structures that are mistaken for each other",
    draws=False,
    is_nested=True,
)
def contextual_diversity(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    unshared: float = 0.0,
) -> QueryResult:
    """Take images whose predicted classes are mixed up in other ways than in those labeled or chosen.

    `unshared` (>= 0) is added to the distance for each class that only one of two images shows.

    Source: Agarwal, Arora, Anand & Arora 2020 (ECCV), the variant CDAL-CS: farthest-first traversal, from the labeled
    images, under the sum over the classes that both images show of the symmetric Kullback-Leibler divergence (half of
    each direction) between their class-wise mixtures. O(n·(l+b)·c²) time by matrix products, O(n·c²) memory.
    Departures: with nothing labeled the first image is drawn; the authors' code always draws the first one, takes
    the mean over shared classes where the paper takes the sum (so do we), and leaves out infinite divergences where
    ours are kept finite by a floor of 1e-6 under the logarithm. In the paper, and by default here, two images that
    share no class are at distance 0; `unshared` mends that. The paper's reinforcement-learned variant is left out.
    """
    if not unshared >= 0:
        raise InvalidInput(f"unshared must be >= 0; got {unshared}")
    assert pool.class_mixtures is not None  # `select` has checked
    rows, gaps = farthest_first(
        mixture_distances(pool.class_mixtures, unshared=unshared),
        np.flatnonzero(pool.labeled),
        Quota(pool, max_per_group),
        batch_size=batch_size,
        rng=rng,
    )
    reasons = tuple(
        "drawn at random: nothing was labeled yet" if np.isinf(gap) else f"its classes mix anew: divergence {gap:.2f}"
        for gap in gaps.tolist()
    )
    return QueryResult(rows=rows, reasons=reasons)


def mixture_distances(mixtures: Float[np.ndarray, "n c c"], *, unshared: float = 0.0) -> DistancesTo:
    """Prepare the contextual divergence between images.

    Args:
        mixtures: for each image and predicted class the mean prediction over its pixels; all zeros where absent.
        unshared: added for each class that only one of the two images shows.

    Returns:
        A function from m rows to the (n, m) divergences of all images from them, in nats, >= 0.

    Source: Agarwal et al. 2020 (ECCV), the distance between images. With h = sum p·ln p, the symmetric divergence is
    (h_i + h_j - p_i·ln p_j - p_j·ln p_i) / 2, so each column is four matrix-vector products.
    """
    if mixtures.ndim != 3 or mixtures.shape[1] != mixtures.shape[2]:
        raise InvalidInput(f"class mixtures must be (n, c, c); got {mixtures.shape}")
    if mixtures.min(initial=0) < 0:
        raise InvalidInput(f"class mixtures must be >= 0; the lowest is {mixtures.min()}")
    n = len(mixtures)
    p = mixtures.astype(np.float32)
    present = p.sum(axis=2) > 0
    logs = np.log(np.maximum(p, _FLOOR))
    logs[~present] = 0
    negentropy = np.einsum("nij,nij->ni", p, logs)
    flat, flat_logs, shown = p.reshape(n, -1), logs.reshape(n, -1), present.astype(np.float32)

    def distances_to(rows: Int64[np.ndarray, " m"]) -> Float32[np.ndarray, "n m"]:
        own = negentropy @ shown[rows].T + shown @ negentropy[rows].T
        cross = flat @ flat_logs[rows].T + flat_logs @ flat[rows].T
        divergence = np.maximum((own - cross) / 2, 0)
        if unshared:
            shared = shown @ shown[rows].T
            divergence += unshared * (shown.sum(axis=1)[:, None] + shown[rows].sum(axis=1) - 2 * shared)
        divergence[rows, np.arange(len(rows))] = 0  # rounding leaves a little
        return divergence

    return distances_to
