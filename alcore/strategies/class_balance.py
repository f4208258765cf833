"""Fill up the classes that have fewest labels."""

import numpy as np
from jaxtyping import Float, Int, Int64

from alcore.strategies.batch import Batch
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import mean_probabilities, ranking, scores_of
from alcore.types import PoolView, QueryResult


@register(
    "class_balance",
    paper="greedy rule; the aim is that of Bengar et al., WACV 2022",
    phase="round",
    needs=frozenset({"labels", "probabilities"}),
    cost="O(n log n + b·c)",
    advice="For long-tailed classes, once the head finds the rare ones at all",
    draws=False,
    is_nested=True,
)
def class_balance(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
) -> QueryResult:
    """Take the highest score of the predicted class that has fewest labels, counting what was chosen as labeled.

    A greedy rule for the aim of Bengar et al. 2022 ("Class-Balanced Active Learning for Image Classification"), who
    solve an integer program over expected class counts; here an item counts wholly for the class predicted for it. Of
    equally rare classes the one with the higher score goes first. O(n log n + b·c). A class of which nothing is open is
    passed over.
    """
    assert pool.labels is not None  # `select` has checked
    probabilities = mean_probabilities(pool)
    predicted = probabilities.argmax(axis=1)
    known = pool.labels[pool.labeled & (pool.labels >= 0)]
    counts = np.bincount(known, minlength=probabilities.shape[1])
    scores = scores_of(acquisition, pool)
    batch = Batch(pool, batch_size, max_per_group)
    for row, count in rarest_first(ranking(scores, pool, rng), predicted, scores, counts, batch):
        label = predicted[row]
        batch.note(
            row, f"predicted class {label}, which has {count} label(s) or picks; {acquisition} {scores[row]:.2f}"
        )
    return batch.result(scores)


def rarest_first(
    order: Int64[np.ndarray, " m"],
    predicted: Int[np.ndarray, " n"],
    scores: Float[np.ndarray, " n"],
    counts: Int[np.ndarray, " k"],
    batch: Batch,
) -> list[tuple[int, int]]:
    """Choose rows by the count of their predicted class, then by score; return each with that count as it was.

    Args:
        order: rows, best first.
        predicted: class of each item, 0..k-1.
        scores: score of each item; compares the best rows of equally rare classes.
        counts: labels of each class.
        batch: its quota says which rows are open, and is used up; the rows are left to the caller.
    """
    by_class = {int(label): order[predicted[order] == label] for label in np.unique(predicted[order])}
    place = dict.fromkeys(by_class, 0)
    total = {label: int(counts[label]) for label in by_class}
    picks: list[tuple[int, int]] = []
    for _ in range(batch.n_wanted):
        for label in list(place):
            place[label] = _next_open(by_class[label], place[label], batch)
            if place[label] == len(by_class[label]):
                del place[label]
        if not place:
            break
        label = min(place, key=lambda c: (total[c], -float(scores[by_class[c][place[c]]]), c))
        row = int(by_class[label][place[label]])
        batch.quota.take(row)
        picks.append((row, total[label]))
        total[label] += 1
    return picks


def _next_open(rows: Int64[np.ndarray, " m"], start: int, batch: Batch) -> int:
    """Return the first place from `start` on whose row is open; the length where none is."""
    while start < len(rows) and not batch.quota.open[rows[start]]:
        start += 1
    return start
