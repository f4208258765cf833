"""Puts the house together: one FastAPI app with the API at /v1, the page at /ui and static files at /assets."""

import asyncio
import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Scope

from alcore.errors import AlcoreError
from app import __version__
from app.api import (
    adaptations,
    errors,
    items,
    jobs,
    login,
    overview,
    projects,
    reads,
    records,
    reports,
    users,
    volumes,
    windows,
    work,
)
from app.api.limits import BodyLimit
from app.api.log import RequestLog
from app.errors import FewclickError
from app.security import Auth, Gate, SecurityHeaders, check_exposure
from app.service import AnnotationService, open_workspace
from app.settings import Settings, load_settings
from prompts.errors import PromptError

REAP_EVERY_S = 2.0
STALE_UPLOAD_S = 3600.0
STATIC = Path(__file__).parent / "ui" / "static"
logger = logging.getLogger(__name__)


class _Revalidated(StaticFiles):
    """Static files that are asked for anew on each load (the ETag makes it cheap): no mix of old and new modules."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def create_app(
    workspace: Path, settings: Settings | None = None, *, service: AnnotationService | None = None, with_ui: bool = True
) -> FastAPI:
    """Build the server over a workspace, which is made where it is missing.

    Args:
        workspace: the folder.
        settings: None reads the environment and the folder's `settings.toml`.
        service: an opened service to use instead of opening the folder; the caller closes it.
        with_ui: False leaves the page out, and with it the seconds that Gradio takes to import.

    Raises:
        InvalidInput: the host is reachable from other machines and nobody would have to log in.
    """
    workspace = workspace.resolve()
    settings = settings or (service.settings if service else load_settings(workspace))
    own = None if service else open_workspace(workspace, create=True, settings=settings)
    service = service or own
    assert service is not None
    check_exposure(settings, has_users=bool(service.accounts()))
    # Swagger UI and ReDoc would load their code from elsewhere.
    app = FastAPI(
        title="Fewclick",
        version=__version__,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(service, close=own is not None),
    )
    app.state.service, app.state.settings = service, settings
    app.state.auth = Auth(settings, service.secret(), accounts=service.accounts)
    of_images = (items, windows, volumes)
    for part in (projects, adaptations, reports, overview, reads, records, work, *of_images, jobs, users, login):
        app.include_router(part.router)
    errors.install(app)
    _pages(app)
    if with_ui:
        app = _mount_page(app, service, settings)
    upload, other = int(settings.max_upload_mb * 1e6), int(settings.max_body_mb * 1e6)
    # The last one added is the first that a request meets.
    # An empty CORS policy of our own: without one Gradio reflects any origin, with credentials.
    app.add_middleware(CORSMiddleware, allow_origins=[], allow_credentials=False)
    app.add_middleware(GZipMiddleware, minimum_size=4096, compresslevel=1)
    app.add_middleware(BodyLimit, limit_of=lambda path: upload if path.endswith("/images") else other)
    app.add_middleware(Gate, auth=app.state.auth)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
    return app


def _pages(app: FastAPI) -> None:
    """Static files, the icon, and the way from / to the page."""
    STATIC.mkdir(parents=True, exist_ok=True)
    app.mount("/assets", _Revalidated(directory=STATIC), name="assets")

    @app.get("/favicon.ico", include_in_schema=False)
    def favicon() -> Response:
        icon = STATIC / "favicon.svg"
        return FileResponse(icon, media_type="image/svg+xml") if icon.is_file() else Response(status_code=204)

    @app.get("/", include_in_schema=False)
    def home(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/ui/")


def _mount_page(app: FastAPI, service: AnnotationService, settings: Settings) -> FastAPI:
    """Mount the Gradio page, told to keep to itself: no analytics, no hub, its files inside the workspace."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    if not settings.allow_download:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ["GRADIO_TEMP_DIR"] = str(service.tmp() / "gradio")
    import gradio

    from app.ui import build_ui, ui_kwargs

    page = build_ui(service, settings)
    mounted: FastAPI = gradio.mount_gradio_app(app, page, path="/ui", **ui_kwargs(settings))
    return mounted


Lifespan = Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]


def _lifespan(service: AnnotationService, *, close: bool) -> Lifespan:
    """What runs beside the requests: the reaper of jobs, and the first load of the models."""

    @contextlib.asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=_warm_up, args=(service,), name="warm-up", daemon=True).start()
        reaper = asyncio.create_task(_reap(service))
        try:
            yield
        finally:
            reaper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reaper
            if close:
                await asyncio.to_thread(service.close)

    return running


async def _reap(service: AnnotationService) -> None:
    """Look after jobs now and then; a database that is busy for long is no reason to give up."""
    while True:
        try:
            await asyncio.to_thread(service.context.runner.reap)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("jobs could not be looked after: %s", type(error).__name__)
        await asyncio.sleep(REAP_EVERY_S)


def _warm_up(service: AnnotationService) -> None:
    """Tidy what a killed server left, and load the models that projects use, so that the first click need not."""
    for file in service.tmp().glob("in-*"):
        if time.time() - file.stat().st_mtime > STALE_UPLOAD_S:
            file.unlink(missing_ok=True)
    for project in service.list_projects():
        try:
            service.warm_up(project.id)
        except (AlcoreError, PromptError, FewclickError, OSError) as error:
            logger.warning("a segmenter could not be loaded: %s", error)


def serve(workspace: Path, *, host: str | None = None, port: int | None = None, token: str | None = None) -> None:
    """Serve a workspace until the process is told to stop; None takes the setting.

    Raises:
        InvalidInput: the host is reachable from other machines and nobody would have to log in.
    """
    import uvicorn

    settings = load_settings(workspace, host=host, port=port, token=token)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    app = create_app(workspace, settings)
    tempfile.tempdir = str(app.state.service.tmp())  # uploads are patients' images: not into the system's folder
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, root_path=settings.root_path, log_config=None, access_log=False
    )
    uvicorn.Server(config).run()
