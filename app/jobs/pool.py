"""A project's pool as jobs see it: rows, embeddings, small images, accepted answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alcore.embeddings import EmbeddingStore, embed_missing
from alcore.encoders.base import squash
from alcore.formats.window import to_rgb
from alcore.rounds import Arm
from app.jobs.progress import JobProgress
from app.service.context import Context
from app.service.embedded import key_of, store_folder
from app.service.images import window_of
from app.store import annotations as annotation_rows
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store import rounds as round_rows
from app.store.database import Row


@dataclass(frozen=True, kw_only=True)
class Pool:
    """All items of a project, embedded, as they were when the job began."""

    ctx: Context
    project: Row
    classes: Sequence[Row]
    items: Sequence[Row]
    answers: dict[int, Row]
    """The newest annotation of each labeled item, by item id."""
    arms: dict[int, Arm]
    """The arm of each item that a round asked, by item id."""
    seconds_spent: float
    """Annotator seconds of all annotations, older versions too."""
    clicks_spent: int
    """Their clicks."""
    store: EmbeddingStore

    @property
    def n_classes(self) -> int:
        """Classes of the project, without the background."""
        return len(self.classes)

    def keys(self, rows: Sequence[Row]) -> list[str]:
        """Embedding keys of some items."""
        return [key_of(row) for row in rows]

    def rgb(self, row: Row) -> np.ndarray:
        """What the eye sees of an item."""
        return to_rgb(self.ctx.images.get(row), window_of(row))

    def small(self, rows: Sequence[Row]) -> np.ndarray:
        """Items squashed to the square that segmentation heads look at."""
        side = self.ctx.models.head_side
        return np.concatenate([squash([self.rgb(row)], side) for row in rows])

    def taught(self) -> list[Row]:
        """Items with an accepted answer that heads learn from."""
        return [row for row in self.items if row["id"] in self.answers and not row["is_audit"]]

    def audited(self) -> list[Row]:
        """Items with an accepted answer that heads are only measured on."""
        return [row for row in self.items if row["id"] in self.answers and row["is_audit"]]


def group_of(row: Row) -> str:
    """The item's group, or itself where it has none."""
    return str(row["group_name"]) if row["group_name"] is not None else f"item {row['id']}"


def open_pool(ctx: Context, project_id: int, progress: JobProgress) -> tuple[Pool, int]:
    """Read the project and embed what is not embedded yet; returns the pool and how many images that were."""
    with ctx.db.read() as connection:
        project = dict(project_rows.get(connection, project_id))
        classes = project_rows.class_rows(connection, project_id)
        items = item_rows.of_project(connection, project_id)
        answers = annotation_rows.of_project(connection, project_id)
        arms = round_rows.arms(connection, project_id)
        seconds, clicks = annotation_rows.spent(connection, project_id)
    progress.stage("loading the encoder")
    encoder = ctx.models.load_encoder(project["encoder"])
    store = EmbeddingStore(
        store_folder(ctx, encoder.encoder_id),
        encoder_id=encoder.encoder_id,
        dim=encoder.dim,
        dense_shape=encoder.dense_shape,
    )
    pool = Pool(
        ctx=ctx, project=project, classes=classes, items=items, answers=answers, arms=arms, seconds_spent=seconds,
        clicks_spent=clicks,
        store=store,
    )  # fmt: skip
    by_key = {key_of(row): row for row in items}
    progress.stage("embedding images")
    n_new = embed_missing(
        store,
        encoder,
        list(by_key),
        lambda key: pool.rgb(by_key[key]),
        batch_size=ctx.settings.encoder_batch_size,
        progress=progress,
    )
    return pool, n_new


def model_file(ctx: Context, model_id: str) -> Path:
    """Where a head lies."""
    return ctx.folder / "models" / f"{model_id}.safetensors"
