"""Label masks: `masks/<name>.png`, uint8 label ids of the image's size, and `classes.json`.

Objects are painted in the order in which they were accepted, so a later one lies on top. With the images in `images/`
beside it the unpacked archive is a DATASET folder that `alcore.formats.folder` and `fewclick simulate` read. What lies
outside the window of an image that was labeled in part is 255, not labeled, and `classes.json` lists the windows.
"""

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from alcore.errors import InvalidInput
from alcore.formats.export import ExportRecord, Member, ProjectMeta
from alcore.masks import decode_rle
from alcore.metrics import IGNORE_LABEL
from alcore.windows import window_mask


def mask_members(project: ProjectMeta, records: Iterable[ExportRecord]) -> Iterator[Member]:
    """Yield one PNG an image, then `classes.json` with the class of each id and the image of each mask."""
    if project.task != "segmentation":
        raise InvalidInput("label masks need a segmentation project and this one has image labels; export it as csv")
    if any(not 1 <= c.id <= 255 for c in project.classes):
        raise InvalidInput("label masks are 8 bit: class ids must lie in 1..255; export as coco instead")
    image_of: dict[str, str] = {}
    windows: dict[str, list[int]] = {}
    for record in records:
        name = _mask_name(record, image_of)
        image_of[name] = record.name
        labels = np.zeros((record.height, record.width), np.uint8)
        for item in record.objects:
            labels[decode_rle(item.mask)] = item.class_id
        if record.labeled_window is not None:
            if any(c.id == IGNORE_LABEL for c in project.classes):
                raise InvalidInput(
                    f"item {record.item_id} is labeled in a window, and label masks mark what is not labeled by "
                    f"{IGNORE_LABEL}, which is a class here; export as coco instead"
                )
            labels[~window_mask(record.labeled_window, labels.shape)] = IGNORE_LABEL
            windows[name] = list(record.labeled_window)
        stream = io.BytesIO()
        Image.fromarray(labels).save(stream, format="PNG")
        yield name, stream.getvalue()
    classes = {"0": "background"} | {str(c.id): c.name for c in project.classes}
    index: dict[str, object] = {"project": project.name, "classes": classes, "images": image_of}
    if windows:
        index |= {"not_labeled": IGNORE_LABEL, "windows": windows}
    yield "classes.json", json.dumps(index, ensure_ascii=False, indent=1).encode()


def _mask_name(record: ExportRecord, taken: dict[str, str]) -> str:
    """`masks/a/b.png` for `a/b.tif`; `a/b.tif.png` where `a/b.png` is there as well; then the item's id decides."""
    path = PurePosixPath("masks") / record.name
    for candidate in (path.with_suffix(".png"), path.with_name(path.name + ".png")):
        if str(candidate) not in taken:
            return str(candidate)
    return str(path.with_name(f"{path.stem}_{record.item_id}.png"))
