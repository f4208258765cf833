"""Use cases: what a project has behind it. Its heads, and going back to one; its jobs, and what they told."""

from collections.abc import Sequence

from app.api.schemas import ClassScore, JobLog, Jobs, LogLine, Model, Models, ReliabilityBin
from app.errors import Busy, Conflict, NotFound
from app.service import jobs as job_cases
from app.service.context import Context
from app.service.items import when
from app.store import jobs as job_rows
from app.store import projects as project_rows
from app.store import rounds as round_rows
from app.store.database import Row

CALIBRATION = ("ece", "ece_uncalibrated", "brier", "brier_uncalibrated")


def models(ctx: Context, project_id: int) -> Models:
    """All trained heads, oldest first."""
    with ctx.db.read() as connection:
        in_use = project_rows.get(connection, project_id)["model_id"]
        classes = project_rows.class_rows(connection, project_id)
        found = round_rows.models_of(connection, project_id)
    return Models(models=[_view(ctx, row, classes, in_use) for row in found])


def use_model(ctx: Context, project_id: int, model_id: str) -> Models:
    """Put an earlier head (or one that was refused) in place of the one in use; the next round starts from it.

    Starting masks that were made already stay until the next training.

    Raises:
        NotFound: the project has no such head.
        Conflict: it is in use, its file is gone, or classes were added since.
        Busy: a job runs, which may train a head itself.
    """
    with ctx.db.write() as connection:
        project = project_rows.get(connection, project_id)
        classes = project_rows.class_rows(connection, project_id)
        row = next((made for made in round_rows.models_of(connection, project_id) if made["id"] == model_id), None)
        if row is None:
            raise NotFound(f"project {project_id} has no head {model_id!r}")
        if project["model_id"] == model_id:
            raise Conflict(f"head {model_id!r} is in use already")
        if any(job["project_id"] == project_id for job in job_rows.active(connection)):
            raise Busy(f"project {project_id} has a job that is not done yet; wait for it or cancel it")
        lack = _lack(ctx, row, classes)
        if lack:
            raise Conflict(f"head {model_id!r} cannot be used: {lack}; train a new one")
        project_rows.change(connection, project_id, {"model_id": model_id})
    return models(ctx, project_id)


def jobs(ctx: Context, project_id: int, limit: int) -> Jobs:
    """The project's jobs, newest first."""
    with ctx.db.read() as connection:
        project_rows.get(connection, project_id)
        found = job_rows.of_project(connection, project_id, limit=limit)
    return Jobs(jobs=[job_cases.view(row) for row in found])


def job_log(ctx: Context, job_id: int) -> JobLog:
    """What a job told for good."""
    with ctx.db.read() as connection:
        job_rows.get(connection, job_id)
        found = job_rows.log(connection, job_id)
    return JobLog(lines=[LogLine(at=when(row["created_at"]), text=str(row["data"]["message"])) for row in found])


def _view(ctx: Context, row: Row, classes: Sequence[Row], in_use: str | None) -> Model:
    """A head as the wire shows it; older reports lack what is newer than they are."""
    report = row["report"]
    names = ("id", "job_id", "round", "encoder_id", "n_labeled", "metric", "value", "metric_on")
    return Model(
        **{name: row[name] for name in names},
        **{name: report.get(name) for name in CALIBRATION},
        head=report.get("head"),
        ci95=None if row["ci_low"] is None else (row["ci_low"], row["ci_high"]),
        accepted=bool(row["accepted"]),
        reason=report.get("gate", ""),
        in_use=row["id"] == in_use,
        can_use=row["id"] != in_use and not _lack(ctx, row, classes),
        per_class=_per_class(row, classes),
        reliability=[ReliabilityBin(**entry) for entry in report.get("reliability", [])],
        reliability_uncalibrated=[ReliabilityBin(**entry) for entry in report.get("reliability_uncalibrated", [])],
        created_at=when(row["created_at"]),
    )


def _per_class(row: Row, classes: Sequence[Row]) -> list[ClassScore]:
    """Scores by name of class; heads of pixels have the background in front of the classes."""
    named = {c["class_id"]: str(c["name"]) for c in classes}
    found = row["report"].get("per_class", [])
    names = [named.get(class_id, "?") for class_id in row["class_ids"]]
    if len(found) > len(names):
        names = ["", *names]
    return [ClassScore(name=name, **entry) for name, entry in zip(names, found, strict=False)]


def _lack(ctx: Context, row: Row, classes: Sequence[Row]) -> str:
    """Why a head cannot be used; empty where it can."""
    if not ctx.model_file(row["id"]).is_file():
        return "its file is gone"
    if row["class_ids"] != [c["class_id"] for c in classes]:
        return "the project's classes are others than it was trained on"
    return ""
