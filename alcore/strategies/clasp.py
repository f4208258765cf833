"""ClaSP PE: class-stratified, scheduled power noise on predictive entropy."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float64

from alcore.errors import InvalidInput, MissingInput
from alcore.strategies.batch import Batch, check_positive, check_share, nonnegative_scores, open_rows
from alcore.strategies.registry import register
from alcore.strategies.stochastic import power_keys
from alcore.strategies.uncertainty import mean_probabilities
from alcore.types import PoolView, QueryResult

_LAST_BETA = 100.0


@register(
    "clasp_pe",
    paper="ClaSP PE, TMLR 2026 (arXiv:2601.13677)",
    phase="round",
    cost="O(c·n log n)",
    advice="For segmentation of unequal classes: each gets its share, with noise that fades over the rounds",
)
def clasp_pe(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    foreground_share: float = 0.66,
    background_class: int | None = 0,
    rounds_done: float = 0.0,
    beta: float | None = None,
) -> QueryResult:
    """Draw two thirds of the batch by the entropy about each foreground class, the rest by entropy overall.

    Settings: `foreground_share` of the batch is split evenly over the foreground classes; `background_class` is no
    foreground in segmentation (None: all are); `rounds_done` is the part of the planned rounds that is behind us, 0..1,
    and sets the noise beta = 100^`rounds_done`, unless `beta` is given.

    Source: the recipe of ClaSP PE (arXiv:2601.13677): log of the class's entropy plus Gumbel(0, 1/beta) noise, beta
    from 1 to 100 over the rounds. In segmentation, where scores pooled from pixels are given, the class's entropy is
    `class_scores`; in classification it is entropy times the class's probability, and every class counts.
    O(c·n log n). Departures: whole images instead of 3D patches; what cannot be split evenly goes to classes that are
    drawn; the share of a class that scores 0 everywhere goes to the rest.
    """
    check_share(foreground_share=foreground_share, rounds_done=rounds_done)
    noise = _LAST_BETA**rounds_done if beta is None else beta
    check_positive(beta=noise)
    scores = nonnegative_scores(acquisition, pool, strategy="clasp_pe")
    classes, score_of = _classes(pool, scores, acquisition, background_class)
    batch = Batch(pool, batch_size, max_per_group)
    rows = open_rows(pool)

    def draw(by: Float64[np.ndarray, " n"], n_wanted: int, what: str) -> None:
        """Take the highest noisy scores that are above 0."""
        scored = rows[by[rows] > 0]
        order = scored[np.argsort(-power_keys(by[scored], noise, rng=rng), kind="stable")]
        batch.fill(order, lambda row: f"{what} {by[row]:.2g}, drawn with beta {noise:.3g}", at_most=n_wanted)

    shares = even_shares(round(foreground_share * batch_size), len(classes), rng=rng)
    for label, share in zip(classes, shares, strict=True):
        draw(score_of(label), share, f"{acquisition} about class {label}")
    draw(scores, batch_size, f"{acquisition} over all classes")
    batch.fill(rng.permutation(rows), lambda _: f"{acquisition} 0: drawn at random")
    return batch.result(scores)


def even_shares(total: int, n_parts: int, *, rng: np.random.Generator) -> list[int]:
    """Split a number into parts that differ by at most 1; who gets one more is drawn."""
    if n_parts == 0:
        return []
    shares = np.full(n_parts, total // n_parts)
    shares[rng.permutation(n_parts)[: total % n_parts]] += 1
    return [int(share) for share in shares]


def _classes(
    pool: PoolView, scores: Float64[np.ndarray, " n"], acquisition: str, background_class: int | None
) -> tuple[list[int], Callable[[int], Float64[np.ndarray, " n"]]]:
    """Return the foreground classes, and what gives the scores of one of them."""
    if acquisition in pool.uncertainty and pool.class_scores is not None:
        by_class: Float[np.ndarray, "n c"] = pool.class_scores
        if (by_class < 0).any():
            raise InvalidInput(f"class_scores must be >= 0; the lowest is {by_class.min():.3g}")
        if background_class is not None and not 0 <= background_class < by_class.shape[1]:
            raise InvalidInput(
                f"background_class must lie in 0..{by_class.shape[1] - 1}, or be None; got {background_class}"
            )
        classes = [label for label in range(by_class.shape[1]) if label != background_class]
        return classes, lambda label: by_class[:, label].astype(np.float64)
    if pool.probabilities is None and pool.committee is None:
        raise MissingInput("strategy 'clasp_pe' needs class_scores or probabilities; pass PoolView(class_scores=...)")
    probabilities = mean_probabilities(pool)
    return list(range(probabilities.shape[1])), lambda label: scores * np.maximum(probabilities[:, label], 0)
