"""`fewclick project create`."""

from typing import Annotated

import typer

from app.commands.opened import ProjectName, Workspace, opened
from app.commands.output import AsJson, show


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    group = typer.Typer(help="Make projects.", no_args_is_help=True, rich_markup_mode=None)
    group.callback()(_group)
    group.command()(create)
    cli.add_typer(group, name="project")


def _group() -> None:
    """Make projects."""


def create(
    workspace: Workspace,
    name: ProjectName,
    task: Annotated[str, typer.Option(help="segmentation (objects with masks) or classification (a label an image).")],
    classes: Annotated[str, typer.Option(help="Class names, separated by commas.")],
    encoder: Annotated[str, typer.Option(help="See `fewclick encoders`.")] = "builtin",
    segmenter: Annotated[str, typer.Option(help="See `fewclick segmenters`.")] = "builtin",
    head: Annotated[str, typer.Option(help="See `fewclick heads`.")] = "default",
    cold_start: Annotated[str, typer.Option(help="Strategy of the first batch.")] = "default",
    strategy: Annotated[
        str, typer.Option(help="Strategy of later rounds; see `fewclick strategies`. Settings follow: `power:beta=2`.")
    ] = "default",
    batch_size: Annotated[int, typer.Option(min=1, help="Images asked per round.")] = 20,
    second_read_share: Annotated[
        float, typer.Option(min=0, max=1, help="Part of the annotated images that a second person reads blind.")
    ] = 0.0,
    adjudicate_below: Annotated[
        float, typer.Option(min=0, max=1, help="Mean Dice of two readers below which somebody decides.")
    ] = 0.8,
    gold_share: Annotated[float, typer.Option(min=0, max=1, help="Part of an annotator's images that are gold.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Make a project in a workspace."""
    from app.api.schemas import ProjectIn

    wanted = ProjectIn.model_validate(
        {
            "name": name, "task": task, "classes": [c.strip() for c in classes.split(",") if c.strip()],
            "encoder": encoder, "segmenter": segmenter, "head": head, "cold_start": cold_start, "strategy": strategy,
            "batch_size": batch_size, "second_read_share": second_read_share, "adjudicate_below": adjudicate_below,
            "gold_share": gold_share,
        }
    )  # fmt: skip
    with opened(workspace) as service:
        project = service.create_project(**wanted.model_dump())
    text = f"made {project.task} project {project.name!r} with {', '.join(c.name for c in project.classes)}"
    show(as_json, project.model_dump(mode="json"), text)
