"""Keeps how uncertain the head in use is, for the page's map and gallery."""

from collections.abc import Sequence

from alcore.opinions import Opinion
from app.jobs.pool import Pool
from app.jobs.progress import JobProgress
from app.jobs.train import Trained
from app.service import uncertainty
from app.store.database import Row


def look_at_all(pool: Pool, trained: Trained, progress: JobProgress) -> None:
    """Ask a classification head about the whole pool: its vectors are at hand, and this takes moments.

    A segmentation head would have to look at every image again; what a round scored anyway is kept instead.
    """
    if pool.project["task"] == "classification":
        rows = pool.items
        opinion = trained.fitted.score(rows, progress)
        uncertainty.save(pool.ctx, trained.model_id, [row["id"] for row in rows], opinion)


def keep_uncertainty(pool: Pool, trained: Trained, scored: Sequence[Row], opinion: Opinion) -> None:
    """Keep what a round found out about the images that it scored, where nobody looked at all of them."""
    if pool.project["task"] == "segmentation":
        uncertainty.save(pool.ctx, trained.model_id, [row["id"] for row in scored], opinion)
