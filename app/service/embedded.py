"""Embeddings of whole projects, read from the stores that jobs fill; and what is made of them: a plane, duplicates.

A project's items only ever grow, and so does a store: the encoder, how many items there are, the last one's id and the
length of the store together name a state of the pool. What was read or computed for one is kept until it changes.
"""

import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alcore.embeddings import EmbeddingStore
from alcore.formats.window import window_key
from alcore.projection import principal_plane
from alcore.similarity import near_duplicates
from app.service.images import window_of
from app.store import browse
from app.store import projects as project_rows

if TYPE_CHECKING:
    from app.service.context import Context
    from app.store.database import Row

KEPT_POOLS = 2
"""Projects whose vectors stay in memory: 51 MB for 100,000 images of the built-in encoder."""
BLOCK_ROWS = 8192
Plane = tuple[np.ndarray, tuple[float, float]]


@dataclass(eq=False)
class EmbeddedPool:
    """The embedded items of a project in the order of import."""

    item_ids: np.ndarray
    """(n,) int64."""
    vectors: np.ndarray
    """(n, d) float16."""
    n_missing: int
    """Items that have no embedding yet."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _plane: Plane | None = None
    _duplicates: dict[float, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def plane(self) -> Plane:
        """Coordinates (n, 2) in the pool's principal plane, and the share of variance of each axis."""
        with self._lock:
            if self._plane is None:
                self._plane = principal_plane(self.vectors)
            return self._plane

    def duplicates(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of rows (p, 2) with at least this cosine, and their cosines; see `near_duplicates`."""
        with self._lock:
            if threshold not in self._duplicates:
                self._duplicates = {threshold: near_duplicates(self.vectors, threshold)}
            return self._duplicates[threshold]

    def row_of(self, item_id: int) -> int | None:
        """Row of an item; None where it has no embedding yet."""
        row = int(np.searchsorted(self.item_ids, item_id))
        return row if row < len(self.item_ids) and self.item_ids[row] == item_id else None


class EmbeddedPools:
    """The pools that were looked at last. Safe to share between threads; two never read the same pool at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stores: dict[str, EmbeddingStore] = {}
        self._pools: OrderedDict[int, tuple[object, EmbeddedPool]] = OrderedDict()

    def get(self, ctx: "Context", project_id: int) -> EmbeddedPool:
        """The project's pool as it is now."""
        with ctx.db.read() as connection:
            spec = str(project_rows.get(connection, project_id)["encoder"])
            extent = browse.extent(connection, project_id)
        with self._lock:
            store = self._store(ctx, spec)
            state = (spec, extent, 0 if store is None else len(store))
            if project_id not in self._pools or self._pools[project_id][0] != state:
                self._pools[project_id] = (state, _read(ctx, project_id, store))
                while len(self._pools) > KEPT_POOLS:
                    self._pools.popitem(last=False)
            self._pools.move_to_end(project_id)
            return self._pools[project_id][1]

    def _store(self, ctx: "Context", spec: str) -> EmbeddingStore | None:
        """The store of an encoder, with what jobs have added since; None before the first image is embedded."""
        store = self._stores.get(spec)
        if store is None:
            encoder = ctx.models.load_encoder(spec)  # to learn its identity, once
            folder = store_folder(ctx, encoder.encoder_id)
            if not folder.is_dir():
                return None
            store = EmbeddingStore(
                folder, encoder_id=encoder.encoder_id, dim=encoder.dim, dense_shape=encoder.dense_shape
            )
            self._stores[spec] = store
        store.refresh()
        return store


def _read(ctx: "Context", project_id: int, store: EmbeddingStore | None) -> EmbeddedPool:
    """Read the vectors of all items that have one."""
    with ctx.db.read() as connection:
        named = [(int(row.id), key_of(row._mapping)) for row in browse.keys(connection, project_id)]
    there = [] if store is None else [(item_id, key) for item_id, key in named if key in store]
    ids = np.array([item_id for item_id, _ in there], dtype=np.int64)
    if store is None or not there:
        return EmbeddedPool(ids, np.zeros((0, 1), dtype=np.float16), len(named))
    vectors = np.empty((len(there), store.dim), dtype=np.float16)
    for start in range(0, len(there), BLOCK_ROWS):
        block = [key for _, key in there[start : start + BLOCK_ROWS]]
        vectors[start : start + BLOCK_ROWS] = store.vectors(block)
    return EmbeddedPool(ids, vectors, len(named) - len(there))


def key_of(row: "Row") -> str:
    """Embedding key of an item: its bytes and the window in which it is seen."""
    return f"{row['content_hash']}:{window_key(window_of(row))}"


def store_folder(ctx: "Context", encoder_id: str) -> Path:
    """Where an encoder's embeddings lie."""
    return ctx.folder / "embeddings" / folder_name(encoder_id)


def folder_name(encoder_id: str) -> str:
    """A folder name for any encoder id: readable, and different for different ids."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", encoder_id)[:60].strip("-.")
    return f"{plain}-{hashlib.sha256(encoder_id.encode()).hexdigest()[:8]}"
