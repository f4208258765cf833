"""`fewclick init | serve`: make a workspace, serve it."""

from typing import Annotated

import typer

from app.commands.opened import Workspace, opened
from app.commands.output import AsJson, show


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    cli.command()(init)
    cli.command()(serve)


def init(workspace: Workspace, as_json: AsJson = False) -> None:
    """Make a workspace: a folder with the database, images, embeddings, models. One that is there stays as it is."""
    from app.service import open_workspace

    is_new = not (workspace / "fewclick.db").exists()
    open_workspace(workspace, create=True).close()
    text = f"made {workspace}" if is_new else f"{workspace} is a workspace already; nothing was changed"
    hint = f"next: fewclick project create {workspace} NAME --task segmentation --classes a,b"
    show(as_json, {"workspace": str(workspace), "created": is_new}, f"{text}\n{hint}" if is_new else text)


def serve(
    workspace: Workspace,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, by default 127.0.0.1; any other needs a login.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on, by default 7860.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="FEWCLICK_TOKEN", help="Secret that programs and people log in with.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the page at /ui and the API at /v1."""
    from app.security import check_exposure
    from app.settings import load_settings

    with opened(workspace) as service:
        has_users = bool(service.accounts())
    settings = load_settings(workspace, host=host, port=port, token=token)
    check_exposure(settings, has_users=has_users)
    url = f"http://{settings.host}:{settings.port}/ui"
    show(as_json, {"url": url}, f"Fewclick at {url}  (Ctrl-C stops it)")
    from app.server import serve as run

    run(workspace, host=host, port=port, token=token)
