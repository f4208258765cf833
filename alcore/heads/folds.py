"""Folds for measuring a head on labeled items that it has not seen, with groups kept whole."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, Shaped

from alcore.errors import InvalidInput


def group_folds(
    groups: Shaped[np.ndarray, " n"], *, strata: Shaped[np.ndarray, " n"] | None = None, n_folds: int, seed: int
) -> list[Int[np.ndarray, " f"]]:
    """Split items so that no group is on two sides.

    Args:
        groups: patient or volume of each item; give every item its own where there are none.
        strata: a rough class of each item, to be spread evenly; of a group that of its first item counts.
        n_folds: folds wanted; fewer come back when there are fewer groups.
        seed: shuffles groups of equal size and stratum.

    Returns:
        Rows of each fold, sorted; the largest groups are dealt out first, each to the smallest fold.

    Raises:
        InvalidInput: fewer than two groups: nothing can be held out.
    """
    names, first, member = np.unique(groups, return_index=True, return_inverse=True)
    if len(names) < 2:
        raise InvalidInput(f"folds need labeled items of at least 2 groups; got {len(names)}")
    sizes = np.bincount(member)
    stratum = np.zeros(len(names)) if strata is None else np.unique(strata[first], return_inverse=True)[1]
    order = np.lexsort((np.random.default_rng(seed).permutation(len(names)), stratum, -sizes))
    fold_of_group = np.empty(len(names), dtype=np.int64)
    load = np.zeros(min(n_folds, len(names)), dtype=np.int64)
    for group in order:
        fold_of_group[group] = load.argmin()
        load[load.argmin()] += sizes[group]
    return [np.flatnonzero(fold_of_group[member] == fold) for fold in range(len(load))]


def committee_folds(folds: Sequence[Int[np.ndarray, "_"]], *, n_members: int, seed: int) -> list[Int[np.ndarray, "_"]]:
    """Say what each member of a committee a fold leaves out, so that committees are measured and not lone members.

    A committee's mean is less certain than its members are; a temperature fitted on lone members makes it timid.

    Args:
        folds: rows of each fold; together all rows.
        n_members: members that never see a fold. A lone one sees all the rest; more of them see 63 % each, as many as
            a bootstrap sample holds on average.
        seed: draws what they see.

    Returns:
        Rows to leave out, `n_members` entries a fold in the order of the folds.

    Source: the effect is that of Rahaman & Thiery 2021 (arXiv:2007.08792): calibrate what is pooled.
    """
    rng, everything = np.random.default_rng(seed), np.sort(np.concatenate(list(folds)))
    left_out = []
    for fold in folds:
        rest = np.setdiff1d(everything, fold)
        n_more = int(0.37 * len(rest)) if n_members > 1 else 0
        left_out += [np.union1d(fold, rng.choice(rest, size=n_more, replace=False)) for _ in range(n_members)]
    return left_out
