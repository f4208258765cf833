"""`fewclick init | serve`: make a workspace, serve it."""

from typing import Annotated

import typer

from app.commands.opened import Workspace
from app.commands.output import AsJson, show


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    cli.command()(init)
    cli.command()(serve)


def init(workspace: Workspace, as_json: AsJson = False) -> None:
    """Make a workspace: a folder with the database, images, embeddings and models."""
    from app.errors import WorkspaceError
    from app.service.service import open_workspace

    if (workspace / "fewclick.db").exists():
        raise WorkspaceError(f"{workspace} is a workspace already; serve it with `fewclick serve {workspace}`")
    open_workspace(workspace, create=True).close()
    show(
        as_json, {"workspace": str(workspace)}, f"made {workspace}; next: fewclick project create {workspace} NAME ..."
    )


def serve(
    workspace: Workspace,
    host: Annotated[str, typer.Option(help="Address to listen on; others than this machine's own need a login.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 7860,
    token: Annotated[
        str | None, typer.Option(envvar="FEWCLICK_TOKEN", help="Secret that programs and people log in with.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the page at /ui and the API at /v1."""
    from app.server import serve as run

    show(as_json, {"url": f"http://{host}:{port}/ui"}, f"Fewclick at http://{host}:{port}/ui  (Ctrl-C stops it)")
    run(workspace, host=host, port=port, token=token)
