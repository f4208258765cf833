"""The workspace that the browser tests share: one project for each topic, so that tests do not meet."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

SEGMENTATION = (
    "mask",
    "exact",
    "exact at 2",
    "strokes",
    "objects",
    "keys",
    "window",
    "haste",
    "draft",
    "pair",
    "outage",
    "access",
    "tabs",
    "twins",
    "namesakes",
    "scribbles",
    "marks",
    "choice",
    "lasso",
    "polygon",
    "fingers",
    "shelf",
    "looks",
    "layers",
    "gauge",
    "named",
    "crowd",
    "audited",
)
DISCS = ((70, 60, 28), (190, 90, 34), (110, 150, 22))
"""x, y and radius of the discs of every drawn image, in pixels; the image is wider than it is high."""
SIZE = (200, 260)


def discs_image(number: int) -> bytes:
    """Three bright discs on noise: 8 bit, or 16 bit for every other number."""
    rng = np.random.default_rng(number)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    picture = rng.normal(50, 6, SIZE)
    for x, y, radius in DISCS:
        picture += 110 / (1 + np.exp((np.hypot(columns - x, rows - y) - radius) / 1.5))
    stream = io.BytesIO()
    if number % 2:
        Image.fromarray(np.clip(picture * 20, 0, 65535).astype(np.uint16)).save(stream, "PNG")
    else:
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def seed(workspace: Path) -> None:
    """Make the projects and queue their images, as a first round would have."""
    from app.service import open_workspace
    from app.store import items
    from tests.app.ui.seeding_day import seed_day
    from tests.app.ui.seeding_look import ct_slice, suggest
    from tests.app.ui.seeding_overview import seed_overview, seed_still
    from tests.app.ui.seeding_reads import seed_reads
    from tests.app.ui.seeding_volumes import seed_volumes

    with open_workspace(workspace, create=True) as service:
        for k, name in enumerate(SEGMENTATION):
            project = service.create_project(name, task="segmentation", classes=["disc", "ring", "speck"])
            pictures = [(f"series-{k}/view-{i}.png", io.BytesIO(discs_image(10 * k + i))) for i in range(6)]
            service.import_files(project.id, pictures)
            queue_all(service, project.id)
            if name == "layers":
                suggest(service, project.id, DISCS[1])
            if name == "audited":
                with service.context.db.write() as connection:
                    items.keep_for_audit(connection, [item.id for item in service.items(project.id).items])
        ct = service.create_project("ct", task="segmentation", classes=["lung"])
        service.import_files(ct.id, [(f"{i}.png", io.BytesIO(ct_slice(i))) for i in range(3)])
        queue_all(service, ct.id)
        classify = service.create_project("classify", task="classification", classes=["benign", "malignant"])
        service.import_files(classify.id, [(f"{i}.png", io.BytesIO(discs_image(900 + i))) for i in range(4)])
        queue_all(service, classify.id)
        adapt(service)
        seed_day(service)
        seed_overview(service)
        seed_reads(service)
        seed_volumes(service)
        chosen = service.create_project("chosen", task="segmentation", classes=["disc"], batch_size=3)
        service.import_files(chosen.id, [(f"{i}.png", io.BytesIO(discs_image(600 + i))) for i in range(8)])
        seed_still(service)
        idle = service.create_project("idle", task="segmentation", classes=["disc"])
        service.import_files(idle.id, [(f"{i}.png", io.BytesIO(discs_image(800 + i))) for i in range(2)])
        rounds = service.create_project("rounds", task="segmentation", classes=["disc"], batch_size=4)
        service.import_files(rounds.id, [(f"{i:02d}.png", io.BytesIO(discs_image(700 + i))) for i in range(14)])


def adapt(service: object) -> None:
    """Make a project whose click model was adapted, as the page shows it; it has no image to click on."""
    from app.service import AnnotationService
    from app.store import adaptations, projects

    assert isinstance(service, AnnotationService)
    project = service.create_project("adapted", task="segmentation", classes=["disc"])
    scores = {"n_objects": 9, "dice_box": 0.8, "dice_1": 0.4, "dice_3": 0.7}
    values = {
        "id": "click-test", "project_id": project.id, "segmenter": "builtin", "base_id": "test", "n_images": 34,
        "n_objects": 34, "item_ids": [], "held_out_ids": list(range(9)), "accepted": 1, "reason": "",
        "scores_before": {**scores, "clicks_to_90": 5.9}, "scores_after": {**scores, "clicks_to_90": 4.5},
    }  # fmt: skip
    with service.context.db.write() as connection:
        adaptations.add(connection, values)
        projects.change(connection, project.id, {"adaptation_id": "click-test"})


def queue_all(service: object, project_id: int) -> None:
    from app.service import AnnotationService
    from app.store import items, rounds

    assert isinstance(service, AnnotationService)
    listed = service.items(project_id, limit=1000).items
    chosen: Sequence[dict[str, object]] = [
        {"item_id": item.id, "reason": "drawn for a test", "score": None, "arm": "strategy"} for item in listed
    ]
    values = {"project_id": project_id, "number": 1, "job_id": 10_000 + project_id, "strategy": "random", "reason": ""}
    with service.context.db.write() as connection:
        rounds.add(connection, {**values, "seed": 0, "n_selected": len(chosen), "n_labeled_before": 0}, chosen)
        items.enqueue(connection, project_id, chosen, round_number=1)


if __name__ == "__main__":
    seed(Path(sys.argv[1]))
