"""Which strategies beat which: paired tests over seeds at each budget, summed up as a penalty matrix."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Float64

from alcore.errors import InvalidInput


def penalty_matrix(
    values: Mapping[str, Float[np.ndarray, "s b"]], *, alpha: float = 0.05
) -> tuple[list[str], Float64[np.ndarray, "k k"]]:
    """Count how often each strategy is significantly better than each other.

    Args:
        values: by strategy, the metric (higher is better) of each of at least two seeds at each budget. Seeds are
            paired: the same row is the same start of the loop for all.
        alpha: two-sided level of each budget's tests together.

    Returns:
        The strategies and a matrix: entry (i, j) is the share of budgets at which i beats j. The mean of column j
        without its diagonal is the loss rate of j.

    Raises:
        InvalidInput: shapes differ, fewer than two seeds or strategies, or alpha is outside (0, 1).

    Source: pairwise penalty matrix of Ash et al. 2020, BADGE (arXiv:1906.03671), paired t-tests; corrected for their
    number at each budget after Holm 1979, as nnActive does (Lüth et al., TMLR 2025). Departure: shares instead of sums,
    so that budgets may differ in number. O(k²·s·b).
    """
    names = list(values)
    arrays = np.stack([np.asarray(values[name], dtype=np.float64) for name in names]) if names else np.zeros((0, 0, 0))
    if len(names) < 2 or arrays.shape[1] < 2 or not 0 < alpha < 1:
        raise InvalidInput(
            f"a comparison needs two strategies, two seeds and 0 < alpha < 1; got {len(names)} strategies, "
            f"{arrays.shape[1]} seed(s), alpha = {alpha}"
        )
    wins = np.zeros((len(names), len(names)))
    first, second = np.triu_indices(len(names), k=1)
    for budget in range(arrays.shape[2]):
        differences = arrays[first, :, budget] - arrays[second, :, budget]
        rejected = holm(paired_p_values(differences), alpha=alpha)
        sign = np.sign(differences.mean(axis=1))
        np.add.at(wins, (first, second), rejected & (sign > 0))
        np.add.at(wins, (second, first), rejected & (sign < 0))
    return names, wins / arrays.shape[2]


def loss_rates(wins: Float[np.ndarray, "k k"]) -> Float64[np.ndarray, " k"]:
    """Return how often each strategy is beaten by another one, averaged over the others."""
    return wins.sum(axis=0) / (len(wins) - 1)


def paired_p_values(differences: Float[np.ndarray, "p s"]) -> Float64[np.ndarray, " p"]:
    """Test p pairs over s >= 2 seeds, two-sided paired t-tests; equal differences give 0, or 1 where all are 0."""
    from scipy.stats import t

    mean, spread = differences.mean(axis=1), differences.std(axis=1, ddof=1)
    n = differences.shape[1]
    statistic = np.divide(np.abs(mean) * np.sqrt(n), spread, out=np.full(len(mean), np.inf), where=spread > 0)
    statistic[(spread == 0) & (mean == 0)] = 0
    return np.asarray(2 * t.sf(statistic, n - 1))


def holm(p_values: Float[np.ndarray, " p"], *, alpha: float) -> Bool[np.ndarray, " p"]:
    """Tell which hypotheses are rejected together at level alpha (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    limits = alpha / np.arange(len(p_values), 0, -1)
    kept = np.flatnonzero(p_values[order] > limits)
    n_rejected = int(kept[0]) if len(kept) else len(p_values)
    rejected = np.zeros(len(p_values), dtype=np.bool_)
    rejected[order[:n_rejected]] = True
    return rejected
