"""What all use cases share: the opened workspace."""

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.service.embedded import EmbeddedPools
from app.service.images import ImageCache
from app.service.models import ModelSource
from app.service.prompting import Prompter
from app.settings import Settings
from app.store.database import Database
from app.store.files import BlobStore

FOLDERS = ("images", "embeddings", "models", "exports", "tmp")


class JobRunner(Protocol):
    """Starts the worker of a job that was inserted, and looks after those that run."""

    def start(self, job_id: int) -> None:
        """Begin the work; returns at once."""
        ...

    def reap(self) -> None:
        """Start jobs that were left waiting, end jobs whose worker died, stop workers that ignore a cancel."""
        ...


@dataclass(kw_only=True)
class Context:
    """An opened workspace. Use cases are functions of it; it holds no state of a person or a request."""

    folder: Path
    settings: Settings
    db: Database
    blobs: BlobStore
    images: ImageCache
    models: ModelSource
    prompter: Prompter
    runner: JobRunner
    pools: EmbeddedPools = field(default_factory=EmbeddedPools)
    clock: Callable[[], float] = time.time

    def model_file(self, model_id: str) -> Path:
        """Where a trained head or an adapted decoder lies."""
        return self.folder / "models" / f"{model_id}.safetensors"


def secret_of(folder: Path) -> str:
    """The workspace's own secret for signing cookies, made at the first call and readable by its owner alone."""
    file = folder / "secret"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text("ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as out:
        text = secrets.token_hex(32)
        out.write(text)
    return text
