"""`fewclick import | embed | select | train | export`: the loop on a workspace, without a server."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.opened import ProjectName, Workspace, opened, project_named, wait_for
from app.commands.output import AsJson, checked_out, show, table


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    cli.command("import")(import_images)
    for command in (embed, select, train, export):
        cli.command()(command)


def import_images(
    workspace: Workspace,
    name: ProjectName,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of PNG, JPEG, TIFF and NIfTI images.")],
    group_by: Annotated[
        str | None, typer.Option(help="Regular expression whose first group names the patient, or `patient`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import images; duplicates and unreadable files are named and the rest goes in."""
    with opened(workspace) as service:
        project = project_named(service, name)
        report = service.import_paths(project.id, [str(p) for p in paths], group_by=group_by)
    whole = f" ({report.volumes} volumes as slices)" if report.volumes else ""
    lines = [f"{report.added} added{whole}, {len(report.duplicates)} duplicates, {len(report.rejected)} rejected"]
    lines += [f"  duplicate: {d.path} is {d.same_as}" for d in report.duplicates]
    lines += [f"  rejected: {r.path}: {r.reason}" for r in report.rejected]
    show(as_json, report.model_dump(mode="json"), "\n".join(lines))
    if not report.items:
        raise typer.Exit(2)


def embed(
    workspace: Workspace,
    name: ProjectName,
    encoder: Annotated[str | None, typer.Option(help="Make this the project's encoder; see `fewclick encoders`.")] = (
        None
    ),
    as_json: AsJson = False,
) -> None:
    """Encode the images that have no embedding yet."""
    with opened(workspace) as service:
        project = project_named(service, name)
        if encoder is not None and encoder != project.encoder:
            service.update_project(project.id, encoder=encoder)
        job = wait_for(service, service.start_embed(project.id))
    show(as_json, job.result or {}, f"embedded: {job.message or 'done'}")


def select(
    workspace: Workspace,
    name: ProjectName,
    n: Annotated[int | None, typer.Option(min=1, help="Images to choose; the project's batch size by default.")] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="See `fewclick strategies`, with settings as `probcover:delta=0.4`; the project's by default."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Choose the next batch and queue it for the annotators: a round."""
    from dataclasses import asdict

    from app.service import batches

    with opened(workspace) as service:
        project = project_named(service, name)
        job = wait_for(service, service.start_round(project.id, n=n, strategy=strategy, seed=seed))
        made = service.rounds(project.id)[-1]
        chosen = batches.of_round(service.context, project.id, made.number)
    document = {"round": made.model_dump(mode="json"), "items": [asdict(entry) for entry in chosen], "job_id": job.id}
    rows = [[c.item_id, c.name, "-" if c.score is None else f"{c.score:.4g}", c.reason] for c in chosen]
    text = f"round {made.number}: {made.reason}\n{table(rows, header=('item', 'name', 'score', 'why'))}"
    show(as_json, document, text)


def train(workspace: Workspace, name: ProjectName, as_json: AsJson = False) -> None:
    """Train the head on all accepted annotations and report how good it is."""
    with opened(workspace) as service:
        project = project_named(service, name)
        job = wait_for(service, service.start_train(project.id))
    result = job.result or {}
    show(as_json, result, table([[key, value] for key, value in result.items()]))


def export(
    workspace: Workspace,
    name: ProjectName,
    out: Annotated[Path, typer.Argument(help="Zip file to write.")],
    format: Annotated[str, typer.Option(help="coco, masks or csv.")],
    as_json: AsJson = False,
) -> None:
    """Write the newest accepted annotations to a zip file."""
    checked_out(out)
    with opened(workspace) as service:
        project = project_named(service, name)
        service.export(project.id, format, out)
    show(as_json, {"path": str(out), "bytes": out.stat().st_size}, f"wrote {out} ({out.stat().st_size:,} bytes)")
