"""How uncertain a model was about images, kept in a file beside the model by the job that asked it."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alcore.acquisition import entropy
from alcore.opinions import Opinion
from app.service.context import Context


def save(ctx: Context, model_id: str, item_ids: Sequence[int], opinion: Opinion) -> None:
    """Keep the entropy of what a model thinks of some items: of the image's class, or its pixels' mean."""
    values = opinion.uncertainty.get("entropy")
    if values is None and opinion.probabilities is not None:
        values = entropy(opinion.probabilities)
    if values is None or not len(item_ids):
        return
    file = _file(ctx, model_id)
    part = file.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as out:
        np.savez(out, item_ids=np.asarray(item_ids, dtype=np.int64), values=np.asarray(values, dtype=np.float32))
    part.replace(file)


def load(ctx: Context, model_id: str | None) -> dict[int, float]:
    """The entropies (in nats) by item id; empty where the model was not asked, or there is none."""
    if model_id is None or not (file := _file(ctx, model_id)).is_file():
        return {}
    with np.load(file) as found:
        return dict(zip(found["item_ids"].tolist(), found["values"].round(4).tolist(), strict=True))


def _file(ctx: Context, model_id: str) -> Path:
    """Where a model's entropies lie."""
    return ctx.folder / "models" / f"{model_id}.uncertainty.npz"
