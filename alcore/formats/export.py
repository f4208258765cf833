"""Write accepted annotations to one zip file: COCO, label masks or CSV.

`write_export` is the one entry; each format is a function from records to zip members, so it streams over any pool.
The archive is written beside `out` and renamed when whole: nobody sees half an export. Equal input, equal bytes.
"""

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from alcore.errors import InvalidInput, UnknownName
from alcore.masks import Rle
from alcore.windows import Box, check_window

ExportFormat = Literal["coco", "masks", "csv"]


@dataclass(frozen=True, kw_only=True)
class ExportClass:
    """One class of the project; ids start at 1, 0 is background."""

    id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class ProjectMeta:
    """What an export says about its project."""

    name: str
    task: Literal["segmentation", "classification"]
    classes: tuple[ExportClass, ...]


@dataclass(frozen=True, kw_only=True)
class ExportObject:
    """One accepted object of an image."""

    class_id: int
    mask: Rle
    predicted_iou: float | None = None
    quality: float | None = None
    name: str | None = None
    """What the annotator calls it."""


@dataclass(frozen=True, kw_only=True)
class ExportRecord:
    """The newest accepted annotation of one image."""

    item_id: int
    name: str
    """Relative path as imported, with forward slashes."""
    width: int
    height: int
    version: int
    label: str | None = None
    objects: tuple[ExportObject, ...] = ()
    group: str | None = None
    annotator: str = ""
    seconds: float = 0.0
    clicks: int = 0
    created_at: str = ""
    labeled_window: Box | None = None
    """The part that alone is labeled; None: the whole image."""


Member = tuple[str, bytes]
Writer = Callable[[ProjectMeta, Iterable[ExportRecord]], Iterator[Member]]


def write_export(format: str, project: ProjectMeta, records: Iterable[ExportRecord], out: Path) -> Path:
    """Write `records` as one zip file in the named format and return its path.

    Args:
        format: `coco` (masks as RLE, holes kept), `masks` (one label PNG an image) or `csv`.
        project: name, task and classes.
        records: one an image, any number; consumed once.
        out: the zip file to write; an existing one is replaced.

    Raises:
        UnknownName: no such format.
        InvalidInput: the format cannot hold the task, an object has an unknown class or a mask of another size, a
            window is not inside its image, or a name leaves the folder.
    """
    writers = _writers()
    if format not in writers:
        raise UnknownName.of("export format", format, writers)
    if not out.parent.is_dir():
        raise InvalidInput(f"the folder of {out.name!r} does not exist; make it first or choose another file")
    handle, part = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w") as archive:
            for name, content in writers[format](project, _checked(project, records)):
                packed = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
                member = zipfile.ZipInfo(name)  # its date is 1980-01-01: equal input, equal bytes
                member.external_attr = 0o644 << 16
                archive.writestr(member, content, compress_type=packed)
        os.replace(part, out)
    except BaseException:
        os.unlink(part)
        raise
    return out


def class_names(project: ProjectMeta) -> Mapping[int, str]:
    """Class name of each id."""
    return {c.id: c.name for c in project.classes}


def _writers() -> Mapping[str, Writer]:
    """The writer of each format; imported late because they import the types above."""
    from alcore.formats.coco import coco_members
    from alcore.formats.csv_export import csv_members
    from alcore.formats.masks_export import mask_members

    return {"coco": coco_members, "masks": mask_members, "csv": csv_members}


def _checked(project: ProjectMeta, records: Iterable[ExportRecord]) -> Iterator[ExportRecord]:
    """Pass records on, refusing what no format may write."""
    known = class_names(project)
    for record in records:
        path = PurePosixPath(record.name)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise InvalidInput(f"item {record.item_id}: its name is no path inside the export")
        if record.labeled_window is not None:
            check_window(record.labeled_window, (record.height, record.width))
        for item in record.objects:
            if item.class_id not in known:
                raise InvalidInput(f"item {record.item_id}: unknown class id {item.class_id}; known: {sorted(known)}")
            if list(item.mask["size"]) != [record.height, record.width]:
                raise InvalidInput(
                    f"item {record.item_id}: a mask of size {list(item.mask['size'])} on an image of "
                    f"[{record.height}, {record.width}]; both are [height, width]"
                )
        yield record
