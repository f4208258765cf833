"""`fewclick adapt`: the project's click model learns from its accepted masks, or goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.opened import ProjectName, Workspace, opened, project_named, wait_for
from app.commands.output import AsJson, show, table

if TYPE_CHECKING:
    from app.api.schemas import Adaptation, Adaptations, ClickScores


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    cli.command()(adapt)


def adapt(
    workspace: Workspace,
    name: ProjectName,
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the model before the one in use.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List all attempts and change nothing.")] = False,
    automatically: Annotated[
        bool | None, typer.Option("--auto/--no-auto", help="Whether rounds adapt by themselves; nothing else is done.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Adapt the click model to the accepted masks; it is used if it is better on masks that were kept aside."""
    if sum((rollback, list_all, automatically is not None)) > 1:
        raise typer.BadParameter("--rollback, --list and --auto exclude each other; give one")
    with opened(workspace) as service:
        project = project_named(service, name)
        if automatically is not None:
            project = service.update_project(project.id, adapt_automatically=automatically)
            state = "after rounds" if automatically else "when told to"
            show(as_json, project.model_dump(mode="json"), f"{project.name!r} adapts its click model {state}")
            return
        if rollback:
            service.rollback_adaptation(project.id)
        elif not list_all:
            wait_for(service, service.start_adapt(project.id, seed))
        found = service.adaptations(project.id)
    made = None if rollback or list_all else found.adaptations[-1]
    show(as_json, (made or found).model_dump(mode="json"), _one(made) if made else _all(found))


def _one(made: Adaptation) -> str:
    """What came of an attempt."""
    learned = f"learned from {made.n_images} images, measured on {made.n_held_out} others"
    rows = [["as it was", *_cells(made.before)], ["adapted", *_cells(made.after)]]
    return f"{made.reason}\n{learned}\n{table(rows, header=('', *HEADER))}"


def _all(found: Adaptations) -> str:
    """All attempts, and what is in use."""
    rows = [
        [a.id, a.parent_id or "as shipped", a.n_images, "in use" if a.in_use else "kept" if a.accepted else "refused",
         *(f"{old} -> {new}" for old, new in zip(_cells(a.before), _cells(a.after), strict=True))]
        for a in found.adaptations
    ]  # fmt: skip
    lines = table(rows, header=("adaptation", "made from", "images", "state", *HEADER)) if rows else ""
    return f"click model in use: {found.in_use or 'as shipped'}\n{lines}".rstrip()


HEADER = ("box", "1 click", "3 clicks", "clicks to 0.9")


def _cells(scores: ClickScores) -> list[str]:
    """Scores in a table."""
    return [f"{scores.dice_box:.3f}", f"{scores.dice_1:.3f}", f"{scores.dice_3:.3f}", f"{scores.clicks_to_90:.1f}"]
