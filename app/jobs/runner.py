"""Starts a worker process per job and looks after it.

Whether a worker lives is told by a file lock: the parent takes it before the start and hands it to the child, so it is
held from then on until the child's end, however it ends, and whoever asks, also after a restart of the server.
"""

import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from app.store import jobs as rows
from app.store.database import Database, Row

WORKER = (sys.executable, "-m", "app.jobs.worker")
CANCEL_GRACE_S = 20.0
"""A worker that does not end by itself within this time after a cancel is killed."""
logger = logging.getLogger(__name__)


class SubprocessRunner:
    """Runs each job as `python -m app.jobs.worker WORKSPACE JOB_ID` in a session of its own."""

    def __init__(
        self, workspace: Path, db: Database, *, command: Sequence[str] = WORKER, cancel_grace_s: float = CANCEL_GRACE_S
    ) -> None:
        self._workspace, self._db = workspace, db
        self._command, self._cancel_grace_s = tuple(command), cancel_grace_s
        self._started: set[int] = set()
        self._lock = threading.Lock()

    def start(self, job_id: int) -> None:
        """Start the worker of a waiting job, unless it has one."""
        with self._lock:
            lock = self._take(job_id)
            if lock is None:
                return
            try:
                with self._file(job_id, "log").open("ab") as log:
                    child = subprocess.Popen(
                        [*self._command, str(self._workspace), str(job_id)],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                        pass_fds=(lock,),
                    )
            finally:
                os.close(lock)
            # Waits in a thread of its own: no zombie is left, and a worker that outlives us is nobody's loose end.
            threading.Thread(target=child.wait, name=f"job-{job_id}", daemon=True).start()
            self._started.add(job_id)
        with self._db.write() as connection:
            rows.change(connection, job_id, {"pid": child.pid})
        logger.info("job %s started", job_id)

    def reap(self) -> None:
        """Start what waits, close what died, kill what ignores a cancel."""
        with self._db.read() as connection:
            active = rows.active(connection)
        for job in active:
            if self._is_alive(job["id"]):
                self._press(job)
            else:
                self._look_after(job)

    def _press(self, job: Row) -> None:
        """Kill a living worker that was told to stop long ago."""
        asked = job["cancel_requested_at"]
        if asked is not None and job["pid"] and time.time() - asked > self._cancel_grace_s:
            _kill(job["pid"])

    def _look_after(self, job: Row) -> None:
        """Close a job without a worker, or start one where it never had one."""
        with self._lock:
            had_one = job["id"] in self._started
        if job["cancel_requested_at"] is not None:
            self._end(job["id"], "cancelled", None)
        elif job["state"] == "queued" and not had_one:
            self.start(job["id"])
        else:
            self._end(job["id"], "failed", f"the worker ended without a result: {self._last_words(job['id'])}")

    def _end(self, job_id: int, state: str, error: str | None) -> None:
        """Close a job that its worker did not close."""
        with self._db.write() as connection:
            if rows.end(connection, job_id, state, error=error):
                logger.warning("job %s is %s: its worker is gone", job_id, state)

    def _take(self, job_id: int) -> int | None:
        """Take a job's lock; None when its worker holds it."""
        handle = os.open(self._file(job_id, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    def _is_alive(self, job_id: int) -> bool:
        """True while a worker holds the job's lock."""
        with self._lock:
            handle = self._take(job_id)
            if handle is None:
                return True
            os.close(handle)
            return False

    def _last_words(self, job_id: int) -> str:
        """The last line that the worker wrote."""
        file = self._file(job_id, "log")
        lines = file.read_text("utf-8", errors="replace").split("\n") if file.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it was killed")

    def _file(self, job_id: int, kind: str) -> Path:
        """A job's lock or log."""
        return self._workspace / "tmp" / f"job-{job_id}.{kind}"


def _kill(pid: int) -> None:
    """Kill a worker with all that it started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        logger.info("worker %s was gone already", pid)
