"""EmbeddingStore: what the frozen encoder made of each image, on disk, computed once ever.

A store is a folder that belongs to one encoder:

    meta.json      encoder, dimensions, format version; written once
    vectors.f16    one row of `dim` little-endian float16 per image, appended
    dense.f16      one (c, h, w) float16 map per image, appended
    index.txt      one line `crc32 key` per image; line i names row i; written last
    append.lock, compute.lock

An append writes the data, syncs them, then adds the index lines. A row counts once its index line is whole, so a writer
that is killed at any moment leaves at most unnamed bytes behind, which the next writer cuts off. `append.lock` (flock,
held for one append) lets any number of processes write; `compute.lock` (held by `embed_missing`) lets only one compute.
Readers take no lock: rows are never changed, and `refresh` shows what others have added since.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float16, Float32, UInt8

from alcore.embedding_files import index_line, locked, parse_index_line, write_bytes, write_rows
from alcore.errors import InvalidInput, StoreError
from alcore.types import Progress

FORMAT_VERSION = 1
_NORM_TOLERANCE = 0.01


@runtime_checkable
class Encoding(Protocol):
    """What an encoder returns for n images."""

    @property
    def vectors(self) -> Float[np.ndarray, "n d"]:
        """L2-normalised global vectors."""
        ...

    @property
    def dense(self) -> Float[np.ndarray, "n c h w"]:
        """Feature maps."""
        ...


@runtime_checkable
class ImageEncoder(Protocol):
    """The part of an encoder that `embed_missing` needs."""

    @property
    def encoder_id(self) -> str:
        """Name that tells weights and preparation apart."""
        ...

    def encode(self, images: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Encoding:
        """Encode RGB images of any sizes."""
        ...


class EmbeddingStore:
    """Memory-mapped float16 vectors and dense maps by key; append-only, safe to kill, open in many processes."""

    def __init__(self, folder: Path, *, encoder_id: str, dim: int, dense_shape: tuple[int, int, int]) -> None:
        """Open a store, or make it where there is none.

        Raises:
            StoreError: the folder holds embeddings of another encoder, shape or format.
        """
        if dim < 1 or len(dense_shape) != 3 or min(dense_shape) < 1:
            raise InvalidInput(f"dim and dense_shape (c, h, w) must be positive; got {dim}, {dense_shape}")
        self.folder, self.encoder_id, self.dim, self.dense_shape = folder, encoder_id, dim, tuple(dense_shape)
        self._rows: dict[str, int] = {}
        self._index_end = 0
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "append.lock"):
            self._check_meta()
            for name in ("vectors.f16", "dense.f16", "index.txt"):
                (folder / name).touch()
        self.refresh()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def refresh(self) -> int:
        """Take notice of rows that other processes have added; return how many."""
        n_before = len(self._rows)
        with (self.folder / "index.txt").open("rb") as index:
            index.seek(self._index_end)
            for line in index:
                key = parse_index_line(line)
                if key is None:  # torn: its writer was killed, or is still at it
                    break
                self._rows[key] = len(self._rows)
                self._index_end += len(line)
        n_added = len(self._rows) - n_before
        if n_added:
            self._map_rows()
        return n_added

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Return the keys that the store does not hold, once each, in order."""
        return [key for key in dict.fromkeys(keys) if key not in self._rows]

    def append(
        self, keys: Sequence[str], vectors: Float[np.ndarray, "n d"], dense: Float[np.ndarray, "n c h w"]
    ) -> int:
        """Add rows durably; return how many. A key that another writer has added meanwhile is left as it is.

        Args:
            keys: one per row, distinct, without line breaks.
            vectors: finite and L2-normalised.
            dense: finite, also as float16.

        Raises:
            InvalidInput: shapes differ from the store's, a value is not finite or a vector not of length 1.
        """
        self._check_rows(keys, vectors, dense)
        with locked(self.folder / "append.lock"):
            self.refresh()
            new = [i for i, key in enumerate(keys) if key not in self._rows]
            if not new:
                return 0
            n_rows = len(self._rows)
            write_rows(self.folder / "vectors.f16", n_rows * self._vector_bytes, vectors[new])
            write_rows(self.folder / "dense.f16", n_rows * self._dense_bytes, dense[new])
            lines = b"".join(index_line(keys[i]) for i in new)
            write_bytes(self.folder / "index.txt", self._index_end, lines)
            self.refresh()
        return len(new)

    def vectors(self, keys: Sequence[str]) -> Float32[np.ndarray, "n d"]:
        """Return vectors in the order of `keys`, float32, scaled back to length 1 after float16's rounding."""
        rows = self._rows_of(keys)
        if len(rows) == 0:
            return np.zeros((0, self.dim), dtype=np.float32)
        found = self._vectors[rows].astype(np.float32)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found

    def dense(self, keys: Sequence[str]) -> Float16[np.ndarray, "n c h w"]:
        """Return dense maps in the order of `keys`, float16 as stored."""
        rows = self._rows_of(keys)
        if len(rows) == 0:
            return np.zeros((0, *self.dense_shape), dtype=np.float16)
        return self._dense[rows]

    @property
    def _vector_bytes(self) -> int:
        """Bytes of one vector row."""
        return 2 * self.dim

    @property
    def _dense_bytes(self) -> int:
        """Bytes of one dense row."""
        return 2 * int(np.prod(self.dense_shape))

    def _rows_of(self, keys: Sequence[str]) -> np.ndarray:
        """Return row numbers, refusing unknown keys."""
        absent = self.missing(keys)
        if absent:
            raise InvalidInput(f"{len(absent)} key(s) have no embedding, first {absent[0]!r}; embed them first")
        return np.fromiter((self._rows[key] for key in keys), dtype=np.intp, count=len(keys))

    def _map_rows(self) -> None:
        """Map the data files anew; both must be as long as the index says."""
        n = len(self._rows)
        for name, row_bytes in (("vectors.f16", self._vector_bytes), ("dense.f16", self._dense_bytes)):
            size = (self.folder / name).stat().st_size
            if size < n * row_bytes:
                raise StoreError(
                    f"{self.folder.name}/{name} has {size:,} bytes where {n:,} rows need {n * row_bytes:,}; "
                    "the folder was copied or cut: delete it and embed again"
                )
        self._vectors = np.memmap(self.folder / "vectors.f16", dtype="<f2", mode="r", shape=(n, self.dim))
        self._dense = np.memmap(self.folder / "dense.f16", dtype="<f2", mode="r", shape=(n, *self.dense_shape))

    def _check_meta(self) -> None:
        """Compare meta.json with what was asked, or write it."""
        path = self.folder / "meta.json"
        wanted = {
            "format": FORMAT_VERSION,
            "encoder_id": self.encoder_id,
            "dim": self.dim,
            "dense_shape": list(self.dense_shape),
        }
        if not path.exists():
            partial = path.with_suffix(".partial")
            write_bytes(partial, 0, json.dumps(wanted).encode())
            partial.replace(path)
            return
        try:
            found = json.loads(path.read_text())
        except ValueError as error:
            raise StoreError(f"{path.name} of {self.folder.name} is damaged: delete the folder, embed again") from error
        if found != wanted:
            raise StoreError(f"{self.folder.name} was made as {found}, asked for {wanted}; use another folder")

    def _check_rows(
        self, keys: Sequence[str], vectors: Float[np.ndarray, "..."], dense: Float[np.ndarray, "..."]
    ) -> None:
        """Refuse rows that must not enter the store."""
        n = len(keys)
        if vectors.shape != (n, self.dim) or dense.shape != (n, *self.dense_shape):
            raise InvalidInput(
                f"{n} keys need vectors {(n, self.dim)} and dense maps {(n, *self.dense_shape)}; "
                f"got {vectors.shape} and {dense.shape}"
            )
        if len(set(keys)) != n or any(not key or "\n" in key for key in keys):
            raise InvalidInput("keys must be distinct, not empty, and without line breaks")
        lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
        if not (np.abs(lengths - 1) <= _NORM_TOLERANCE).all():
            raise InvalidInput("vectors must be finite and of length 1; at least one is not")
        if not np.isfinite(dense).all() or np.abs(dense).max(initial=0) > np.finfo(np.float16).max:
            raise InvalidInput("dense maps must be finite and fit float16; at least one value does not")


def embed_missing(
    store: EmbeddingStore,
    encoder: ImageEncoder,
    keys: Sequence[str],
    load_rgb: Callable[[str], UInt8[np.ndarray, "h w 3"]],
    *,
    batch_size: int = 16,
    progress: Progress | None = None,
) -> int:
    """Encode the images that the store lacks, batch by batch; return how many were encoded here.

    Each batch is durable once done, so a call that was killed is resumed by calling again. While another process
    embeds into the same store this one waits, then computes only what is still missing.

    Args:
        store: where embeddings go.
        encoder: must be the store's encoder.
        keys: all keys that are wanted; those that are there already cost nothing.
        load_rgb: returns the image of a key as the encoder shall see it.
        batch_size: images encoded at a time.
        progress: called with (done, len(keys)) at the start, while waiting, and after each batch.
    """
    if encoder.encoder_id != store.encoder_id:
        raise InvalidInput(f"the store holds embeddings of {store.encoder_id!r}, not of {encoder.encoder_id!r}")
    if batch_size < 1:
        raise InvalidInput(f"batch_size must be >= 1; got {batch_size}")
    n_wanted, n_encoded = len(dict.fromkeys(keys)), 0

    def report() -> None:
        if progress is not None:
            progress(n_wanted - len(store.missing(keys)), n_wanted)

    with locked(store.folder / "compute.lock", while_waiting=report):
        store.refresh()
        report()
        todo = store.missing(keys)
        for start in range(0, len(todo), batch_size):
            batch = todo[start : start + batch_size]
            encoding = encoder.encode([load_rgb(key) for key in batch])
            n_encoded += store.append(batch, encoding.vectors, encoding.dense)
            report()
    return n_encoded
