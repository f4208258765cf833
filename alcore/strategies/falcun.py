"""FALCUN: relevance and diversity, both read from the class probabilities."""

import numpy as np
from jaxtyping import Float, Float64

from alcore.acquisition.probability import margin
from alcore.errors import InvalidInput
from alcore.strategies.batch import Batch, open_rows
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import mean_probabilities
from alcore.types import PoolView, QueryResult

_BLOCK_ROWS = 8192


@register(
    "falcun",
    paper="Gilhuber et al., ECML PKDD 2024",
    phase="round",
    needs=frozenset({"probabilities"}),
    cost="O(n·b·c)",
    advice="A diverse batch without any embedding; little to go by with two classes",
    is_nested=True,
)
def falcun(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    gamma: float = 10.0,
) -> QueryResult:
    """Draw items that are uncertain and whose class probabilities differ from those of the chosen.

    Source: Gilhuber, Beer, Ma & Seidl 2024, "FALCUN: A Simple and Efficient Deep Active Learning Strategy": chances in
    proportion to (margin uncertainty + distance)^gamma, where the distance starts as the uncertainty and is then the
    smallest L1 distance to a chosen item's probabilities, rescaled to 0..1 over the unlabeled items after each pick.
    `gamma` 0 is random, a large one greedy. O(n·b·c) time, O(n·c) memory. Where all chances are 0 they are made equal;
    a group that is full is passed over.
    """
    if not (np.isfinite(gamma) and gamma >= 0):
        raise InvalidInput(f"gamma must be a finite number >= 0; got {gamma}")
    rows = open_rows(pool)
    probabilities = mean_probabilities(pool)[rows]
    uncertainty = margin(probabilities).astype(np.float64)
    distance = uncertainty.copy()
    batch = Batch(pool, batch_size, max_per_group)
    while not batch.is_full:
        chances = relevance(uncertainty, distance, gamma) * batch.quota.open[rows]
        if not chances.any():
            chances = batch.quota.open[rows].astype(np.float64)
        at = int(rng.choice(len(rows), p=chances / chances.sum()))
        batch.take(
            int(rows[at]), f"margin uncertainty {uncertainty[at]:.2f}, distance to the chosen {distance[at]:.2f}"
        )
        distance = updated_distance(distance, probabilities, at)
    scores = np.zeros(len(pool.labeled))
    scores[rows] = uncertainty
    return batch.result(scores)


def relevance(
    uncertainty: Float64[np.ndarray, " m"], distance: Float64[np.ndarray, " m"], gamma: float
) -> Float64[np.ndarray, " m"]:
    """Return (uncertainty + distance)^gamma over its largest value, so that no gamma overflows; zeros stay zeros."""
    total = uncertainty + distance
    largest = total.max()
    return np.asarray((total / largest if largest > 0 else total) ** gamma)


def updated_distance(
    distance: Float64[np.ndarray, " m"], probabilities: Float[np.ndarray, "m c"], row: int
) -> Float64[np.ndarray, " m"]:
    """Return the smaller of each distance and the L1 distance to one row's probabilities, rescaled to 0..1."""
    nearest = distance.copy()
    for start in range(0, len(distance), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        to_row = np.abs(probabilities[block].astype(np.float64) - probabilities[row]).sum(axis=1)
        np.minimum(nearest[block], to_row, out=nearest[block])
    nearest -= nearest.min()
    largest = nearest.max()
    return nearest / largest if largest > 0 else nearest
