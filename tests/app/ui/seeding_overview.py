"""A project for the tab of all images: two patients, some queued, one of the audit set, two that look the same."""

import io

import numpy as np

from alcore.embeddings import EmbeddingStore
from app.service import AnnotationService
from app.service.embedded import key_of, store_folder
from app.store import browse, items, projects, rounds
from tests.app.ui.seeding import discs_image, queue_all

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
    add_heads(service, project.id)


def seed_still(service: AnnotationService) -> None:
    """Make a project that stands still: nobody works in it but the test that compares pictures of it."""
    project = service.create_project("still", task="segmentation", classes=["disc", "ring"])
    pictures = [(f"view-{i:02d}.png", io.BytesIO(discs_image(640 + i))) for i in range(N_IMAGES)]
    service.import_files(project.id, pictures)
    queue_all(service, project.id)
    place(service, project.id)


def add_heads(service: AnnotationService, project_id: int) -> None:
    """Make two heads as trainings leave them, the second refused."""
    scores = [{"n": 900, "precision": 0.99, "recall": 0.98, "f1": 0.985}]
    scores += [{"n": n, "precision": 0.8, "recall": 0.7, "f1": 0.747} for n in (80, 20)]
    bins = [{"count": 50 * k, "confidence": 0.55 + 0.1 * k, "accuracy": 0.5 + 0.12 * k} for k in range(1, 5)]
    sharp = [{**entry, "accuracy": entry["accuracy"] - 0.1} for entry in bins]
    report = {"head": "dense_linear", "ece": 0.021, "ece_uncalibrated": 0.084, "brier": 0.1, "brier_uncalibrated": 0.13}
    report |= {"per_class": scores, "reliability": bins, "reliability_uncalibrated": sharp}
    values = {"project_id": project_id, "encoder_id": "test", "class_ids": [1, 2], "item_ids": [], "metric": "dice"}
    told = ("the first model of this project, encoder and classes", "the new model stays aside: 0.700 against 0.800")
    with service.context.db.write() as connection:
        for k, reason in enumerate(told):
            model_id = f"head-test-{k}"
            service.context.model_file(model_id).touch()
            row = {"id": model_id, "job_id": 20_000 + k, "file": f"{model_id}.safetensors", "n_labeled": 8 + 4 * k}
            row |= {"value": 0.8 - 0.1 * k, "accepted": int(not k), "report": {**report, "gate": reason}}
            rounds.add_model(connection, {**values, **row})
        projects.change(connection, project_id, {"model_id": "head-test-0"})


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
