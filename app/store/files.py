"""Files of the workspace that are kept under the hash of their bytes, written so that a crash leaves no half file."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.errors import TooLarge

CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file that was copied into the workspace's `tmp/` and is not yet in its place."""

    file: Path
    content_hash: str
    n_bytes: int


class BlobStore:
    """Image files at `images/<aa>/<sha256><suffix>`: the same bytes are stored once, whoever brings them."""

    def __init__(self, workspace: Path) -> None:
        self._images = workspace / "images"
        self._tmp = workspace / "tmp"

    def receive(self, stream: BinaryIO, *, max_bytes: int) -> Stored:
        """Copy a stream to `tmp/`, hashing it on the way.

        Raises:
            TooLarge: it holds more than `max_bytes`; nothing is kept.
        """
        self._tmp.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self._tmp, prefix="in-")
        file = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if size > max_bytes:
                        raise TooLarge(f"the file holds more than {max_bytes / 1e6:g} MB, the limit per file")
                    digest.update(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        return Stored(file=file, content_hash=digest.hexdigest(), n_bytes=size)

    def keep(self, stored: Stored, suffix: str) -> Path:
        """Move a received file to its place, atomically; the folder entry is on disk when this returns."""
        target = self.path(stored.content_hash, suffix)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(stored.file, target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return target

    def path(self, content_hash: str, suffix: str) -> Path:
        """Where the bytes of this hash lie."""
        return self._images / content_hash[:2] / f"{content_hash}{suffix}"
