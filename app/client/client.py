"""The client's front door."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from app.api.schemas import Health, Job, ProjectIn, Projects, Registry, Task
from app.api.schemas import Project as ProjectState
from app.client.project import Project
from app.client.transport import Transport
from app.errors import JobFailed, NotFound

if TYPE_CHECKING:
    import httpx2

DEFAULT_URL = "http://127.0.0.1:7860"
POLL_S = 0.25
ENDED = frozenset({"done", "failed", "cancelled"})


class Client:
    """A connection to a Fewclick server; use it as a context manager."""

    def __init__(
        self,
        base_url: str | None = None,
        *,
        token: str | None = None,
        http: httpx2.Client | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        """Remember where the server is; nothing is sent before the first call.

        Args:
            base_url: the server's address; by default that of `fewclick serve`, http://127.0.0.1:7860.
            token: bearer token, where the server asks for one.
            http: an httpx2 client to send through, such as `starlette.testclient.TestClient(app)`; it is not closed.
            timeout_s: seconds to wait for an answer; connecting waits 5 s at most.
        """
        self._transport = Transport(base_url or DEFAULT_URL, token=token, http=http, timeout_s=timeout_s)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def health(self) -> Health:
        """Ask whether the server is up, and its version."""
        return self._transport.ask(Health, "GET", "/v1/health")

    def registry(self) -> Registry:
        """List the strategies, encoders, segmenters and heads that the server knows."""
        return self._transport.ask(Registry, "GET", "/v1/registry")

    def create_project(
        self,
        name: str,
        *,
        task: Task,
        classes: Sequence[str],
        encoder: str = "builtin",
        segmenter: str = "builtin",
        head: str = "default",
        cold_start: str = "default",
        strategy: str = "default",
        batch_size: int = 20,
        adapt_automatically: bool = False,
        second_read_share: float = 0.0,
        adjudicate_below: float = 0.8,
        gold_share: float = 0.0,
    ) -> Project:
        """Create a project.

        Args:
            name: unique in the workspace.
            task: `segmentation` (objects with masks) or `classification` (one label an image).
            classes: class names; background is not one of them.
            encoder: foundation encoder that embeds the pool.
            segmenter: promptable model that turns clicks, boxes and scribbles into masks.
            head: task head that is trained on the labels.
            cold_start: strategy of the first batch.
            strategy: strategy of later rounds.
            batch_size: images asked per round.
            adapt_automatically: adapt the promptable model to accepted masks after rounds.
            second_read_share: part of the annotated images that a second person reads blind, 0 to 1.
            adjudicate_below: mean Dice of two readers below which somebody decides, 0 to 1.
            gold_share: part of an annotator's images that are gold, 0 to 1.

        Raises:
            AlreadyExists: the name is taken.
        """
        body = ProjectIn(
            name=name, task=task, classes=list(classes), encoder=encoder, segmenter=segmenter, head=head,
            cold_start=cold_start, strategy=strategy, batch_size=batch_size,
            adapt_automatically=adapt_automatically, second_read_share=second_read_share,
            adjudicate_below=adjudicate_below, gold_share=gold_share,
        )  # fmt: skip
        return Project(self, self._transport.ask(ProjectState, "POST", "/v1/projects", body=body))

    def projects(self) -> list[Project]:
        """List the projects of the workspace."""
        found = self._transport.ask(Projects, "GET", "/v1/projects").projects
        return [Project(self, state) for state in found]

    def project(self, name: str | int) -> Project:
        """Open a project by its name or id.

        Raises:
            NotFound: there is none of this name.
        """
        if isinstance(name, int):
            return Project(self, self._transport.ask(ProjectState, "GET", f"/v1/projects/{name}"))
        projects = self.projects()
        for project in projects:
            if project.name == name:
                return project
        known = ", ".join(sorted(p.name for p in projects)) or "none yet"
        raise NotFound(f"no project {name!r}; known: {known}")

    def job(self, job_id: int) -> Job:
        """Read how far a job is."""
        return self._transport.ask(Job, "GET", f"/v1/jobs/{job_id}")

    def cancel_job(self, job_id: int) -> Job:
        """Ask a job to stop; it ends at its next step."""
        return self._transport.ask(Job, "POST", f"/v1/jobs/{job_id}/cancel", repeatable=True)

    def wait(self, job_id: int, *, progress: bool = True, timeout_s: float | None = None) -> Job:
        """Wait until a job is done and return it.

        Args:
            job_id: the job's id.
            progress: show a bar on stderr when that is a terminal. Elsewhere a library keeps silent: ask `job`.
            timeout_s: give up waiting (the job runs on) after this many seconds; None waits for ever.

        Raises:
            JobFailed: it failed or was cancelled; the message says why.
            TimeoutError: it is still running after `timeout_s`.
        """
        from tqdm import tqdm

        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with tqdm(disable=None if progress else True, leave=False, unit="step") as bar:
            while (job := self.job(job_id)).state not in ENDED:
                bar.total, bar.n = job.steps or None, job.step
                bar.set_description(job.message or job.kind)
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError(f"job {job_id} ({job.kind}) is still {job.state} after {timeout_s} s")
                time.sleep(POLL_S)
        if job.state != "done":
            raise JobFailed(f"job {job_id} ({job.kind}) {job.state}: {job.error or 'no reason given'}")
        return job
