"""Most score for the annotator's seconds."""

import numpy as np
from jaxtyping import Float, Float64, Int64

from alcore.strategies.batch import Batch, check_positive, nonnegative_scores
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import ranking
from alcore.types import PoolView, QueryResult


@register(
    "knapsack",
    paper="greedy knapsack, Dantzig 1957; cost-sensitive queries, Settles et al. 2008",
    phase="round",
    needs=frozenset({"costs"}),
    cost="O(n log n + b·n)",
    advice="For annotators paid by the hour: many cheap items or few dear ones, whichever scores more",
    draws=False,
)
def knapsack(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    acquisition: str = "entropy",
    budget_s: float | None = None,
) -> QueryResult:
    """Take the highest total score that `budget_s` seconds of an annotator's time will buy.

    At most `batch_size` items; fewer where the budget buys no more. Two greedy passes that skip what is too dear, one
    by score per second and one by score, and the better of the two is kept. The pass by score begins with the best
    single item, so that where `batch_size` and groups do not bind the total is at least half of the best possible one
    (Dantzig 1957 and the usual argument); where the budget does not bind it is the best possible one. Without a budget
    the order is by score per second. O(n log n + b·n). Negative scores are refused.
    """
    scores = nonnegative_scores(acquisition, pool, strategy="knapsack")
    assert pool.costs is not None  # `select` has checked
    costs = pool.costs.astype(np.float64)
    rates = scores / costs
    orders = [ranking(rates, pool, rng)]
    if budget_s is not None:
        check_positive(budget_s=budget_s)
        orders.append(ranking(scores, pool, rng))
    budget = np.inf if budget_s is None else budget_s
    bought = [affordable(order, costs, Quota(pool, max_per_group), batch_size, budget) for order in orders]
    rows = max(bought, key=lambda found: float(scores[found].sum()))
    batch = Batch(pool, batch_size, max_per_group)
    spent = f"; {costs[rows].sum():.0f} of {budget_s:g} s in all" if budget_s is not None else ""
    batch.fill(rows, lambda row: f"{acquisition} {scores[row]:.2f} for {costs[row]:.0f} s{spent}")
    return batch.result(scores)


def affordable(
    order: Int64[np.ndarray, " m"],
    costs: Float[np.ndarray, " n"],
    quota: Quota,
    batch_size: int,
    budget: float,
) -> Int64[np.ndarray, " b"]:
    """Go down a ranking and take each row that is open and that what is left of the budget still buys.

    Args:
        order: rows, best first.
        costs: price of each item, above 0.
        quota: the rows that may be taken; it is used up.
        batch_size: most rows to take.
        budget: what there is to spend; may be infinite.
    """
    price: Float64[np.ndarray, " m"] = costs[order].astype(np.float64)
    taken: list[int] = []
    while len(taken) < batch_size:
        left = quota.open[order] & (price <= budget)
        if not left.any():
            break
        row = int(order[left.argmax()])
        budget -= float(costs[row])
        quota.take(row)
        taken.append(row)
    return np.asarray(taken, dtype=np.int64)
