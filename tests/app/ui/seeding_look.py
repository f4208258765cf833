"""Projects for the tests of looking: suggestions with a map of uncertainty, and an image that looks like CT."""

import io

import numpy as np
from PIL import Image

from alcore.masks import encode_rle
from app.jobs.masks import uncertainty_map
from app.service import AnnotationService
from app.store import rounds

HOUNSFIELD_ZERO = 1024


def suggest(service: AnnotationService, project_id: int, disc: tuple[float, float, float]) -> None:
    """Offer a disc on all items but the last one: unsure along the right half of the image, by steps of the side."""
    listed = service.items(project_id).items
    model = {
        "id": "head-look", "project_id": project_id, "file": "none", "encoder_id": "none", "class_ids": [1],
        "n_labeled": 2, "item_ids": [], "accepted": 1, "report": {},
    }  # fmt: skip
    height, width = service.pixels(listed[0].id).shape[:2]
    rows, columns = np.mgrid[:height, :width] + 0.5
    x, y, radius = disc
    code = encode_rle(np.hypot(columns - x, rows - y) < radius)
    mask = {"size": list(code["size"]), "counts": list(code["counts"])}
    foreground = np.tile(np.where(np.arange(32) < 16, 0.0, np.linspace(0.0, 0.5, 32)), (32, 1))
    offer = {
        "model_id": "head-look",
        "objects": [{"class_id": 2, "mask": mask, "mean_confidence": 0.9}],
        "label": None,
        "uncertainty": uncertainty_map(np.stack([1 - foreground, foreground])),
    }
    with service.context.db.write() as connection:
        rounds.add_model(connection, model)
        rounds.put_suggestions(connection, [{"item_id": item.id, **offer} for item in listed[:-1]])


def ct_slice(seed: int) -> bytes:
    """Something like a chest in air: 16 bit, 0 HU at 1024."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:160, :200] + 0.5
    hu = np.full((160, 200), -1000.0)
    hu[np.hypot((columns - 100) / 1.3, rows - 80) < 65] = 40
    hu[np.hypot(columns - 65, rows - 80) < 28] = -800
    hu[np.hypot(columns - 100, rows - 125) < 10] = 700
    values = np.clip(hu + rng.normal(0, 12, hu.shape), -1024, 3000) + HOUNSFIELD_ZERO
    stream = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(stream, "PNG")
    return stream.getvalue()
