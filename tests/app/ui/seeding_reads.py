"""Projects for the tests of more than one reader: images to read twice, readings that are apart, gold."""

import io
import uuid

import numpy as np

from alcore.masks import encode_rle
from app.api.schemas import AnnotationIn
from app.service import AnnotationService
from tests.app.ui.seeding import DISCS, SIZE, discs_image, queue_all

SEGMENTATION = {"read twice": 3, "apart": 4, "apart dark": 3, "golden": 4, "apart in parts": 1}
"""Names and numbers of images."""
PART = (30, 20, 240, 190)
"""x0 y0 x1 y1 of what both readers of `apart in parts` labeled alone."""


def disc(number: int, *, dx: int = 0, grow: int = 0, class_id: int = 1) -> dict[str, object]:
    """One of the drawn discs as an object, moved to the right and grown by some pixels."""
    x, y, radius = DISCS[number]
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    mask = np.hypot(columns - x - dx, rows - y) < radius + grow
    return {"class_id": class_id, "mask": encode_rle(mask)}


OF_ANN = [disc(0), disc(1), disc(2, class_id=2)]


def answer(service: AnnotationService, project_id: int, annotator: str, **said: object) -> int | None:
    """Answer what comes next to this person; returns the image's id."""
    item = service.next_item(project_id, annotator)
    if item is None or item.lease is None:
        return None
    facts = {"submission_id": uuid.uuid4(), "lease_token": item.lease.token, "base_version": item.version}
    service.annotate(item.id, AnnotationIn.model_validate({**facts, "seconds": 9.0, **said}))
    return item.id


def seed_reads(service: AnnotationService) -> None:
    """Make the projects; what is apart was read by ann and ben."""
    for k, (name, n) in enumerate(SEGMENTATION.items()):
        project = service.create_project(name, task="segmentation", classes=["disc", "ring"])
        pictures = [(f"case-{k}/view-{i}.png", io.BytesIO(discs_image(1000 + 10 * k + i))) for i in range(n)]
        service.import_files(project.id, pictures)
        queue_all(service, project.id)
        if name == "golden":
            while answer(service, project.id, "chief", objects=[disc(0)]) is not None:
                pass
        if name.startswith("apart"):
            part = PART if name == "apart in parts" else None
            service.ask_second_reads(project.id, [item.id for item in service.items(project.id).items])
            while answer(service, project.id, "ann", objects=OF_ANN, labeled_window=part) is not None:
                pass
            for i in range(n):
                objects = [disc(0, dx=14 + 6 * i), disc(1, grow=3)]
                answer(service, project.id, "ben", objects=objects, labeled_window=part)
    labels = service.create_project("labels apart", task="classification", classes=["benign", "malignant"])
    service.import_files(labels.id, [(f"{i}.png", io.BytesIO(discs_image(1100 + i))) for i in range(2)])
    queue_all(service, labels.id)
    service.ask_second_reads(labels.id, [item.id for item in service.items(labels.id).items])
    for name, said in (("ann", "benign"), ("ben", "malignant")):
        while answer(service, labels.id, name, label=said) is not None:
            pass
