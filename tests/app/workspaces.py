"""Small workspaces for tests: images of a bright disk, a service over fakes, the steps that many tests begin with."""

import io
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from alcore.masks import encode_rle
from app.api.schemas import AnnotationIn, AnnotationReceipt, Item, Project
from app.service import AnnotationService, open_workspace
from app.settings import Settings
from app.store import items as item_rows
from tests.app.fakes import FakeModels, InlineRunner

HEIGHT, WIDTH = 30, 40


def disk(number: int) -> np.ndarray:
    """The mask of image `number`: off-centre, so that swapped axes show."""
    rows, cols = np.mgrid[:HEIGHT, :WIDTH]
    return (rows - 10) ** 2 + (cols - 15 - number % 12) ** 2 < (4 + number % 4) ** 2


def picture(number: int) -> np.ndarray:
    """Image `number`, whose first pixel is its number."""
    pixels = np.where(disk(number), 200, 40).astype(np.uint8) + np.uint8(number % 40)
    pixels[0, 0] = number
    return pixels


def png(pixels: np.ndarray) -> bytes:
    """A PNG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def open_fake(
    folder: Path, *, models: FakeModels | None = None, runner: InlineRunner | None = None, **settings: object
) -> AnnotationService:
    """A service over fakes."""
    runner = runner or InlineRunner()
    known = Settings(**{"prefetch_items": 0, **settings})  # type: ignore[arg-type]
    service = open_workspace(folder, create=True, settings=known, models=models or FakeModels(), runner=runner)
    runner.context = service.context
    return service


def seeded(
    service: AnnotationService,
    n: int = 6,
    *,
    task: str = "segmentation",
    classes: Sequence[str] = ("disk", "other"),
    n_patients: int = 2,
) -> Project:
    """A project with `n` images of some patients, turn by turn."""
    project = service.create_project("pool", task=task, classes=classes)
    files = [(f"p{i % n_patients}/{i:03d}.png", io.BytesIO(png(picture(i)))) for i in range(n)]
    report = service.import_files(project.id, files, "patient")
    assert report.added == n
    return service.project(project.id)


def queue_all(service: AnnotationService, project_id: int) -> None:
    """Queue all images in the order of import, without a round."""
    ids = [item.id for item in service.items(project_id, limit=1000).items]
    batch = [{"item_id": i, "reason": "test"} for i in ids]
    with service.context.db.write() as connection:
        item_rows.enqueue(connection, project_id, batch, round_number=1)


def answer_of(item: Item, **changes: object) -> AnnotationIn:
    """The right answer to a leased item."""
    assert item.lease is not None
    mask = dict(encode_rle(disk(int(item.name[-7:-4]))))
    values: dict[str, object] = {
        "submission_id": uuid.uuid4(),
        "lease_token": item.lease.token,
        "base_version": item.version,
        "objects": [{"class_id": 1, "mask": mask, "quality": 0.9}],
        "seconds": 4.0,
        "clicks": 2,
    }
    return AnnotationIn.model_validate({**values, **changes})


def accept_next(service: AnnotationService, project_id: int, annotator: str = "ann") -> AnnotationReceipt | None:
    """Lease the next item and answer it rightly; None when nothing is queued."""
    item = service.next_item(project_id, annotator)
    if item is None:
        return None
    if service.project(project_id).task == "classification":
        label = "disk" if int(item.name[-7:-4]) % 2 else "other"
        return service.annotate(item.id, answer_of(item, objects=[], label=label))
    return service.annotate(item.id, answer_of(item))


def accept_all(service: AnnotationService, project_id: int) -> int:
    """Answer all that is queued; returns how many."""
    n = 0
    while accept_next(service, project_id) is not None:
        n += 1
    return n
