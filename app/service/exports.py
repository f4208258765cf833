"""Use case: write the newest accepted annotations to a file."""

from collections.abc import Iterator
from pathlib import Path

from alcore.formats.export import ExportClass, ExportObject, ExportRecord, ProjectMeta, write_export
from app.service.context import Context
from app.service.items import when
from app.service.windows import window_of_answer
from app.store import annotations as annotation_rows
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store.database import Row


def export(ctx: Context, project_id: int, format: str, out: Path) -> Path:
    """Write a project's accepted annotations to the zip file `out`.

    Raises:
        UnknownName: no such format.
        InvalidInput: the format cannot hold the task.
    """
    with ctx.db.read() as connection:
        project = project_rows.get(connection, project_id)
        classes = project_rows.class_rows(connection, project_id)
        items = {row["id"]: row for row in item_rows.of_project(connection, project_id)}
        answers = annotation_rows.of_project(connection, project_id)
    meta = ProjectMeta(
        name=project["name"],
        task=project["task"],
        classes=tuple(ExportClass(id=c["class_id"], name=c["name"]) for c in classes),
    )
    return write_export(format, meta, _records(items, answers), out)


def _records(items: dict[int, Row], answers: dict[int, Row]) -> Iterator[ExportRecord]:
    """One record per labeled item, in the order of import."""
    for item_id, answer in answers.items():
        item = items[item_id]
        yield ExportRecord(
            item_id=item_id,
            name=item["name"],
            width=item["width"],
            height=item["height"],
            version=answer["version"],
            label=answer["label"],
            objects=tuple(
                ExportObject(
                    class_id=entry["class_id"],
                    mask=entry["mask"],
                    predicted_iou=entry["predicted_iou"],
                    quality=entry["quality"],
                    name=entry.get("name"),
                )
                for entry in answer["objects"]
            ),
            group=item["group_name"],
            annotator=answer["annotator"],
            seconds=answer["seconds"],
            clicks=answer["clicks"],
            created_at=when(answer["created_at"]).isoformat(),
            labeled_window=window_of_answer(answer),
        )
