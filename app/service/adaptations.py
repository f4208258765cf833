"""Use cases: adapt the promptable model to the accepted masks, look at what came of it, go back."""

from app.api.schemas import Adaptation, Adaptations, ClickScores, Job
from app.errors import Conflict
from app.service import jobs
from app.service.context import Context
from app.service.items import when
from app.service.projects import check_adaptable
from app.store import adaptations as rows
from app.store import projects as project_rows
from app.store.database import Row


def start(ctx: Context, project_id: int, seed: int) -> Job:
    """Begin the job that adapts.

    Raises:
        InvalidInput: the project has no promptable model to adapt.
        CheckpointError: its model cannot be adapted.
        Busy: the project has a job that is not done.
    """
    with ctx.db.read() as connection:
        project = project_rows.get(connection, project_id)
    check_adaptable(project["task"], project["segmenter"])
    return jobs.start(ctx, project_id, "adapt", {"seed": seed})


def listing(ctx: Context, project_id: int) -> Adaptations:
    """All attempts, oldest first, and which one is in use."""
    with ctx.db.read() as connection:
        in_use = project_rows.get(connection, project_id)["adaptation_id"]
        found = rows.of_project(connection, project_id)
    return Adaptations(in_use=in_use, adaptations=[_view(row, in_use) for row in found])


def rollback(ctx: Context, project_id: int) -> Adaptations:
    """Go back to what the adaptation in use was made from; all attempts stay in the list.

    Raises:
        Conflict: the model is as shipped.
    """
    with ctx.db.write() as connection:
        in_use = project_rows.get(connection, project_id)["adaptation_id"]
        if in_use is None:
            raise Conflict(f"project {project_id} uses its click model as shipped; there is nothing to roll back")
        row = rows.get(connection, in_use)
        project_rows.change(connection, project_id, {"adaptation_id": None if row is None else row["parent_id"]})
    return listing(ctx, project_id)


def _view(row: Row, in_use: str | None) -> Adaptation:
    """An attempt as the wire shows it."""
    names = ("id", "parent_id", "job_id", "segmenter", "n_images", "n_objects", "accepted", "reason")
    return Adaptation(
        **{name: row[name] for name in names},
        n_held_out=len(row["held_out_ids"]),
        before=ClickScores(**row["scores_before"]),
        after=ClickScores(**row["scores_after"]),
        in_use=row["id"] == in_use,
        created_at=when(row["created_at"]),
    )
