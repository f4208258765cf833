"""`AnnotationService`: all that a page, a request, a command or a job can do, over one opened workspace.

Every method is one use case, implemented in the file beside this one that has its name. Any thread may call them.

Locks, in the order in which they may be taken; none is held while waiting for a person or a job:
1. the turn to write (`Database.write`), never held while a model runs or a file is read;
2. the books of a cache (images, encoded images, logits), held for moments;
3. the single flight of one image's encoding;
4. last, a model's own lock: one for encoding, one for predicting, never both, never two models'.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from pydantic import JsonValue, ValidationError

from app.api import schemas
from app.errors import InvalidRequest
from app.service import adaptations, annotate, exports, items, jobs, pool, projects, queue, registries, report
from app.service.context import Context, secret_of
from app.service.overview_verbs import OverviewVerbs
from app.service.read_verbs import ReadVerbs
from app.service.record_verbs import RecordVerbs
from app.service.user_verbs import UserVerbs
from app.service.volume_verbs import VolumeVerbs
from app.service.window_verbs import WindowVerbs
from app.service.work import WorkService
from app.settings import Settings
from app.store.database import revision_of


class AnnotationService(OverviewVerbs, ReadVerbs, RecordVerbs, UserVerbs, VolumeVerbs, WindowVerbs, WorkService):
    """The one use-case layer. Get one from `open_workspace`; close it, or use it in a `with` block."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def __enter__(self) -> "AnnotationService":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of threads and connections; jobs go on."""
        self.context.prompter.close()
        self.context.db.close()

    @property
    def settings(self) -> Settings:
        """The settings that the workspace was opened with."""
        return self.context.settings

    def schema_revision(self) -> str:
        """Revision of the database's schema."""
        return revision_of(self.context.db) or "none"

    def secret(self) -> str:
        """The workspace's secret for signing cookies."""
        return secret_of(self.context.folder)

    def tmp(self) -> Path:
        """Folder for files that nobody needs tomorrow; on the same file system as the rest."""
        return self.context.folder / "tmp"

    # projects ---------------------------------------------------------------------------------------------------

    def list_projects(self) -> list[schemas.Project]:
        """All projects, oldest first."""
        return projects.listing(self.context)

    def create_project(self, name: str, *, task: str, classes: Sequence[str], **settings: object) -> schemas.Project:
        """Make a project; `settings` are those of `ProjectIn`."""
        try:
            body = schemas.ProjectIn.model_validate({"name": name, "task": task, "classes": list(classes), **settings})
        except ValidationError as error:
            raise InvalidRequest(_first_problem(error)) from error
        return projects.create(self.context, body)

    def project(self, project_id: int) -> schemas.Project:
        """One project with its counts."""
        return projects.get(self.context, project_id)

    def update_project(self, project_id: int, **settings: object) -> schemas.Project:
        """Change settings; those of `ProjectPatch`."""
        try:
            body = schemas.ProjectPatch.model_validate(settings)
        except ValidationError as error:
            raise InvalidRequest(_first_problem(error)) from error
        return projects.change(self.context, project_id, body)

    def registry(self) -> schemas.Registry:
        """All methods that can be chosen by name."""
        return registries.registry()

    def strategies(self, project_id: int) -> schemas.Strategies:
        """The strategies that a project's next round can feed, with their settings."""
        return registries.strategies_for(self.context, project_id)

    # pool -------------------------------------------------------------------------------------------------------

    def import_paths(
        self, project_id: int, paths: Sequence[Path | str], group_by: str | None = None
    ) -> schemas.ImportReport:
        """Import files and folders of this machine."""
        return pool.import_paths(self.context, project_id, [Path(path) for path in paths], group_by)

    def import_files(
        self, project_id: int, files: Iterable[tuple[str, BinaryIO]], group_by: str | None = None
    ) -> schemas.ImportReport:
        """Import uploads: relative path and stream of each."""
        return pool.import_files(self.context, project_id, files, group_by)

    # items ------------------------------------------------------------------------------------------------------

    def item(self, item_id: int) -> schemas.Item:
        """One item; its lease's token is left out."""
        return items.get(self.context, item_id)

    def items(
        self,
        project_id: int,
        state: schemas.ItemState | None = None,
        offset: int = 0,
        limit: int = 100,
        flagged: bool | None = None,
    ) -> schemas.ItemPage:
        """A page of a project's items in the order of import."""
        asked = schemas.ItemFilter(state=state, flagged=flagged, offset=offset, limit=limit)
        return self.find_items(project_id, asked)

    def pixels(self, item_id: int) -> np.ndarray:
        """Raw pixels, (H, W) or (H, W, 3), uint8 or uint16."""
        return items.pixels(self.context, item_id)

    def content_hash(self, item_id: int) -> str:
        """SHA-256 of the image file's bytes."""
        return str(items.row_of(self.context, item_id)["content_hash"])

    def thumbnail(self, item_id: int) -> bytes:
        """A small WebP picture."""
        return items.thumbnail(self.context, item_id)

    def suggestion(self, item_id: int) -> schemas.Suggestion:
        """What the head thinks of an item."""
        return items.suggestion(self.context, item_id)

    def uncertainty(self, item_id: int) -> bytes:
        """How unsure the head is of each pixel: a small grey PNG, 0 sure, 255 as unsure as can be."""
        return items.uncertainty(self.context, item_id)

    def prepare(self, item_id: int, window: schemas.WindowIn | None = None) -> None:
        """Have an image encoded for prompts when nobody clicks."""
        items.prepare(self.context, item_id, window)

    def load_segmenter(self, project_id: int) -> None:
        """Have the project's promptable model loaded when nobody clicks, so that the first click need not wait."""
        if self.project(project_id).task == "segmentation":
            self.context.prompter.load_soon(items.segmenter_of(self.context, project_id))

    def warm_up(self, project_id: int) -> None:
        """Load the project's promptable model now."""
        if self.project(project_id).task == "segmentation":
            self.context.prompter.load(items.segmenter_of(self.context, project_id))

    def predict(self, item_id: int, request: schemas.PredictRequest) -> schemas.PredictAnswer:
        """Turn the prompts of one object into a mask."""
        return items.predict(self.context, item_id, request)

    # queue ------------------------------------------------------------------------------------------------------

    def next_item(
        self, project_id: int, annotator: str | None = None, exclude: Sequence[int] = ()
    ) -> schemas.Item | None:
        """Lease the next queued item; None when there is none."""
        return queue.next_item(self.context, project_id, annotator, exclude)

    def upcoming(self, project_id: int, annotator: str | None = None) -> list[int]:
        """Ids of the items that are likely to come next."""
        return queue.upcoming(self.context, project_id, annotator)

    def lease(self, item_id: int, annotator: str | None = None) -> schemas.Item:
        """Lease this very item, to correct it."""
        return queue.lease(self.context, item_id, annotator)

    def heartbeat(self, item_id: int, lease_token: str) -> datetime:
        """Extend a lease; returns its new end."""
        return queue.heartbeat(self.context, item_id, lease_token)

    def release(self, item_id: int, lease_token: str) -> None:
        """Give an item back unanswered."""
        queue.release(self.context, item_id, lease_token)

    # annotations ------------------------------------------------------------------------------------------------

    def save_draft(self, item_id: int, lease_token: str, draft: JsonValue) -> None:
        """Keep unfinished work."""
        annotate.save_draft(self.context, item_id, lease_token, draft)

    def draft(self, item_id: int, annotator: str | None = None) -> JsonValue:
        """An annotator's draft, or the newest of anyone."""
        return annotate.draft(self.context, item_id, annotator)

    def annotate(self, item_id: int, annotation: schemas.AnnotationIn) -> schemas.AnnotationReceipt:
        """Accept an annotation; it is on disk when this returns."""
        return annotate.annotate(self.context, item_id, annotation)

    def history(self, item_id: int) -> list[schemas.Annotation]:
        """All versions of an item's annotation."""
        return annotate.history(self.context, item_id)

    def skip(self, item_id: int, lease_token: str, reason: str = "") -> None:
        """Put an item aside."""
        annotate.skip(self.context, item_id, lease_token, reason)

    # rounds and jobs --------------------------------------------------------------------------------------------

    def start_embed(self, project_id: int) -> schemas.Job:
        """Encode all images that are not encoded yet."""
        return jobs.start(self.context, project_id, "embed", {})

    def start_train(self, project_id: int) -> schemas.Job:
        """Train the head on all accepted annotations."""
        return jobs.start(self.context, project_id, "train", {})

    def start_round(
        self, project_id: int, n: int | None = None, strategy: str | None = None, seed: int = 0
    ) -> schemas.Job:
        """Train where there are labels, choose the next batch and queue it."""
        if strategy not in (None, "default"):
            projects.check_strategy(self.context, project_id, str(strategy))
        return jobs.start(self.context, project_id, "round", {"n": n, "strategy": strategy, "seed": seed})

    def start_adapt(self, project_id: int, seed: int = 0) -> schemas.Job:
        """Adapt the promptable model to the accepted masks; it is taken into use if it is better on others."""
        return adaptations.start(self.context, project_id, seed)

    def adaptations(self, project_id: int) -> schemas.Adaptations:
        """All attempts to adapt the promptable model, oldest first, and which one is in use."""
        return adaptations.listing(self.context, project_id)

    def rollback_adaptation(self, project_id: int) -> schemas.Adaptations:
        """Go back to the promptable model that the one in use was made from."""
        return adaptations.rollback(self.context, project_id)

    def report(self, project_id: int) -> schemas.Report:
        """What labels cost, what they brought, and whether to go on."""
        return report.report(self.context, project_id)

    def start_compare(self, project_id: int, seed: int = 0) -> schemas.Job:
        """Train heads on chosen and on random images, to see whether choosing pays."""
        return report.start_compare(self.context, project_id, seed)

    def rounds(self, project_id: int) -> list[schemas.Round]:
        """All rounds, oldest first."""
        return jobs.rounds(self.context, project_id)

    def job(self, job_id: int) -> schemas.Job:
        """One job."""
        return jobs.get(self.context, job_id)

    def cancel_job(self, job_id: int) -> schemas.Job:
        """Ask a job to stop."""
        return jobs.cancel(self.context, job_id)

    def job_events(self, job_id: int, after: int = 0) -> list[schemas.JobEvent]:
        """Events of a job after the one of this id."""
        return jobs.events(self.context, job_id, after)

    def export(self, project_id: int, format: str, out: Path) -> Path:
        """Write the newest accepted annotations to the zip file `out`."""
        return exports.export(self.context, project_id, format, out)


def _first_problem(error: ValidationError) -> str:
    """The first thing that a schema found, in one line."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
