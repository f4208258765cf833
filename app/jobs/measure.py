"""How good a head is, and how much it differs from the one before: what a round writes down about its model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from alcore.metrics import bootstrap_ci95, class_mean
from alcore.rounds import audit_is_enough
from alcore.stopping import cohen_kappa, mask_agreement, pool_coverage
from alcore.strategies.blocks import unit_scale
from alcore.strategies.probcover import pure_radius
from app.jobs.learners import Fitted, Learner
from app.jobs.pool import Pool, group_of
from app.jobs.progress import JobProgress
from app.settings import Settings
from app.store.database import Row

STOP_ITEMS = 100
"""Items on which a head is compared with the one before."""
COVERAGE_ITEMS = 5000
"""Of a larger pool, the coverage of a random part is told."""
PURE_SHARE = 0.95
SEED = 0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A metric with its 95 % interval over groups, and on how many items and groups it rests."""

    value: float
    ci95: tuple[float, float]
    n_items: int
    n_groups: int

    def as_json(self) -> dict[str, JsonValue]:
        """As a round keeps it."""
        low, high = self.ci95
        return {"value": self.value, "ci95": [low, high], "n_items": self.n_items, "n_groups": self.n_groups}


def measured(learner: Learner, values: np.ndarray, seed: int) -> Measured | None:
    """The metric out of the items' values, NaN where one says nothing; None where all do."""
    rows = np.flatnonzero(~np.isnan(values))
    if not len(rows):
        return None
    groups = np.array([group_of(learner.items[row]) for row in rows.tolist()])
    classes = learner.classes(rows)
    return Measured(
        value=class_mean(values[rows], classes),
        ci95=bootstrap_ci95(values[rows], np.random.default_rng(seed), groups=groups, classes=classes),
        n_items=len(rows),
        n_groups=len(set(groups.tolist())),
    )


def is_enough(settings: Settings, audited: Sequence[Row]) -> bool:
    """Whether the labeled audit items are enough to measure on."""
    return audit_is_enough(len(audited), len({group_of(row) for row in audited}), min_items=settings.min_audit)


def agreement(pool: Pool, fitted: Fitted, earlier: Fitted | None, progress: JobProgress) -> float | None:
    """How far a head agrees with the one before, on items that neither was trained on; None without one before.

    Cohen's kappa of classes, or mean Dice of masks. The order by content hash is as good as random, and always the
    same: from round to round the items stay but for those that were labeled meanwhile.
    """
    unseen = [row for row in pool.items if row["id"] not in pool.answers or row["is_audit"]]
    if earlier is None or not unseen:
        return None
    progress.stage("comparing with the model before")
    fixed = sorted(unseen, key=lambda row: str(row["content_hash"]))[:STOP_ITEMS]
    before, after = earlier.decide(fixed, progress), fitted.decide(fixed, progress)
    return cohen_kappa(before, after) if before.ndim == 1 else mask_agreement(before, after, pool.n_classes + 1)


def coverage(pool: Pool) -> float | None:
    """The part of the pool that lies within ProbCover's radius of an item that was learned from.

    The radius is the largest at which balls are pure for most items, found on the pool as it is; audit items count as
    part of the pool, and cover nothing.
    """
    taught = pool.taught()
    if not taught or len(pool.items) < 2:
        return None
    rng = np.random.default_rng(SEED)
    some = [pool.items[row] for row in np.sort(rng.permutation(len(pool.items))[:COVERAGE_ITEMS])]
    shown = {row["id"] for row in some}
    beside = [row for row in taught if row["id"] not in shown]
    vectors = pool.store.vectors(pool.keys([*some, *beside])).astype(np.float32)
    scale = unit_scale(vectors)
    is_shown = np.arange(len(vectors)) < len(some)
    n_clusters = max(2, pool.n_classes)
    radius = pure_radius(vectors, is_shown, n_clusters=n_clusters, alpha=PURE_SHARE, scale=scale, rng=rng)
    ids = {row["id"] for row in taught}
    is_taught = np.array([row["id"] in ids for row in (*some, *beside)], dtype=np.bool_)
    found = pool_coverage(vectors * scale[:, None], is_taught, radius=radius).value
    return (found * len(vectors) - len(beside)) / len(some)
