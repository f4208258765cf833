"""`fewclick doctor`: is this installation sound?"""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import AsJson, show


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    cli.command()(doctor)


def doctor(
    workspace: Annotated[Path | None, typer.Argument(help="Check this workspace too.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port that the server would use.")] = 7860,
    as_json: AsJson = False,
) -> None:
    """Check versions, device, weights, store and browser; exit code 1 where something fails."""
    from app.doctor import examine

    findings = examine(workspace, port)
    lines = []
    for finding in findings:
        lines.append(f"{finding.state}  {finding.check}: {finding.found}")
        if finding.fix:
            lines.append(f"      {finding.fix}")
    show(as_json, [finding.as_dict() for finding in findings], "\n".join(lines))
    if any(finding.state == "FAIL" for finding in findings):
        raise typer.Exit(1)
