"""`fewclick report`: what a project's labels cost, what they brought, and whether to go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.opened import ProjectName, opened, project_named, wait_for
from app.commands.output import AsJson, checked_out, show, table, write_json

if TYPE_CHECKING:
    from app.api.schemas import Report

Place = Annotated[str, typer.Argument(help="Folder of the workspace, or URL of a server.", metavar="WORKSPACE_OR_URL")]


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    cli.command()(report)


def report(
    place: Place,
    name: ProjectName,
    compare: Annotated[
        bool, typer.Option("--compare", help="First train heads on chosen and on random images, and compare them.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON to this file, too.")] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="FEWCLICK_TOKEN", help="Token, where a server asks for one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a project's labels cost, what they brought, and whether the next batch is worth its time."""
    if out is not None:
        checked_out(out)
    is_url = place.startswith(("http://", "https://"))
    found = _of_server(place, name, token, compare) if is_url else _of_workspace(Path(place), name, compare)
    document = found.model_dump(mode="json")
    if out is not None:
        write_json(out, document)
    show(as_json, document, _text(found))


def _of_workspace(workspace: Path, name: str, compare: bool) -> Report:
    """The report of a project of this machine."""
    with opened(workspace) as service:
        project = project_named(service, name)
        if compare:
            wait_for(service, service.start_compare(project.id))
        return service.report(project.id)


def _of_server(url: str, name: str, token: str | None, compare: bool) -> Report:
    """The report of a project of a server."""
    from app.client import Client

    with Client(url, token=token) as fewclick:
        project = fewclick.project(name)
        if compare:
            project.compare()
        return project.report()


def _text(found: Report) -> str:
    """The report for people: the advice first, then what it rests on."""
    minutes = found.seconds / 60
    spent = f"{found.n_labeled} images labeled in {minutes:.1f} minutes and {found.clicks} clicks"
    if found.n_objects:
        spent += f"; {found.n_objects} objects, {found.seconds / found.n_objects:.1f} s and "
        spent += f"{found.clicks / found.n_objects:.1f} clicks each"
    parts = [f"{found.project} ({found.task}): {spent}", found.advice.sentence]
    if found.curve:
        way = "on the audit set" if found.curve_on == "audit" else "by cross-fitting"
        rows = [
            [p.round, p.n_labeled, f"{p.seconds:.0f}", p.clicks, f"{p.value:.3f}", _interval(p.ci95)]
            for p in found.curve
        ]
        metric = (found.metric or "value").replace("_", " ")
        header = ("round", "images", "seconds", "clicks", f"{metric} {way}", "95 % interval")
        parts.append(table(rows, header=header))
    else:
        parts.append("No learning curve yet: it begins with the first round that trains on labels.")
    parts += [f"Audit set: {found.audit.note}", f"Control arm: {found.control.note}"]
    parts += [f"{check.name}: {check.advice}" for check in found.advice.checks]
    return "\n".join(parts)


def _interval(ci95: tuple[float, float] | None) -> str:
    """An interval in a table."""
    return "-" if ci95 is None else f"{ci95[0]:.3f} - {ci95[1]:.3f}"
