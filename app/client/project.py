"""A project on the server: upload, rounds, items, training, export."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from app.api.schemas import (
    Adaptation,
    Adaptations,
    AdaptIn,
    ClassInfo,
    CompareIn,
    Comparison,
    Counts,
    ExportIn,
    ImportIn,
    ImportReport,
    ItemFilter,
    ItemState,
    ItemSummary,
    Job,
    LeaseIn,
    NextIn,
    ProjectPatch,
    Report,
    Round,
    RoundIn,
    Rounds,
    Strategies,
    Task,
)
from app.api.schemas import Item as ItemWire
from app.api.schemas import Project as ProjectState
from app.client.item import Item
from app.client.overview import OverviewCalls
from app.client.reads import ReadCalls
from app.client.records import RecordCalls
from app.client.training import TrainReport, train_report
from app.client.transport import parsed
from app.client.upload import batches, collect, merged
from app.errors import InvalidRequest

if TYPE_CHECKING:
    from app.client.client import Client

PAGE_SIZE = 500
ExportFormat = Literal["coco", "masks", "csv"]


class Project(OverviewCalls, ReadCalls, RecordCalls):
    """One project; its state is that of the last call, `refresh` reads it anew."""

    def __init__(self, client: Client, state: ProjectState) -> None:
        self._client = client
        self._transport = client._transport
        self._state = state

    def __repr__(self) -> str:
        return f"Project(id={self.id}, name={self.name!r}, task={self.task!r})"

    @property
    def name(self) -> str:
        """Its name."""
        return self._state.name

    @property
    def task(self) -> Task:
        """Segmentation or classification."""
        return self._state.task

    @property
    def classes(self) -> list[ClassInfo]:
        """Its classes, ids from 1."""
        return self._state.classes

    @property
    def counts(self) -> Counts:
        """Images by state, as of the last call of `refresh`."""
        return self._state.counts

    @property
    def state(self) -> ProjectState:
        """All settings and counts, as of the last call of `refresh`."""
        return self._state

    def refresh(self) -> Project:
        """Read the project's state anew."""
        self._state = self._transport.ask(ProjectState, "GET", self._path())
        return self

    def update(self, settings: ProjectPatch) -> Project:
        """Change settings; those that are None stay."""
        self._state = self._transport.ask(ProjectState, "PATCH", self._path(), body=settings, repeatable=True)
        return self

    def upload(
        self, source: str | Path | Iterable[str | Path], *, group_by: str | None = None, progress: bool = True
    ) -> ImportReport:
        """Send images from this machine; folders keep their structure in the items' names.

        Args:
            source: a folder, a file or several of them; hidden files are left out.
            group_by: a regular expression whose first group names the patient, or `patient` for the top folder.
            progress: show a bar on stderr when that is a terminal; elsewhere nothing is written.

        Returns:
            How many went in, which were there already and which were refused, with the reason.
        """
        from tqdm import tqdm

        files = collect(source)
        if not files:
            raise InvalidRequest(f"no files to upload in {source!r}")
        report = ImportReport()
        with tqdm(total=len(files), disable=None if progress else True, unit="image", desc="upload") as bar:
            for batch in batches(files):
                with ExitStack() as stack:
                    parts = [("files", (f.name, stack.enter_context(f.path.open("rb")))) for f in batch]
                    data = {"group_by": group_by} if group_by else None
                    answer = self._transport.send("POST", self._path("images"), files=parts, data=data)
                report = merged(report, parsed(ImportReport, answer))
                bar.update(len(batch))
        return report

    def import_folder(self, *paths: str, group_by: str | None = None) -> ImportReport:
        """Import files and folders that lie on the server."""
        body = ImportIn(paths=list(paths), group_by=group_by)
        return self._transport.ask(ImportReport, "POST", self._path("import"), body=body)

    def embed(self, *, wait: bool = True, progress: bool = True) -> Job:
        """Encode the images that have no embedding yet."""
        return self._finish(self._transport.ask(Job, "POST", self._path("embed")), wait, progress)

    def start_round(
        self,
        n: int | None = None,
        *,
        strategy: str | None = None,
        seed: int = 0,
        wait: bool = True,
        progress: bool = True,
    ) -> Job:
        """Choose the next batch: embeds what is new, trains where there are labels, then selects and queues.

        Args:
            n: images to ask; None is the project's batch size.
            strategy: query strategy, alone or with settings (`probcover:delta=0.4`); None is the project's own (cold
                start first).
            seed: of every random choice.
            wait: return when the batch is queued; False returns at once.
            progress: show a bar on stderr when that is a terminal; elsewhere nothing is written.

        Raises:
            Busy: another job of this project runs.
            EmptyPool: nothing is left to ask.
        """
        body = RoundIn(n=n, strategy=strategy, seed=seed)
        return self._finish(self._transport.ask(Job, "POST", self._path("rounds"), body=body), wait, progress)

    def strategies(self) -> Strategies:
        """List the strategies that the next round can feed, with their settings, and the one that it would take."""
        return self._transport.ask(Strategies, "GET", self._path("strategies"))

    def rounds(self) -> list[Round]:
        """List the rounds so far, with the learning curve."""
        return self._transport.ask(Rounds, "GET", self._path("rounds")).rounds

    def report(self) -> Report:
        """Read what labels cost, what they brought, and whether to go on."""
        return self._transport.ask(Report, "GET", self._path("report"))

    def compare(self, *, seed: int = 0, wait: bool = True, progress: bool = True) -> Comparison | None:
        """Train heads on chosen and on random images, to see whether choosing pays; with `wait=False` returns None.

        Raises:
            JobFailed: too few control or audit images are labeled yet; the message says how many.
        """
        started = self._transport.ask(Job, "POST", self._path("comparisons"), body=CompareIn(seed=seed))
        self._finish(started, wait, progress)
        return self.report().control.comparison if wait else None

    def train(self, *, wait: bool = True, progress: bool = True) -> TrainReport:
        """Train the head on all accepted annotations; with `wait=False` the report is empty yet."""
        job = self._finish(self._transport.ask(Job, "POST", self._path("train")), wait, progress)
        return train_report(job)

    def adapt(self, *, seed: int = 0, wait: bool = True, progress: bool = True) -> Adaptation | None:
        """Adapt the promptable model to the accepted masks; it is taken into use if it is better on others.

        Args:
            seed: of every random choice.
            wait: return when it is done; False returns None at once.
            progress: show a bar on stderr when that is a terminal; elsewhere nothing is written.

        Raises:
            JobFailed: too few images hold a mask that somebody drew or corrected, among other reasons.
            CheckpointError: the project's promptable model cannot be adapted.
        """
        started = self._transport.ask(Job, "POST", self._path("adaptations"), body=AdaptIn(seed=seed))
        job = self._finish(started, wait, progress)
        return next((made for made in self.adaptations() if made.job_id == job.id), None) if wait else None

    def adaptations(self) -> list[Adaptation]:
        """List the attempts to adapt the promptable model, oldest first; at most one is in use."""
        return self._transport.ask(Adaptations, "GET", self._path("adaptations")).adaptations

    def rollback_adaptation(self) -> list[Adaptation]:
        """Go back to the promptable model that the one in use was made from; returns all attempts.

        Raises:
            Conflict: the model is as shipped.
        """
        answer = self._transport.ask(Adaptations, "POST", self._path("adaptations", "rollback"))
        self.refresh()
        return answer.adaptations

    def next_item(self, *, annotator: str | None = None, exclude: Sequence[int] = ()) -> Item | None:
        """Lease the next image to annotate; None when nothing is queued."""
        body = NextIn(annotator=annotator, exclude=list(exclude))
        response = self._transport.send("POST", self._path("next"), body=body)
        if response.status_code == 204:
            return None
        return Item(self, parsed(ItemWire, response))

    def item(self, item_id: int) -> Item:
        """Read one image by its id, without a lease."""
        return Item(self, self._transport.ask(ItemWire, "GET", f"/v1/items/{item_id}"))

    def lease(self, item_id: int, *, annotator: str | None = None) -> Item:
        """Lease this very image, whatever its state, to look at it again or to correct it."""
        body = LeaseIn(annotator=annotator)
        return Item(self, self._transport.ask(ItemWire, "POST", f"/v1/items/{item_id}/lease", body=body))

    def items(self, state: ItemState | None = None, *, flagged: bool | None = None) -> list[ItemSummary]:
        """List the images, all or those of one state, flagged for another look or not."""
        found: list[ItemSummary] = []
        while True:
            page = self._page(ItemFilter(state=state, flagged=flagged, offset=len(found), limit=PAGE_SIZE))
            found.extend(page.items)
            if not page.items or len(found) >= page.total:
                return found

    def export(self, format: str, path: str | Path) -> Path:
        """Write the newest accepted annotations to a zip file: `coco`, `masks` or `csv`."""
        out = Path(path)
        if format not in get_args(ExportFormat):
            raise InvalidRequest(f"unknown export format {format!r}; known: {', '.join(get_args(ExportFormat))}")
        handle, part = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=".part")
        try:
            body = ExportIn(format=cast(ExportFormat, format))
            with os.fdopen(handle, "wb") as file, self._transport.stream("POST", self._path("exports"), body=body) as b:
                for piece in b:
                    file.write(piece)
            os.replace(part, out)
        except BaseException:
            os.unlink(part)
            raise
        return out

    def _finish(self, job: Job, wait: bool, progress: bool) -> Job:
        """Wait for a job where asked to, and read the new counts."""
        if not wait:
            return job
        done = self._client.wait(job.id, progress=progress)
        self.refresh()
        return done
