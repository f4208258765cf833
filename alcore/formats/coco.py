"""COCO instance annotations: one `annotations.json`, masks as uncompressed RLE, so that holes and pieces are kept.

`bbox` is [x, y, width, height] and `area` counts pixels, as pycocotools computes them. `iscrowd` is 0: these are single
objects, and readers that tell crowds by RLE alone are rarer than those that skip crowds. An image that was labeled in
part has `fewclick_window`, [x0, y0, x1, y1] exclusive at the far side: objects outside it are missing, and masks that
reach out of it were looked at inside it alone.
"""

import json
from collections.abc import Iterable, Iterator

from alcore.errors import InvalidInput
from alcore.formats.export import ExportObject, ExportRecord, Member, ProjectMeta
from alcore.masks import decode_rle, mask_box, rle_area


def coco_members(project: ProjectMeta, records: Iterable[ExportRecord]) -> Iterator[Member]:
    """Yield `annotations.json`; images without objects are listed too."""
    if project.task != "segmentation":
        raise InvalidInput("coco holds masks and this project has image labels; export it as csv")
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for record in records:
        images.append(
            {
                "id": record.item_id,
                "file_name": record.name,
                "width": record.width,
                "height": record.height,
                "date_captured": "",
                **({"fewclick_window": list(record.labeled_window)} if record.labeled_window else {}),
            }
        )
        for item in record.objects:
            annotation = _annotation(len(annotations) + 1, record, item)
            if annotation is not None:
                annotations.append(annotation)
    document = {
        "info": {"description": project.name, "version": "1.0", "contributor": "fewclick"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [{"id": c.id, "name": c.name, "supercategory": ""} for c in project.classes],
    }
    yield "annotations.json", json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _annotation(number: int, record: ExportRecord, item: ExportObject) -> dict[str, object] | None:
    """One COCO annotation; None for a mask without a pixel, which COCO cannot say."""
    box = mask_box(decode_rle(item.mask))
    if box is None:
        return None
    x0, y0, x1, y1 = box
    return {
        "id": number,
        "image_id": record.item_id,
        "category_id": item.class_id,
        "segmentation": {"size": list(item.mask["size"]), "counts": list(item.mask["counts"])},
        "area": rle_area(item.mask),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": 0,
        **({"attributes": {"name": item.name}} if item.name else {}),
    }
