"""Collects files to upload, in batches that a server takes in one request."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.api.schemas import ImportReport

BATCH_FILES = 50
BATCH_BYTES = 32 * 2**20


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """A file and the name that the server shall know it by: its path below the folder that was given."""

    path: Path
    name: str
    n_bytes: int


def collect(source: str | Path | Iterable[str | Path]) -> list[LocalFile]:
    """List the files to send: a file by its name, a folder by the paths below it; hidden files are left out.

    Raises:
        FileNotFoundError: a path does not exist.
    """
    paths = [Path(source)] if isinstance(source, (str, Path)) else [Path(p) for p in source]
    found: list[LocalFile] = []
    for path in paths:
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.is_file())
            names = [(p, p.relative_to(path)) for p in below]
            found.extend(_local(p, n.as_posix()) for p, n in names if not any(x.startswith(".") for x in n.parts))
        elif path.is_file():
            found.append(_local(path, path.name))
        else:
            raise FileNotFoundError(f"no file or folder {str(path)!r}")
    return found


def batches(files: Iterable[LocalFile]) -> Iterator[list[LocalFile]]:
    """Cut into batches of at most `BATCH_FILES` files and, but for a single larger file, `BATCH_BYTES` bytes."""
    batch: list[LocalFile] = []
    n_bytes = 0
    for file in files:
        if batch and (len(batch) == BATCH_FILES or n_bytes + file.n_bytes > BATCH_BYTES):
            yield batch
            batch, n_bytes = [], 0
        batch.append(file)
        n_bytes += file.n_bytes
    if batch:
        yield batch


def _local(path: Path, name: str) -> LocalFile:
    """Describe one file."""
    return LocalFile(path=path, name=name, n_bytes=path.stat().st_size)


def merged(first: ImportReport, second: ImportReport) -> ImportReport:
    """The report of two uploads as one."""
    return ImportReport(
        added=first.added + second.added,
        volumes=first.volumes + second.volumes,
        duplicates=[*first.duplicates, *second.duplicates],
        rejected=[*first.rejected, *second.rejected],
        items=second.items,
    )
