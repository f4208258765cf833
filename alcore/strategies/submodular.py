"""Submodular mutual information: find more of a rare class of which a few are known."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int64

from alcore.errors import InvalidInput
from alcore.strategies.batch import Batch, open_rows
from alcore.strategies.blocks import gathered, products, unit_scale
from alcore.strategies.coverage import N_REFERENCE, Coverage, draw_reference, similarity
from alcore.strategies.greedy import Gains, lazy_greedy, sweep
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult

_ROUNDING = 1e-6
"""A gain below this part of all that could be covered is float32's rounding."""


@register(
    "submodular_mutual_information",
    paper="Kothawade et al. (SIMILAR), NeurIPS 2021 (arXiv:2107.00717)",
    phase="any",
    needs=frozenset({"embeddings", "labels"}),
    cost="O(n·q·d) for q known items of the class (flqmi), O(n·r·d) for r references (flvmi)",
    advice="Hunts a rare class by its few known examples; pointless while all classes are common",
    is_nested=True,
)
def submodular_mutual_information(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    target_class: int | None = None,
    variant: Literal["flqmi", "flvmi"] = "flqmi",
    eta: float = 1.0,
    n_reference: int = N_REFERENCE,
) -> QueryResult:
    """Take what tells most about the labeled items of the rarest class, and repeats itself least.

    Settings: `target_class` is the class to look for, None for the one with the fewest labeled items (the lowest of
    equals); `variant` flqmi covers the known items Q of that class and adds eta times each item's similarity to Q,
    flvmi covers the pool, each part of it by no more than eta times its similarity to Q; `eta` >= 0 pulls towards Q;
    `n_reference` items of the pool stand for all in flvmi.

    Source: Kothawade et al. 2021 (arXiv:2107.00717), the functions FLQMI and FLVMI, by lazy greedy (Minoux 1978), which
    gives the plain greedy's picks. O(n·q·d) or O(n·r·d) time, O(n·q) memory. Departures: similarity is the cosine of
    frozen embeddings, negative ones 0, not of gradients; FLVMI over a random part of a large pool; once FLVMI is
    saturated items follow by their similarity to Q; with nothing labeled the pool is covered (facility location).
    """
    if not (np.isfinite(eta) and eta >= 0):
        raise InvalidInput(f"eta must be a finite number >= 0; got {eta}")
    assert pool.labels is not None  # `select` has checked
    batch = Batch(pool, batch_size, max_per_group)
    scale = unit_scale(pool.embeddings)
    wanted = rarest_class(pool.labels, pool.labeled, target_class)
    known = np.flatnonzero(pool.labeled & (pool.labels == wanted)).astype(np.int64)
    likeness = best_similarity(pool.embeddings, known, scale=scale)
    reference = draw_reference(np.ones(len(scale), dtype=bool) if len(known) else ~pool.labeled, n_reference, rng)
    if len(known) and variant == "flqmi":
        coverage = Coverage(pool.embeddings, known, similarity(), scale=scale)
        gains, least = with_bonus(coverage.gains, eta / len(known) * likeness.astype(np.float64)), -np.inf
    else:
        caps = eta * likeness[reference] if len(known) else np.ones(len(reference), dtype=np.float32)
        coverage = Coverage(pool.embeddings, reference, similarity(caps), scale=scale)
        gains, least = coverage.gains, _ROUNDING * float(caps.mean())
    state = (
        f"like the {len(known)} known of class {wanted}" if len(known) else "nothing was labeled yet; covers the pool"
    )
    rows, gained = lazy_greedy(
        sweep(gains, batch.quota.open), gains, coverage.add, batch.quota, batch_size=batch_size, rng=rng, above=least
    )
    for row, gain in zip(rows.tolist(), gained.tolist(), strict=True):
        batch.note(row, f"{state}: adds {gain:.3f}")
    left = open_rows(pool)
    order = left[np.lexsort((rng.random(len(left)), -likeness[left]))]
    batch.fill(order, lambda row: f"{state}, covered by the others: similarity {likeness[row]:.2f}")
    return batch.result()


def with_bonus(gains: Gains, bonus: Float64[np.ndarray, " n"]) -> Gains:
    """Return gains to which each row adds a number of its own, whatever else was chosen."""
    return lambda rows: gains(rows) + bonus[rows]


def rarest_class(
    labels: Int[np.ndarray, " n"], labeled: Bool[np.ndarray, " n"], target_class: int | None = None
) -> int | None:
    """Return the class to look for: `target_class`, or the one with the fewest labeled items, at least one.

    None where nothing is labeled and no class was named; the lowest of equally rare ones. Rows that are closed without
    a label (-1) do not count.

    Raises:
        InvalidInput: no item of the named class is labeled.
    """
    classes, counts = np.unique(labels[labeled & (labels >= 0)], return_counts=True)
    if target_class is None:
        return int(classes[counts.argmin()]) if len(classes) else None
    if target_class not in classes:
        named = ", ".join(map(str, classes)) or "none"
        raise InvalidInput(f"target_class {target_class} has no labeled item; labeled classes: {named}")
    return target_class


def best_similarity(
    embeddings: Float[np.ndarray, "n d"], query: Int64[np.ndarray, " q"], *, scale: Float32[np.ndarray, " n"]
) -> Float32[np.ndarray, " n"]:
    """Return each item's highest cosine to one of the query rows, at least 0; 0 where there is none. O(n·q) memory."""
    to_query = products(embeddings, gathered(embeddings, query, scale=scale), scale=scale)
    return to_query.max(axis=1, initial=0)
