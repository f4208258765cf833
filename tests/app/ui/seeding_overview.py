"""A project for the tab of all images: two patients, some queued, one of the audit set, two that look the same."""

import io

import numpy as np

from alcore.embeddings import EmbeddingStore
from app.jobs.pool import key_of, store_folder
from app.service import AnnotationService
from app.store import browse, items, rounds
from tests.app.ui.seeding import discs_image

N_IMAGES = 16


def seed_overview(service: AnnotationService) -> None:
    project = service.create_project("overview", task="segmentation", classes=["disc", "ring"])
    pictures = [(f"p{i % 2}/view-{i:02d}.png", io.BytesIO(discs_image(600 + i))) for i in range(N_IMAGES)]
    service.import_files(project.id, pictures, "patient")
    ids = [item.id for item in service.items(project.id).items]
    chosen = [{"item_id": i, "reason": "drawn for a test", "score": None, "arm": "strategy"} for i in ids[:2]]
    values = {"project_id": project.id, "number": 1, "job_id": 20_000, "strategy": "random", "reason": ""}
    with service.context.db.write() as connection:
        rounds.add(connection, {**values, "seed": 0, "n_selected": len(chosen), "n_labeled_before": 0}, chosen)
        items.enqueue(connection, project.id, chosen, round_number=1)
        items.keep_for_audit(connection, [ids[-1]])
    place(service, project.id)


def place(service: AnnotationService, project_id: int) -> None:
    """Give the images places on the map that a test can know: made up, as no encoder need run for them."""
    encoder = service.context.models.load_encoder("builtin")
    folder = store_folder(service.context, encoder.encoder_id)
    store = EmbeddingStore(folder, encoder_id=encoder.encoder_id, dim=encoder.dim, dense_shape=encoder.dense_shape)
    with service.context.db.read() as connection:
        keys = [key_of(row._mapping) for row in browse.keys(connection, project_id)]
    angles = np.linspace(0, 2 * np.pi, len(keys), endpoint=False)
    vectors = np.zeros((len(keys), encoder.dim), np.float32)
    vectors[:, 0], vectors[:, 1], vectors[:, 2] = np.cos(angles), np.sin(angles), 0.4
    vectors[7] = vectors[6]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store.append(keys, vectors, np.zeros((len(keys), *encoder.dense_shape), np.float16))
