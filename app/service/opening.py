"""Opens a workspace: its database, files, models and jobs behind one `AnnotationService`."""

from pathlib import Path

from app.errors import WorkspaceError
from app.jobs.runner import SubprocessRunner
from app.service.context import FOLDERS, Context, JobRunner
from app.service.images import ImageCache
from app.service.models import ModelSource, RegistryModels
from app.service.prompting import Prompter
from app.service.service import AnnotationService
from app.settings import Settings, load_settings
from app.store.database import open_database
from app.store.files import BlobStore

DATABASE = "fewclick.db"


def open_workspace(
    path: Path,
    *,
    create: bool = False,
    settings: Settings | None = None,
    models: ModelSource | None = None,
    runner: JobRunner | None = None,
) -> AnnotationService:
    """Open a workspace folder.

    Args:
        path: the folder.
        create: make it where it is missing.
        settings: None reads the environment and the folder's `settings.toml`.
        models: where models come from; None is the registries.
        runner: who runs jobs; None starts a process for each.

    Raises:
        WorkspaceError: the folder is no workspace and `create` is False, or a newer version made it.
    """
    path = path.resolve()
    if not (path / DATABASE).is_file() and not create:
        raise WorkspaceError(f"{str(path)!r} is no workspace: make one with `fewclick init {path}`")
    for name in FOLDERS:
        (path / name).mkdir(parents=True, exist_ok=True)
    settings = settings or load_settings(path)
    db = open_database(path / DATABASE)
    blobs = BlobStore(path)
    images = ImageCache(blobs, max_bytes=int(settings.image_cache_mb * 1e6))
    models = models or RegistryModels(allow_download=settings.allow_download)
    return AnnotationService(
        Context(
            folder=path,
            settings=settings,
            db=db,
            blobs=blobs,
            images=images,
            models=models,
            prompter=Prompter(models, images, settings),
            runner=runner or SubprocessRunner(path, db),
        )
    )
