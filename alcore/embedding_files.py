"""File operations under `EmbeddingStore`: locks that fall with their process, checked lines, synced writes."""

import fcntl
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float


@contextmanager
def locked(path: Path, *, while_waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold an exclusive lock; it falls with the process. `while_waiting` is called about five times a second."""
    with path.open("ab") as handle:
        if while_waiting is None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        else:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    while_waiting()
                    time.sleep(0.2)
        yield


def index_line(key: str) -> bytes:
    """Write one index line; the checksum makes a torn one recognisable."""
    encoded = key.encode()
    return b"%08x %s\n" % (zlib.crc32(encoded), encoded)


def parse_index_line(line: bytes) -> str | None:
    """Return the key of a whole line, else None."""
    if not line.endswith(b"\n") or len(line) < 10:
        return None
    key = line[9:-1]
    return key.decode() if line[:9] == b"%08x " % zlib.crc32(key) else None


def write_rows(path: Path, offset: int, rows: Float[np.ndarray, "..."]) -> None:
    """Write rows as little-endian float16 behind the rows that count, cutting off what a killed writer left."""
    write_bytes(path, offset, np.ascontiguousarray(rows, dtype="<f2").tobytes())


def write_bytes(path: Path, offset: int, data: bytes) -> None:
    """Cut the file at `offset`, write there, and wait until it is on the disk."""
    with path.open("ab") as handle:
        handle.truncate(offset)
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
