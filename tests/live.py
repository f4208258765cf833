"""A real server for tests: the built-in models, jobs that run on the spot, a head that is trained for moments only."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from app.demo_images import draw_lesions
from app.jobs.run import run_job
from app.server import create_app
from app.service import AnnotationService, open_workspace
from app.service.context import Context
from app.service.models import RegistryModels
from app.settings import Settings


class QuickModels(RegistryModels):
    """The real models, but the segmentation head gets three steps."""

    def train_segmentation(self, *arrays: Any, head: str, folds: Any, **settings: Any) -> Any:
        from alcore.heads.segmentation import train_segmentation_head

        return train_segmentation_head(*arrays, folds=folds, n_members=1, steps=3, **settings)


class InlineRunner:
    """Runs a job before `start` returns."""

    context: Context

    def start(self, job_id: int) -> None:
        run_job(self.context, job_id)

    def reap(self) -> None:
        pass

    def join(self) -> None:
        pass


class ThreadRunner(InlineRunner):
    """Runs a job in a thread, so that a request which starts one is answered at once."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def start(self, job_id: int) -> None:
        self._threads.append(threading.Thread(target=run_job, args=(self.context, job_id)))
        self._threads[-1].start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


@contextmanager
def live_service(workspace: Path, *, in_background: bool = False) -> Iterator[AnnotationService]:
    import torch

    torch.set_num_threads(1)
    runner = ThreadRunner() if in_background else InlineRunner()
    settings = Settings(prefetch_items=0, min_audit=2, crossfit_folds=2)
    with open_workspace(workspace, create=True, settings=settings, models=QuickModels(), runner=runner) as service:
        runner.context = service.context
        yield service
        runner.join()


@contextmanager
def live_http(workspace: Path) -> Iterator[TestClient]:
    """An HTTP client of a server over `workspace`, without a socket."""
    with live_service(workspace) as service, TestClient(create_app(workspace, service=service, with_ui=False)) as http:
        yield http


def write_images(folder: Path, n: int) -> list[np.ndarray]:
    """Write the first `n` drawn ultrasound images below `folder`, one sub-folder a patient; returns their pixels."""
    from PIL import Image

    images = draw_lesions(n, seed=0)
    for image in images:
        place = folder / image.name.partition("_")[0]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.pixels).save(place / image.name)
    return [image.pixels for image in images]
