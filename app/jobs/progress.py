"""How a worker tells how far it is, and learns that it should stop."""

import time

from pydantic import JsonValue

from alcore.errors import Cancelled
from app.store import jobs as rows
from app.store.database import Database

MIN_INTERVAL_S = 0.3


class JobProgress:
    """Writes progress rows; is itself an `alcore.types.Progress`, which raises `Cancelled` when a person said stop."""

    def __init__(self, db: Database, job_id: int) -> None:
        self._db, self._job_id = db, job_id
        self._message = ""
        self._written_at = 0.0

    def stage(self, message: str) -> None:
        """Begin a part of the work."""
        self._message = message
        self._write(0, 0)

    def __call__(self, done: int, total: int) -> None:
        """Tell how far the stage is; most calls cost nothing."""
        if done >= total or time.monotonic() - self._written_at >= MIN_INTERVAL_S:
            self._write(done, total)

    def log(self, text: str) -> None:
        """Tell something that stays true when the stage is over."""
        with self._db.write() as connection:
            rows.add_event(connection, self._job_id, "log", {"message": text})

    def _write(self, done: int, total: int) -> None:
        """Write the row and its event; one transaction."""
        self._written_at = time.monotonic()
        values: dict[str, JsonValue] = {"step": done, "steps": total, "message": self._message}
        with self._db.write() as connection:
            if rows.get(connection, self._job_id)["cancel_requested_at"] is not None:
                raise Cancelled(f"job {self._job_id} was cancelled")
            rows.change(connection, self._job_id, values)
            rows.add_event(connection, self._job_id, "progress", values)
