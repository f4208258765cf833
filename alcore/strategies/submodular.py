"""Submodular mutual information: find more of a rare class of which a few are known."""

import numpy as np
from jaxtyping import Bool, Float, Int, Int64

from alcore.errors import InvalidInput
from alcore.strategies.batch import Batch, open_rows
from alcore.strategies.blocks import blocks
from alcore.strategies.cover import Cover, draw_references, lazy_greedy, unit_rows
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
    variant: str = "flqmi",
    eta: float = 1.0,
    n_references: int = 5000,
) -> QueryResult:
    """Take what tells most about the labeled items of the rarest class, and repeats itself least.

    Settings: `target_class` is the class to look for, None for the one with the fewest labeled items (the lowest of
    equals); `variant` flqmi covers the known items Q of that class and adds eta times each item's similarity to Q,
    flvmi covers the pool, each part of it by no more than eta times its similarity to Q; `eta` >= 0 pulls towards Q;
    `n_references` items of the pool stand for all in flvmi.

    Source: Kothawade et al. 2021 (arXiv:2107.00717), the functions FLQMI and FLVMI, by lazy greedy (Minoux 1978), which
    gives the plain greedy's picks. O(n·q·d) or O(n·r·d), O(n) memory. Departures: similarity is the cosine of frozen
    embeddings, negative ones 0, not of gradients; FLVMI over a random part of a large pool; once FLVMI is saturated
    items follow by their similarity to Q; with nothing labeled the pool is covered (facility location).
    """
    if variant not in ("flqmi", "flvmi"):
        raise InvalidInput(f"unknown variant {variant!r}; known: flqmi, flvmi")
    if not (np.isfinite(eta) and eta >= 0):
        raise InvalidInput(f"eta must be a finite number >= 0; got {eta}")
    if n_references < 1:
        raise InvalidInput(f"n_references must be >= 1; got {n_references}")
    assert pool.labels is not None  # `select` has checked
    batch = Batch(pool, batch_size, max_per_group)
    wanted = rarest_class(pool.labels, pool.labeled, target_class)
    if wanted is None:
        references = draw_references(pool.embeddings, open_rows(pool), n_references, rng=rng)
        cover, state = Cover(pool.embeddings, references), "nothing was labeled yet; covers the pool"
        likeness, least = np.zeros(len(pool.labeled)), -np.inf
    else:
        known = np.flatnonzero(pool.labeled & (pool.labels == wanted)).astype(np.int64)
        query = pool.embeddings[known]
        likeness = best_similarity(pool.embeddings, query)
        if variant == "flqmi":
            cover, least = Cover(pool.embeddings, query, bonus=eta * likeness), -np.inf
        else:
            cover, least = _flvmi(pool, query, eta, n_references, rng)
        state = f"like the {len(known)} known of class {wanted}"
    rows = open_rows(pool)
    for row, gain in lazy_greedy(cover, batch.quota, rows, n_wanted=batch.n_wanted, rng=rng, least=least):
        batch.note(row, f"{state}: adds {gain:.2f}")
    order = rows[np.lexsort((rng.random(len(rows)), -likeness[rows]))]
    batch.fill(order, lambda row: f"{state}, covered by the others: similarity {likeness[row]:.2f}")
    return batch.result()


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


def best_similarity(embeddings: Float[np.ndarray, "n d"], query: Float[np.ndarray, "q d"]) -> Float[np.ndarray, " n"]:
    """Return each item's highest cosine to a query item, at least 0; block by block."""
    out = np.empty(len(embeddings), dtype=np.float32)
    unit_query = unit_rows(query)
    for place, block in blocks(embeddings):
        np.maximum((unit_rows(block) @ unit_query.T).max(axis=1), 0, out=out[place])
    return out


def _flvmi(
    pool: PoolView, query: Float[np.ndarray, "q d"], eta: float, n_references: int, rng: np.random.Generator
) -> tuple[Cover, float]:
    """Sum over the pool of min(best similarity to a chosen item, eta times best similarity to Q); what is no gain."""
    every: Int64[np.ndarray, "_"] = np.arange(len(pool.labeled), dtype=np.int64)
    references = draw_references(pool.embeddings, every, n_references, rng=rng)
    caps = eta * best_similarity(references, query)
    return Cover(pool.embeddings, references, caps=caps), max(_ROUNDING * float(caps.sum()), np.finfo(float).tiny)
