"""Which rows may still be chosen: unlabeled, not yet taken, and of a group that has room."""

import numpy as np
from jaxtyping import Bool, Int64, Shaped

from alcore.types import PoolView

_BLOCK = 4096


class Quota:
    """Keeps `open`, the rows that may be taken; `take` closes a row, and its whole group once that is full."""

    def __init__(self, pool: PoolView, max_per_group: int | None = None) -> None:
        self.open: Bool[np.ndarray, " n"] = ~pool.labeled
        self._left: dict[int, int] = {}
        self._codes: Int64[np.ndarray, " n"] | None = None
        if max_per_group is not None and pool.groups is not None:
            self._codes = group_codes(pool.groups)
            self._max = max_per_group

    def take(self, row: int) -> None:
        """Mark a row as chosen."""
        self.open[row] = False
        if self._codes is None:
            return
        code = int(self._codes[row])
        self._left[code] = self._left.get(code, self._max) - 1
        if self._left[code] == 0:
            self.open[self._codes == code] = False

    def take_in_order(self, rows: Int64[np.ndarray, " m"], batch_size: int) -> Int64[np.ndarray, " b"]:
        """Take the first `batch_size` rows of a ranking that are open when their turn comes."""
        taken: list[int] = []
        for start in range(0, len(rows), _BLOCK):  # a batch is small and a ranking may be a million long
            for row in rows[start : start + _BLOCK].tolist():
                if len(taken) == batch_size:
                    return np.asarray(taken, dtype=np.int64)
                if self.open[row]:
                    self.take(row)
                    taken.append(row)
        return np.asarray(taken, dtype=np.int64)


def group_codes(groups: Shaped[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Number the groups 0, 1, … in order of appearance; each None is a group of its own."""
    seen: dict[object, int] = {}
    codes = np.empty(len(groups), dtype=np.int64)
    for i, group in enumerate(groups.tolist()):
        codes[i] = seen.setdefault(("", i) if group is None else group, len(seen))
    return codes
