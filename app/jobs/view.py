"""Lays out a project's pool for a query strategy: what the strategy needs, of what the project has."""

from collections.abc import Sequence, Set

import numpy as np

from alcore.costs import expected_seconds
from alcore.opinions import Opinion
from alcore.types import PoolView
from app.jobs.pool import Pool
from app.store.database import Row

PATCH_SIDE = 4
"""Patch tokens are the dense maps' means over a grid of so many cells a side."""
CHUNK = 256


def view_of(
    pool: Pool, free: Sequence[Row], done: Sequence[Row], opinion: Opinion, losses: dict[int, float], needs: Set[str]
) -> PoolView:
    """Lay out the items that may be chosen, `free`, and after them those that may not, `done`.

    Args:
        pool: the project.
        free: items that the head was asked about.
        done: queued, labeled and skipped items; they count as covered.
        opinion: what the head thinks of `free`.
        losses: loss of labeled items, by item id, measured by heads that had not seen them.
        needs: fields of `PoolView`; what takes time is only made where it is among them.
    """
    rows = [*free, *done]
    vectors = pool.store.vectors(pool.keys(rows))
    grouped = any(row["group_name"] is not None for row in rows)
    answered = np.array([i for i, row in enumerate(rows) if row["id"] in pool.answers], dtype=np.int64)
    seconds = np.array([pool.answers[rows[i]["id"]]["seconds"] for i in answered], dtype=np.float64)
    return PoolView(
        embeddings=vectors,
        labeled=np.array([False] * len(free) + [True] * len(done)),
        groups=np.array([row["group_name"] for row in rows], dtype=object) if grouped else None,
        positions=_positions(rows) if grouped else None,
        labels=_labels(pool, rows) if pool.project["task"] == "classification" else None,
        losses=np.array([losses.get(row["id"], -1.0) for row in rows]) if losses else None,
        costs=expected_seconds(vectors, answered, seconds) if "costs" in needs and len(answered) else None,
        patches=patches(pool, rows) if "patches" in needs else None,
        **opinion.over(len(rows), np.arange(len(free), dtype=np.int64)),
    )


def _labels(pool: Pool, rows: Sequence[Row]) -> np.ndarray:
    """Class index of each labeled item, -1 for the others."""
    number = {str(c["name"]): i for i, c in enumerate(pool.classes)}
    answers = [pool.answers.get(row["id"]) for row in rows]
    return np.array([-1 if answer is None else number[answer["label"]] for answer in answers], dtype=np.int64)


def _positions(rows: Sequence[Row]) -> np.ndarray:
    """Place of each item within its group, in the order of import, which is that of names with numbers as numbers."""
    seen: dict[object, int] = {}
    positions = np.empty(len(rows), dtype=np.int64)
    for i in np.argsort([row["id"] for row in rows]).tolist():
        group = rows[i]["group_name"]
        positions[i] = seen.get(group, 0)
        seen[group] = int(positions[i]) + 1
    return positions


def patches(pool: Pool, rows: Sequence[Row]) -> np.ndarray:
    """Patch tokens (n, p, c) out of the dense maps, averaged over a coarse grid."""
    parts = []
    for start in range(0, len(rows), CHUNK):
        dense = pool.store.dense(pool.keys(rows[start : start + CHUNK])).astype(np.float32)
        bands = [
            np.stack([cell.mean((2, 3)) for cell in np.array_split(band, PATCH_SIDE, axis=3)], 1)
            for band in np.array_split(dense, PATCH_SIDE, axis=2)
        ]
        parts.append(np.concatenate(bands, axis=1))
    return np.concatenate(parts)
