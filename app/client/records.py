"""What a project has behind it, from a program: heads, going back to one, jobs, and what they told."""

from __future__ import annotations

from app.api.schemas import Job, JobLog, Jobs, LogLine, Model, Models, UseModelIn
from app.client.part import ProjectPart


class RecordCalls(ProjectPart):
    """The part of `Project` that looks back."""

    def models(self) -> list[Model]:
        """List the trained heads, oldest first; at most one is in use."""
        return self._transport.ask(Models, "GET", self._path("models")).models

    def use_model(self, model_id: str) -> list[Model]:
        """Put an earlier head in place of the one in use; returns all heads.

        Raises:
            NotFound: the project has no such head.
            Conflict: it is in use, its file is gone, or classes were added since.
            Busy: a job runs, which may train a head itself.
        """
        body = UseModelIn(model_id=model_id)
        return self._transport.ask(Models, "POST", self._path("models", "rollback"), body=body).models

    def jobs(self, *, limit: int = 20) -> list[Job]:
        """List the project's jobs, newest first."""
        return self._transport.ask(Jobs, "GET", self._path("jobs"), params={"limit": limit}).jobs

    def job_log(self, job_id: int) -> list[LogLine]:
        """List what a job told for good, oldest first."""
        return self._transport.ask(JobLog, "GET", f"/v1/jobs/{job_id}/log").lines
