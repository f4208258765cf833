"""Use case: bring images into a project, and say what became of each file."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from alcore.errors import InvalidInput, UnreadableImage
from alcore.formats.nifti import looks_like_nifti
from alcore.formats.raster import read_image
from app.api.schemas import Duplicate, ImportReport, Rejected
from app.errors import NotFound, TooLarge
from app.service import volumes
from app.service.context import Context
from app.service.volumes import Taken
from app.store import items as item_rows
from app.store import projects as project_rows

PATIENT = r"^([^/]+)/"
"""What `group_by="patient"` stands for: the top folder of the relative path."""
MAX_PATH = 1000
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
OUTSIDE = "path_outside"

Source = tuple[str, Callable[[], BinaryIO]]
"""A relative path, and how to open the file."""


@dataclass(frozen=True)
class Refused:
    """A path that was found and will not be read."""

    path: str
    code: str
    reason: str


def import_paths(ctx: Context, project_id: int, paths: Sequence[Path], group_by: str | None) -> ImportReport:
    """Import files and folders of this machine.

    Of a data set folder (`images/` beside `masks/` or `labels.csv`) only the images are taken.

    Raises:
        NotFound: a path does not exist; nothing is imported then.
        InvalidInput: `group_by` is no regular expression with one group.
    """
    for path in paths:
        if not path.exists():
            raise NotFound(f"there is no file or folder {str(path)!r} on the server")
    return _import(ctx, project_id, (found for path in paths for found in _walk(path)), group_by)


def import_files(
    ctx: Context, project_id: int, files: Iterable[tuple[str, BinaryIO]], group_by: str | None
) -> ImportReport:
    """Import uploads: relative path and stream of each."""
    return _import(ctx, project_id, (_checked_upload(name, stream) for name, stream in files), group_by)


def _import(ctx: Context, project_id: int, sources: Iterable[Source | Refused], group_by: str | None) -> ImportReport:
    """Take in one file after the other; each is on disk and in the store before the next is read."""
    group_of = _grouping(group_by)
    with ctx.db.read() as connection:
        project_rows.get(connection, project_id)
    report = ImportReport()
    for source in sources:
        if isinstance(source, Refused):
            report.rejected.append(Rejected(path=source.path, code=source.code, reason=source.reason))
            continue
        name, opened = source
        try:
            taken = _take(ctx, project_id, name, opened, group_of(name))
        except UnreadableImage as error:
            report.rejected.append(Rejected(path=name, code=error.problem, reason=error.reason))
        except TooLarge as error:
            report.rejected.append(Rejected(path=name, code=error.code, reason=str(error)))
        except OSError as error:
            reason = f"cannot be read: {error.strerror or type(error).__name__}"
            report.rejected.append(Rejected(path=name, code="unreadable", reason=reason))
        else:
            report.added += taken.n_added
            report.volumes += taken.is_volume and taken.same_as is None
            if taken.same_as is not None:
                report.duplicates.append(Duplicate(path=name, same_as=taken.same_as))
    with ctx.db.read() as connection:
        report.items = item_rows.count(connection, project_id)
    return report


def _take(ctx: Context, project_id: int, name: str, opened: Callable[[], BinaryIO], group: str | None) -> Taken:
    """Take in one file: an image, or a volume as all its slices."""
    with opened() as stream:
        stored = ctx.blobs.receive(stream, max_bytes=int(ctx.settings.max_file_mb * 1e6))
    try:
        if looks_like_nifti(stored.file):
            return volumes.take(ctx, project_id, name, stored, group)
        with ctx.db.read() as connection:
            same_as = item_rows.name_of(connection, project_id, stored.content_hash)
        if same_as is not None:
            return Taken(0, same_as)
        image = read_image(stored.file, name=PurePosixPath(name).name)
        suffix = PurePosixPath(name).suffix.lower()
        suffix = suffix if suffix in SUFFIXES else ".img"
        ctx.blobs.keep(stored, suffix)
    finally:
        stored.file.unlink(missing_ok=True)
    pixels = image.pixels
    spacing = image.spacing_mm or (None, None)
    values = {
        "project_id": project_id,
        "name": name,
        "content_hash": stored.content_hash,
        "suffix": suffix,
        "group_name": group,
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "dtype": str(pixels.dtype),
        "channels": 1 if pixels.ndim == 2 else 3,
        "level": image.window.level,
        "window_width": image.window.width,
        "min": float(np.min(pixels)),
        "max": float(np.max(pixels)),
        "spacing_row_mm": spacing[0],
        "spacing_col_mm": spacing[1],
        "created_at": ctx.clock(),
    }
    with ctx.db.write() as connection:
        if item_rows.add(connection, values) is None:  # someone else imported the same bytes meanwhile
            return Taken(0, item_rows.name_of(connection, project_id, stored.content_hash))
    return Taken(1)


def _grouping(group_by: str | None) -> Callable[[str], str | None]:
    """How to find a path's group."""
    if not group_by:
        return lambda _name: None
    try:
        pattern = re.compile(PATIENT if group_by == "patient" else group_by)
    except re.error as error:
        raise InvalidInput(f"group_by {group_by!r} is no regular expression: {error}") from error
    if pattern.groups != 1:
        raise InvalidInput(f"group_by needs exactly one group in brackets, e.g. '^(p[0-9]+)_'; got {group_by!r}")

    def group_of(name: str) -> str | None:
        found = pattern.search(name)
        return found.group(1) if found else None

    return group_of


def _checked_upload(name: str, stream: BinaryIO) -> Source | Refused:
    """An upload whose name is a path inside the upload, or why it is not."""
    path = PurePosixPath(name.replace("\\", "/"))
    drive = len(name) > 1 and name[1] == ":"
    if path.is_absolute() or drive or ".." in path.parts or "\x00" in name:
        return Refused(name.replace("\x00", "?"), OUTSIDE, "the path leaves the uploaded folder; send a relative one")
    if not path.name or len(name) > MAX_PATH:
        return Refused(name[:MAX_PATH], "invalid_name", f"the path is empty or longer than {MAX_PATH} characters")
    return path.as_posix(), lambda: stream


def _walk(path: Path) -> Iterator[Source | Refused]:
    """All files under a path in order of name, links that lead outside refused."""
    if path.is_file():
        yield path.name, lambda: path.open("rb")
        return
    root = path.resolve()
    if (root / "images").is_dir() and ((root / "masks").is_dir() or (root / "labels.csv").is_file()):
        root = root / "images"
    for folder, subfolders, files in os.walk(root, followlinks=False):
        subfolders.sort()
        here = Path(folder)
        for name in subfolders:
            if (here / name).is_symlink():
                relative = (here / name).relative_to(root).as_posix()
                yield Refused(relative, OUTSIDE, "a link to a folder is not followed; import that folder itself")
        for name in sorted(files):
            yield _checked_file(root, here / name)


def _checked_file(root: Path, file: Path) -> Source | Refused:
    """A file inside the folder, or why it is not one."""
    relative = file.relative_to(root).as_posix()
    if not file.resolve().is_relative_to(root):
        return Refused(relative, OUTSIDE, "a link that leads out of the folder is not followed")
    if not file.is_file():
        return Refused(relative, "not_a_file", "neither a file nor a folder, or a link to nothing")
    if len(relative) > MAX_PATH:
        return Refused(relative[:MAX_PATH], "invalid_name", f"the path is longer than {MAX_PATH} characters")
    return relative, lambda: file.open("rb")
