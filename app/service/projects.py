"""Use cases: make, read and change projects."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection

from alcore.errors import InvalidInput, UnknownName
from app.api.schemas import ClassInfo, Counts, Project, ProjectIn, ProjectPatch
from app.service.context import Context
from app.service.reads import redraw
from app.store import jobs as job_rows
from app.store import projects as rows
from app.store import rounds as round_rows

if TYPE_CHECKING:
    from alcore.rounds import Task


def create(ctx: Context, body: ProjectIn) -> Project:
    """Make a project.

    Raises:
        AlreadyExists: the name is taken.
        UnknownName: a setting names nothing that there is.
        InvalidInput: class names repeat.
    """
    values = body.model_dump(exclude={"classes"})
    _check_classes(body.classes)
    if body.task == "classification" and len(body.classes) < 2:
        raise InvalidInput(f"a classification project needs at least two classes; got {body.classes}")
    _check_settings(values, body.task)
    if body.adapt_automatically:
        check_adaptable(body.task, body.segmenter)
    with ctx.db.write() as connection:
        project_id = rows.create(connection, values, body.classes)
        return view(ctx, connection, project_id)


def change(ctx: Context, project_id: int, body: ProjectPatch) -> Project:
    """Change settings; classes may only be appended, since accepted annotations name them.

    Another promptable model begins as shipped: an adaptation fits the one that it was made from alone.
    """
    values = body.model_dump(exclude_none=True, exclude={"classes"})
    with ctx.db.write() as connection:
        project = rows.get(connection, project_id)
        _check_settings(values, project["task"])
        merged = {**project, **values}
        if merged["adapt_automatically"] and values.keys() & {"segmenter", "adapt_automatically"}:
            check_adaptable(merged["task"], merged["segmenter"])
        if merged["segmenter"] != project["segmenter"]:
            values["adaptation_id"] = None
        rows.change(connection, project_id, values)
        if "second_read_share" in values:
            redraw(connection, project_id, merged["second_read_share"], now=ctx.clock())
        if body.classes is not None:
            _check_classes(body.classes)
            known = [row["name"] for row in rows.class_rows(connection, project_id)]
            if body.classes[: len(known)] != known:
                raise InvalidInput(f"classes may only grow at their end; they begin with {known}")
            rows.add_classes(connection, project_id, body.classes[len(known) :], first_id=len(known) + 1)
        return view(ctx, connection, project_id)


def get(ctx: Context, project_id: int) -> Project:
    """One project."""
    with ctx.db.read() as connection:
        return view(ctx, connection, project_id)


def listing(ctx: Context) -> list[Project]:
    """All projects, oldest first."""
    with ctx.db.read() as connection:
        return [view(ctx, connection, project_id) for project_id in rows.ids(connection)]


def view(ctx: Context, connection: Connection, project_id: int) -> Project:
    """A project as the wire shows it."""
    row = rows.get(connection, project_id)
    counts = rows.state_counts(connection, project_id, now=ctx.clock())
    total = sum(counts.get(state, 0) for state in ("queued", "labeled", "skipped", "unqueued"))
    counts["queued"] = counts.get("queued", 0) - counts["leased"]
    return Project(
        **{name: row[name] for name in Project.model_fields if name in row},
        classes=[
            ClassInfo(id=c["class_id"], name=c["name"], color=c["color"])
            for c in rows.class_rows(connection, project_id)
        ],
        counts=Counts(items=total, **counts),
        round=round_rows.last_number(connection, project_id),
        job_id=job_rows.last_of(connection, project_id),
    )


def _check_classes(names: list[str]) -> None:
    """Refuse names that differ in nothing but case or space."""
    folded = [name.strip().casefold() for name in names]
    if len(set(folded)) < len(folded) or not all(folded):
        raise InvalidInput(f"class names must be distinct and not empty; got {names}")


def _check_settings(values: Mapping[str, object], task: str) -> None:
    """Refuse names that no registry knows; what follows a model's colon is the model's own business."""
    from alcore.encoders.registry import ENCODERS
    from alcore.heads.registry import AUTO, HEADS
    from prompts.registry import SEGMENTERS

    heads = [name for name, info in HEADS.items() if getattr(info, "task", task) == task]
    known: dict[str, tuple[str, Iterable[str]]] = {
        "encoder": ("encoder", ENCODERS),
        "segmenter": ("segmenter", SEGMENTERS),
        "head": (f"head for {task}", ["default", AUTO, *heads]),
    }
    for field, (what, names) in known.items():
        spec = values.get(field)
        if spec is not None and str(spec).partition(":")[0] not in set(names):
            raise UnknownName.of(what, str(spec), names)
    for field in ("cold_start", "strategy"):
        if values.get(field) is not None:
            _check_strategy(str(values[field]), cast("Task", task))


def _check_strategy(spec: str, task: "Task") -> None:
    """Refuse a query strategy or settings of it that the registry does not know, or that such rounds cannot feed."""
    from alcore.rounds import DEFAULT, check_strategy, runs_in
    from alcore.strategies.settings import split_spec

    if spec == DEFAULT:
        return
    name, known = split_spec(spec)[0], runs_in(task)
    if name not in known:
        raise UnknownName.of(f"strategy for {task}", name, known if name == DEFAULT else [DEFAULT, *known])
    check_strategy(spec, n_labeled=1, task=task)


def check_adaptable(task: str, segmenter: str) -> None:
    """Refuse to adapt what cannot be adapted.

    Raises:
        InvalidInput: the project has no promptable model in use.
        CheckpointError: the model's decoder cannot be fine-tuned.
    """
    from prompts.errors import CheckpointError
    from prompts.registry import NOT_ADAPTABLE, SEGMENTERS, split_spec

    if task != "segmentation":
        raise InvalidInput("only segmentation projects have a click model to adapt; this one labels whole images")
    if not SEGMENTERS[split_spec(segmenter)[0]].can_adapt:
        raise CheckpointError(NOT_ADAPTABLE)


def check_strategy(ctx: Context, project_id: int, name: str) -> None:
    """Refuse a query strategy that the registry does not know, or that the rounds of this project cannot feed."""
    with ctx.db.read() as connection:
        task = rows.get(connection, project_id)["task"]
    _check_settings({"strategy": name}, task)
