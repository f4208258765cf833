"""Worker processes: started once, watched across restarts, closed when they die, killed when they ignore a cancel."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.jobs.runner import SubprocessRunner
from app.service import AnnotationService, open_workspace
from app.settings import Settings
from app.store.database import open_database
from tests.app.workspaces import open_fake, seeded

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")
BROKEN = (sys.executable, "-c", "raise SystemExit('the disk is full')")
FAST = {"prefetch_items": 0}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    with open_fake(tmp_path / "workspace") as service:
        seeded(service, 3)
    return tmp_path / "workspace"


@pytest.fixture
def opened(workspace: Path) -> Iterator[Callable[..., AnnotationService]]:
    """Open the workspace as another server would, with workers of the test's own."""
    services: list[AnnotationService] = []

    def open_with(command: tuple[str, ...], grace_s: float = 20.0) -> AnnotationService:
        service = open_workspace(workspace, settings=Settings(**FAST))  # type: ignore[arg-type]
        service.context.runner = SubprocessRunner(
            workspace, service.context.db, command=command, cancel_grace_s=grace_s
        )
        services.append(service)
        return service

    yield open_with
    for service in services:
        for job_id in range(1, 9):
            pid = _pid(service, job_id)
            if pid is not None:
                _kill(pid)
        service.close()


def _pid(service: AnnotationService, job_id: int) -> int | None:
    from sqlalchemy import select

    from app.store.tables_jobs import jobs

    with service.context.db.read() as connection:
        found = connection.execute(select(jobs.c.pid).where(jobs.c.id == job_id)).scalar_one_or_none()
        return None if found is None else int(found)


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_worker_that_is_killed_becomes_a_failed_job(opened: Callable[..., AnnotationService]) -> None:
    service = opened(SLEEPER)
    job = service.start_embed(1)
    assert job.state == "queued"
    pid = _pid(service, job.id)
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    until(lambda: service.job(job.id).state == "failed")
    assert "it was killed" in (service.job(job.id).error or "")
    assert service.job_events(job.id)[-1].event == "end"
    assert service.start_embed(1).id != job.id


def test_a_worker_that_breaks_leaves_its_last_words(opened: Callable[..., AnnotationService]) -> None:
    service = opened(BROKEN)
    job = service.start_embed(1)
    until(lambda: service.job(job.id).state == "failed")
    assert "the disk is full" in (service.job(job.id).error or "")


def test_a_worker_outlives_its_server_and_is_not_started_twice(opened: Callable[..., AnnotationService]) -> None:
    first = opened(SLEEPER)
    job = first.start_embed(1)
    pid = _pid(first, job.id)
    second = opened(BROKEN)  # a restarted server; had it started a worker, the job would fail
    second.context.runner.reap()
    second.context.runner.start(job.id)
    assert second.job(job.id).state == "queued"
    assert _pid(second, job.id) == pid


def test_a_job_that_never_got_a_worker_gets_one_after_a_restart(
    workspace: Path, opened: Callable[..., AnnotationService]
) -> None:
    from app.store import jobs as rows

    db = open_database(workspace / "fewclick.db")
    with db.write() as connection:
        job_id = rows.create(connection, 1, "embed", {})
    db.close()
    service = opened(SLEEPER)
    assert _pid(service, job_id) is None
    service.context.runner.reap()
    assert _pid(service, job_id) is not None


def test_a_worker_that_ignores_a_cancel_is_killed(opened: Callable[..., AnnotationService]) -> None:
    service = opened(SLEEPER, 0.0)
    job = service.start_embed(1)
    service.cancel_job(job.id)
    until(lambda: service.job(job.id).state == "cancelled")


def test_the_real_worker_embeds_with_the_built_in_encoder(workspace: Path) -> None:
    with open_workspace(workspace, settings=Settings(**FAST)) as service:  # type: ignore[arg-type]
        job = service.start_embed(1)
        until(lambda: service.job(job.id).ended_at is not None, 180)
        done = service.job(job.id)
        assert done.state == "done", done.error
        assert done.result is not None
        assert done.result["embedded"] == 3
