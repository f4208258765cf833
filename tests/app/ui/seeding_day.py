"""Projects for the tests of an annotator's day: history, suggestions, many images at once, notes."""

import io

from alcore.masks import encode_rle
from app.service import AnnotationService
from app.store import rounds
from tests.app.ui.seeding import DISCS, SIZE, discs_image, queue_all

SEGMENTATION = {"history": 9, "conflict": 5, "verify": 4, "notes": 8, "reopened": 8}
CLASSIFICATION = {"grid": 28, "grid reload": 26, "grid pair": 8, "grid verify": 4, "label verify": 3}
"""Names and numbers of images."""
CONFIDENCE = (0.93, 0.71)
"""Of the two discs that are suggested in each image of `verify`."""
EXPECTED_DICE = (0.96, 0.9)
LEARNED = {"lower_bound": {"margin": 0.06, "error_rate": 0.1, "n": 30}}
"""What the head of `verify` knows of its masks: they have at least 0.93 less 0.06, nine times in ten."""


def seed_day(service: AnnotationService) -> None:
    """Make the projects and queue their images."""
    for k, (name, n) in enumerate(SEGMENTATION.items()):
        project = service.create_project(name, task="segmentation", classes=["disc", "ring"])
        pictures = [(f"scan-{k}/view-{i}.png", io.BytesIO(discs_image(300 + 10 * k + i))) for i in range(n)]
        service.import_files(project.id, pictures)
        queue_all(service, project.id)
        if name == "verify":
            suggest(service, project.id, objects=[disc(i) for i in range(2)], label=None)
    for k, (name, n) in enumerate(CLASSIFICATION.items()):
        project = service.create_project(name, task="classification", classes=["benign", "malignant", "unclear"])
        service.import_files(
            project.id, [(f"{i:02d}.png", io.BytesIO(discs_image(400 + 40 * k + i))) for i in range(n)]
        )
        queue_all(service, project.id)
        if name in ("grid verify", "label verify"):
            suggest(service, project.id, objects=[], label={"name": "malignant", "confidence": 0.88})


def disc(number: int) -> dict[str, object]:
    """A suggested object: a square about where a disc is."""
    import numpy as np

    x, y, radius = DISCS[number]
    mask = np.zeros(SIZE, bool)
    mask[y - radius : y + radius, x - radius : x + radius] = True
    found = {"class_id": 1, "mask": dict(encode_rle(mask)), "mean_confidence": CONFIDENCE[number]}
    return {**found, "expected_dice": EXPECTED_DICE[number]}


def suggest(service: AnnotationService, project_id: int, **offer: object) -> None:
    """Store the same suggestion for every image, as a trained head would have."""
    model = {
        "id": f"head-{project_id}", "project_id": project_id, "file": "none", "encoder_id": "none", "class_ids": [1],
        "n_labeled": 1, "item_ids": [], "accepted": 1, "report": LEARNED,
    }  # fmt: skip
    items = service.items(project_id).items
    with service.context.db.write() as connection:
        rounds.add_model(connection, model)
        rounds.put_suggestions(connection, [{"item_id": i.id, "model_id": model["id"], **offer} for i in items])
