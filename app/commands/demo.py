"""`fewclick demo`: a workspace with a sample pool, served."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import AsJson, show


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    cli.command()(demo)


def demo(
    data: Annotated[Path, typer.Option(help="Folder for the sample pool and its workspace.")] = Path(".demo"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 7860,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Prepare the workspace and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw a sample pool, embed it, choose a first batch, serve the page; a second start goes on from there."""
    from app.demo import prepare_demo

    made = prepare_demo(data, say=lambda text: typer.echo(text, err=True))
    url = f"http://127.0.0.1:{port}/ui"
    document = {"workspace": str(made), "url": None if no_serve else url}
    text = f"the sample workspace is {made}" if no_serve else f"Fewclick at {url}  (Ctrl-C stops it)"
    show(as_json, document, text)
    if not no_serve:
        from app.server import serve

        serve(made, host="127.0.0.1", port=port)
