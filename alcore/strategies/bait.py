"""BAIT: the batch after which the last layer is known best where the pool needs it."""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import blocks
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import mean_probabilities, ranking
from alcore.types import PoolView, QueryResult

_MAX_ENTRIES = 2**21
"""Entries of the largest temporary array."""


@register(
    "bait",
    paper="Ash et al. 2021 (arXiv:2106.09675)",
    phase="round",
    needs=frozenset({"embeddings", "probabilities"}),
    cost="O(n·q² + b·(m·c³ + m·q·c + q²·c)) for q <= max_parameters, m candidates; O(q²) memory",
    advice="Uncertainty and coverage in one objective; slow with many classes, which cost it features",
    draws=False,
)
def bait(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    regularization: float = 0.01,
    oversampling: float = 2.0,
    n_candidates: int = 1000,
    max_parameters: int = 1024,
) -> QueryResult:
    """Take the batch that leaves least variance in the predictions on the pool, by Fisher information.

    Source: Ash et al. 2021 (NeurIPS, arXiv:2106.09675): minimise tr(M⁻¹F), where F is the mean Fisher information of
    the last layer over the pool and M the sum over labeled and chosen rows plus `regularization` times the identity;
    greedy until `oversampling` times the batch is chosen, then greedy removal. Fisher information of the exact softmax
    layer without bias, (diag(p) - pp') ⊗ hh'; Woodbury updates. Departures: where classes times features exceed
    `max_parameters`, embeddings are projected on the leading principal directions (about the origin) of the pool; all
    unlabeled rows are scored once, and the `n_candidates` best compete from then on, the next ones where groups use
    these up; information is summed, where the authors' code weighs the labeled mean by l/(l + b) and each choice by
    b/(l + b); the default regularization is for embeddings of length 1.
    """
    probabilities = mean_probabilities(pool)
    n_classes = probabilities.shape[1]
    _check(regularization, oversampling, n_candidates, max_parameters, n_classes)
    project = principal_directions(pool.embeddings, min(pool.embeddings.shape[1], max_parameters // n_classes))
    wanted = fisher(pool.embeddings, probabilities, project) / len(pool.labeled)
    known = fisher(pool.embeddings, probabilities, project, np.flatnonzero(pool.labeled))
    design = Design(known + regularization * np.eye(len(known)), wanted, n_classes)
    scores = np.zeros(len(pool.labeled))
    unlabeled, step = np.flatnonzero(~pool.labeled), max(1, _MAX_ENTRIES // n_classes**2)
    for rows in (unlabeled[start : start + step] for start in range(0, len(unlabeled), step)):
        features, spread = _features(pool.embeddings, probabilities, project, rows)
        scores[rows] = trace_changes(*design.terms(features.astype(np.float32), spread))
    order = ranking(scores, pool, rng)
    chosen: list[int] = []
    lowered: dict[int, float] = {}
    quota = Quota(pool, max_per_group)
    n_forward = int(np.ceil(oversampling * batch_size))
    for start in range(0, len(order), n_candidates):
        candidates = order[start : start + n_candidates]
        items = Items(design, *_features(pool.embeddings, probabilities, project, candidates))
        while len(chosen) < n_forward and (is_open := quota.open[candidates]).any():
            place, gain = items.best(is_open)
            row = int(candidates[place])
            items.move(place, sign=1)
            quota.take(row)
            chosen.append(row)
            lowered[row] = gain
    items = Items(design, *_features(pool.embeddings, probabilities, project, np.asarray(chosen, dtype=np.int64)))
    kept = np.ones(len(chosen), dtype=bool)
    while kept.sum() > batch_size:
        place = items.least_missed(kept)
        items.move(place, sign=-1)
        kept[place] = False
    rows = np.asarray(chosen, dtype=np.int64)[kept]
    reasons = tuple(
        f"lowered the expected variance on the pool by {lowered[row]:.3g} as choice {place + 1} of {len(chosen)}"
        for row, place in zip(rows.tolist(), np.flatnonzero(kept).tolist(), strict=True)
    )
    return QueryResult(rows=rows, scores=np.asarray([lowered[row] for row in rows.tolist()]), reasons=reasons)


class Design:
    """The inverse information and what it makes of the wanted information; parameters are (class, feature) pairs."""

    def __init__(self, information: Float64[np.ndarray, "q q"], wanted: Float64[np.ndarray, "q q"], c: int) -> None:
        inverse = np.linalg.inv(information)
        self._c = c
        self._r = len(information) // c
        self.inverse = (inverse + inverse.T) / 2
        self.weighted = self.inverse @ wanted @ self.inverse

    def terms(
        self, features: Float[np.ndarray, "m r"], spread: Float64[np.ndarray, "m c c"]
    ) -> tuple[Float64[np.ndarray, "m c c"], Float64[np.ndarray, "m c c"], Float64[np.ndarray, "m c c"]]:
        """Return h'M⁻¹h and h'M⁻¹FM⁻¹h for each pair of classes, in the precision of h, and the spread as it came."""
        return self._form(self.inverse, features), self._form(self.weighted, features), spread

    def _form(
        self, matrix: Float64[np.ndarray, "q q"], features: Float[np.ndarray, "m r"]
    ) -> Float64[np.ndarray, "m c c"]:
        """Return the quadratic form of each item's features in each (class, class) block of a symmetric matrix."""
        c, r = self._c, self._r
        matrix = matrix.astype(features.dtype)
        out = np.empty((len(features), c, c))
        step = max(1, _MAX_ENTRIES // (c * r))
        for start in range(0, len(features), step):
            part = features[start : start + step]
            for label in range(c):
                right = part @ matrix[label * r : (label + 1) * r, label * r :]
                values = np.einsum("mcr,mr->mc", right.reshape(len(part), c - label, r), part)
                out[start : start + step, label, label:] = values
                out[start : start + step, label:, label] = values
        return out

    def move(
        self, features: Float64[np.ndarray, " r"], change: Float64[np.ndarray, "c c"]
    ) -> tuple[Float64[np.ndarray, "q c"], Float64[np.ndarray, "q c"], Float64[np.ndarray, "c c"]]:
        """Add an item's information (or remove it: minus the change); return what items need for the same update."""
        c, r = self._c, self._r
        left = self.inverse.reshape(c * r, c, r) @ features
        right = self.weighted.reshape(c * r, c, r) @ features
        middle = change @ np.einsum("crk,r->ck", right.reshape(c, r, c), features) @ change
        mixed = left @ change @ right.T
        self.inverse -= left @ change @ left.T
        self.weighted += left @ middle @ left.T - mixed - mixed.T
        return left, right, middle


class Items:
    """Some items and their terms in a design, kept up to date as the design moves."""

    def __init__(
        self, design: Design, features: Float64[np.ndarray, "m r"], spread: Float64[np.ndarray, "m c c"]
    ) -> None:
        self._design = design
        self._features = features
        self._inverse, self._weighted, self._spread = design.terms(features, spread)

    def best(self, is_open: Bool[np.ndarray, " m"]) -> tuple[int, float]:
        """Return the open item that lowers the objective most, and by how much."""
        gains = np.where(is_open, trace_changes(self._inverse, self._weighted, self._spread), -np.inf)
        place = int(gains.argmax())
        return place, float(gains[place])

    def least_missed(self, kept: Bool[np.ndarray, " m"]) -> int:
        """Return the kept item whose removal raises the objective least."""
        rises = np.full(len(kept), np.inf)
        rises[kept] = trace_changes(self._inverse[kept], self._weighted[kept], self._spread[kept], sign=-1)
        return int(rises.argmin())

    def move(self, place: int, *, sign: int) -> None:
        """Add an item to the design, or remove it (sign -1)."""
        change = sign * _middle(self._inverse[place], self._spread[place], sign)
        left, right, middle = self._design.move(self._features[place], change)
        (m, r), c = self._features.shape, len(change)
        on_left = (self._features @ left.reshape(c, r, c).swapaxes(0, 1).reshape(r, c * c)).reshape(m, c, c)
        on_right = (self._features @ right.reshape(c, r, c).swapaxes(0, 1).reshape(r, c * c)).reshape(m, c, c)
        mixed = on_left @ change @ on_right.swapaxes(1, 2)
        self._inverse -= on_left @ change @ on_left.swapaxes(1, 2)
        self._weighted += on_left @ middle @ on_left.swapaxes(1, 2) - mixed - mixed.swapaxes(1, 2)


def trace_changes(
    inverse: Float64[np.ndarray, "m c c"],
    weighted: Float64[np.ndarray, "m c c"],
    spread: Float64[np.ndarray, "m c c"],
    sign: int = 1,
) -> Float64[np.ndarray, " m"]:
    """Return by how much tr(M⁻¹F) falls with each item added (sign 1), or rises with it removed (-1)."""
    return np.einsum("mij,mij->m", weighted, _middle(inverse, spread, sign))


def _middle(
    inverse: Float64[np.ndarray, "*m c c"], spread: Float64[np.ndarray, "*m c c"], sign: int
) -> Float64[np.ndarray, "*m c c"]:
    """Return the middle of the Woodbury formula, (I ± BQ)⁻¹B for spread B = diag(p) - pp'."""
    return np.linalg.solve(np.eye(spread.shape[-1]) + sign * spread @ inverse, spread)


def fisher(
    embeddings: Float[np.ndarray, "n d"],
    probabilities: Float[np.ndarray, "n c"],
    project: Float64[np.ndarray, "d r"],
    rows: Int64[np.ndarray, " m"] | None = None,
) -> Float64[np.ndarray, "q q"]:
    """Return the Fisher information of a softmax layer, summed over some rows or all: blocks of (class, class)."""
    c, r = probabilities.shape[1], project.shape[1]
    total = np.zeros((c, r, c, r))
    for place, block in blocks(embeddings, rows):
        h = block @ project
        p = probabilities[place if rows is None else rows[place]].astype(np.float64)
        for i in range(c):
            for j in range(i + 1):
                spread = p[:, i] * ((i == j) - p[:, j])
                total[i, :, j] += (h * spread[:, None]).T @ h
    for i in range(c):
        for j in range(i):
            total[j, :, i] = total[i, :, j].T
    return total.reshape(c * r, c * r)


def principal_directions(embeddings: Float[np.ndarray, "n d"], r: int) -> Float64[np.ndarray, "d r"]:
    """Return the r directions that keep most of the embeddings' squared length; the identity where r = d."""
    d = embeddings.shape[1]
    if r == d:
        return np.eye(d)
    moment = np.zeros((d, d))
    for _, block in blocks(embeddings):
        moment += block.T @ block
    return np.linalg.eigh(moment)[1][:, -r:]


def _features(
    embeddings: Float[np.ndarray, "n d"],
    probabilities: Float[np.ndarray, "n c"],
    project: Float64[np.ndarray, "d r"],
    rows: Int64[np.ndarray, " m"],
) -> tuple[Float64[np.ndarray, "m r"], Float64[np.ndarray, "m c c"]]:
    """Return projected embeddings and diag(p) - pp' of some rows."""
    return np.asarray(embeddings[rows], dtype=np.float32) @ project, _spread(probabilities[rows])


def _spread(probabilities: Float[np.ndarray, "m c"]) -> Float64[np.ndarray, "m c c"]:
    """Return diag(p) - pp' of each row."""
    p = probabilities.astype(np.float64)
    return p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])


def _check(regularization: float, oversampling: float, n_candidates: int, max_parameters: int, n_classes: int) -> None:
    """Refuse settings out of range."""
    if not 0 < regularization < np.inf:
        raise InvalidInput(f"regularization must be above 0 and finite; got {regularization}")
    if not 1 <= oversampling < np.inf:
        raise InvalidInput(f"oversampling must be at least 1 and finite; got {oversampling}")
    if n_candidates < 1:
        raise InvalidInput(f"n_candidates must be >= 1; got {n_candidates}")
    if max_parameters < n_classes:
        raise InvalidInput(f"max_parameters must be at least the {n_classes} classes; got {max_parameters}")
