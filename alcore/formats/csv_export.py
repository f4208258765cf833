"""Tables for spreadsheets and data frames: `labels.csv`, one row an image, and `objects.csv`, one row an object.

`labels.csv` has the columns `stem`, `label` and `group` of a DATASET folder. Lengths are pixels; boxes are
x0 y0 x1 y1 in continuous image pixels, exclusive at the far side; `window` is such a box where the image was labeled in
part, and objects outside it are missing.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import numpy as np

from alcore.formats.export import ExportObject, ExportRecord, Member, ProjectMeta, class_names
from alcore.masks import decode_rle

IMAGE_COLUMNS = (
    "stem", "label", "group", "item_id", "name", "width", "height", "n_objects", "version", "annotator",
    "seconds", "clicks", "created_at", "window",
)  # fmt: skip
OBJECT_COLUMNS = (
    "item_id", "name", "object", "class_id", "class_name", "area_px", "x0", "y0", "x1", "y1", "centre_x", "centre_y",
    "predicted_iou", "quality",
)  # fmt: skip


def csv_members(project: ProjectMeta, records: Iterable[ExportRecord]) -> Iterator[Member]:
    """Yield `labels.csv` and, for segmentation, `objects.csv`."""
    names = class_names(project)
    images, objects = io.StringIO(newline=""), io.StringIO(newline="")
    image_rows, object_rows = csv.writer(images), csv.writer(objects)
    image_rows.writerow(IMAGE_COLUMNS)
    object_rows.writerow(OBJECT_COLUMNS)
    for record in records:
        image_rows.writerow(_image_row(record))
        object_rows.writerows(
            _object_row(record, i, item, names[item.class_id]) for i, item in enumerate(record.objects)
        )
    yield "labels.csv", images.getvalue().encode()
    if project.task == "segmentation":
        yield "objects.csv", objects.getvalue().encode()


def _image_row(record: ExportRecord) -> tuple[object, ...]:
    """Values in the order of `IMAGE_COLUMNS`."""
    return (
        PurePosixPath(record.name).stem, record.label or "", record.group or "", record.item_id, record.name,
        record.width, record.height, len(record.objects), record.version, record.annotator,
        round(record.seconds, 3), record.clicks, record.created_at, " ".join(map(str, record.labeled_window or ())),
    )  # fmt: skip


def _object_row(record: ExportRecord, number: int, item: ExportObject, class_name: str) -> tuple[object, ...]:
    """Values in the order of `OBJECT_COLUMNS`; an empty mask has no box and no centre."""
    rows, columns = np.nonzero(decode_rle(item.mask))
    place: tuple[object, ...] = ("",) * 6
    if rows.size:
        place = (
            columns.min(), rows.min(), columns.max() + 1, rows.max() + 1,
            round(float(columns.mean()) + 0.5, 2), round(float(rows.mean()) + 0.5, 2),
        )  # fmt: skip
    score = (item.predicted_iou, item.quality)
    return (record.item_id, record.name, number, item.class_id, class_name, rows.size, *place, *score)
