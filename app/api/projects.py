"""Endpoints of projects: settings, import, queue, long work, export."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from app import __version__
from app.api.deps import Config, Person, Service, annotator_of
from app.api.schemas import (
    ExportIn,
    Health,
    ImportIn,
    ImportReport,
    Item,
    Job,
    NextIn,
    Project,
    ProjectIn,
    ProjectPatch,
    Projects,
    Registry,
    RoundIn,
    Rounds,
    Strategies,
    Upcoming,
)
from app.errors import Forbidden, InvalidRequest
from app.settings import Settings

router = APIRouter(prefix="/v1", tags=["projects"])


@router.get("/health")
def health(service: Service) -> Health:
    """Whether the server is up; needs no log-in."""
    return Health.model_validate({"status": "ok", "version": __version__, "schema": service.schema_revision()})


@router.get("/registry")
def registry(service: Service) -> Registry:
    """All methods that can be chosen by name."""
    return service.registry()


@router.get("/projects")
def projects(service: Service) -> Projects:
    """All projects, oldest first."""
    return Projects(projects=service.list_projects())


@router.post("/projects", status_code=201)
def create_project(body: ProjectIn, service: Service, settings: Config) -> Project:
    """Make a project."""
    _guard_specs(settings, body.encoder, body.segmenter)
    made = service.create_project(**body.model_dump())
    service.load_segmenter(made.id)
    return made


@router.get("/projects/{project_id}")
def project(project_id: int, service: Service) -> Project:
    """One project with its counts."""
    return service.project(project_id)


@router.patch("/projects/{project_id}")
def change_project(project_id: int, body: ProjectPatch, service: Service, settings: Config) -> Project:
    """Change settings; classes may only be appended."""
    _guard_specs(settings, body.encoder or "", body.segmenter or "")
    changed = service.update_project(project_id, **body.model_dump(exclude_none=True))
    service.load_segmenter(project_id)
    return changed


@router.post(
    "/projects/{project_id}/images",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["files"],
                        "properties": {
                            "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                            "group_by": {"type": "string"},
                        },
                    }
                }
            },
        }
    },
)
async def upload(project_id: int, request: Request, service: Service, settings: Config) -> ImportReport:
    """Import uploads. Each part's filename is its relative path; every file gets a line in the report or goes in."""
    async with request.form(max_files=settings.max_upload_files, max_fields=10) as form:
        parts = form.getlist("files")
        files = [(part.filename or "", part.file) for part in parts if isinstance(part, UploadFile)]
        if len(files) < len(parts) or not files:
            raise InvalidRequest("send one or more parts named `files`, each with a filename that is its relative path")
        group_by = form.get("group_by")
        if isinstance(group_by, UploadFile):
            raise InvalidRequest("`group_by` is a text field, not a file")
        return await run_in_threadpool(service.import_files, project_id, files, group_by or None)


@router.post("/projects/{project_id}/import")
def import_paths(project_id: int, body: ImportIn, service: Service, settings: Config) -> ImportReport:
    """Import files and folders of the server's own disk."""
    for path in body.paths:
        _guard_path(settings, path)
    return service.import_paths(project_id, body.paths, body.group_by)


@router.post("/projects/{project_id}/next", responses={204: {"description": "nothing is queued"}})
def next_item(project_id: int, body: NextIn, service: Service, person: Person, response: Response) -> Item | None:
    """Lease the next queued item."""
    item = service.next_item(project_id, annotator_of(person, body.annotator), body.exclude)
    if item is None:
        response.status_code = 204
    return item


@router.get("/projects/{project_id}/upcoming")
def upcoming(project_id: int, service: Service, person: Person, annotator: str | None = None) -> Upcoming:
    """Items that are likely to come next; no lease is taken."""
    return Upcoming(items=service.upcoming(project_id, annotator_of(person, annotator)))


@router.post("/projects/{project_id}/embed", status_code=202)
def start_embed(project_id: int, service: Service) -> Job:
    """Encode all images that are not encoded yet."""
    return service.start_embed(project_id)


@router.post("/projects/{project_id}/train", status_code=202)
def start_train(project_id: int, service: Service) -> Job:
    """Train the head on all accepted annotations."""
    return service.start_train(project_id)


@router.post("/projects/{project_id}/rounds", status_code=202)
def start_round(project_id: int, body: RoundIn, service: Service) -> Job:
    """Train where there are labels, choose the next batch and queue it."""
    return service.start_round(project_id, body.n, body.strategy, body.seed)


@router.get("/projects/{project_id}/strategies")
def strategies(project_id: int, service: Service) -> Strategies:
    """The strategies that the next round can feed, with their settings."""
    return service.strategies(project_id)


@router.get("/projects/{project_id}/rounds")
def rounds(project_id: int, service: Service) -> Rounds:
    """All rounds, oldest first."""
    return Rounds(rounds=service.rounds(project_id))


@router.post(
    "/projects/{project_id}/exports",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}}},
)
def export(project_id: int, body: ExportIn, service: Service) -> StreamingResponse:
    """The newest accepted annotations as a zip file."""
    folder = tempfile.TemporaryDirectory(dir=service.tmp(), prefix="export-")
    try:
        file = service.export(project_id, body.format, Path(folder.name) / "export.zip")
    except BaseException:
        folder.cleanup()
        raise
    name = f"project-{project_id}-{body.format}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(file.stat().st_size)}
    return StreamingResponse(_chunks(file, folder), media_type="application/zip", headers=headers)


def _chunks(file: Path, folder: "tempfile.TemporaryDirectory[str]") -> Iterator[bytes]:
    """A file's bytes; its folder goes when they are sent or the reader leaves."""
    with folder, file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            yield chunk


def _guard_path(settings: Settings, path: str) -> None:
    """Refuse paths of the server's disk to callers from other machines, unless the settings allow the folder."""
    if settings.is_loopback:
        return
    asked = Path(path).resolve()
    if not any(asked.is_relative_to(root.resolve()) for root in settings.import_roots):
        raise Forbidden(
            f"{json.dumps(path)} is outside the folders that this server imports from; "
            "upload the files, or have the operator add the folder to `import_roots`"
        )


def _guard_specs(settings: Settings, *specs: str) -> None:
    """Refuse model files of the server's disk like any other path."""
    for spec in specs:
        rest = spec.partition(":")[2]
        for part in (rest, rest.partition(":")[2]):
            if part and (part.startswith(("/", "~", ".")) or Path(part).exists()):
                _guard_path(settings, part)
