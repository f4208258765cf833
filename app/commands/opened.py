"""What commands on a workspace share: opening it, finding the project, waiting for a job."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.progress import progress

if TYPE_CHECKING:
    from app.api.schemas import Job, Project
    from app.service import AnnotationService

Workspace = Annotated[Path, typer.Argument(help="Folder of the workspace.", metavar="WORKSPACE")]
ProjectName = Annotated[str, typer.Argument(help="Name of the project.", metavar="NAME")]
POLL_S = 0.2


@contextmanager
def opened(workspace: Path) -> Iterator[AnnotationService]:
    """Open a workspace for one command."""
    from app.service import open_workspace

    service = open_workspace(workspace)
    try:
        yield service
    finally:
        service.close()


def project_named(service: AnnotationService, name: str) -> Project:
    """The project of this name."""
    from app.errors import NotFound

    projects = service.list_projects()
    for project in projects:
        if project.name == name:
            return project
    known = ", ".join(sorted(p.name for p in projects)) or "none yet; make one with `fewclick project create`"
    raise NotFound(f"no project {name!r}; known: {known}")


def wait_for(service: AnnotationService, job: Job) -> Job:
    """Wait for a job and show on stderr how far it is; Ctrl-C cancels it.

    Raises:
        JobFailed: it failed or was cancelled.
    """
    from app.errors import JobFailed

    try:
        with progress("step") as show:
            while (job := service.job(job.id)).state in ("queued", "running"):
                show(job.message or job.kind, job.step, job.steps)
                time.sleep(POLL_S)
                service.context.runner.reap()  # a worker that died ends its job here, with no server to see it
    except KeyboardInterrupt:
        service.cancel_job(job.id)
        raise
    if job.state != "done":
        raise JobFailed(f"{job.kind} {job.state}: {job.error or 'no reason given'}")
    return job
