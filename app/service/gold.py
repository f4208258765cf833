"""Use cases: mark gold items, and see how annotators do on them."""

from collections import Counter
from collections.abc import Sequence

from app.api.schemas_reads import Gold, GoldItem, GoldScore
from app.errors import InvalidRequest
from app.service.context import Context
from app.service.reads import ANONYMOUS, checked, mean_with_interval
from app.store import annotations as annotation_rows
from app.store import projects as project_rows
from app.store import reads as read_rows
from app.store import second_reads as rows
from app.store.database import Row


def mark(ctx: Context, project_id: int, item_ids: Sequence[int], annotator: str | None, *, gold: bool = True) -> Gold:
    """Make items gold with their newest annotation as the reference, or ordinary again.

    Raises:
        NotFound: an item is not the project's; none is marked then.
        InvalidRequest: an item has no accepted annotation.
    """
    with ctx.db.write() as connection:
        for item in checked(connection, project_id, item_ids, now=ctx.clock()):
            newest = annotation_rows.newest(connection, item["id"])
            if not gold:
                rows.unmark_gold(connection, item["id"])
            elif newest is None or item["state"] != "labeled":
                raise InvalidRequest(f"item {item['id']} has no accepted annotation to be gold; annotate it first")
            else:
                marked_by = annotator or ANONYMOUS
                rows.mark_gold(connection, item["id"], newest["id"], marked_by=marked_by, now=ctx.clock())
    return listing(ctx, project_id)


def listing(ctx: Context, project_id: int) -> Gold:
    """Gold items of a project, and each annotator's score; an answer keeps the score of the day it was given."""
    with ctx.db.read() as connection:
        project_rows.get(connection, project_id)
        marks = rows.gold_items(connection, project_id)
        references = {mark["item_id"]: rows.answer(connection, mark["annotation_id"]) for mark in marks}
        answers = read_rows.of_kind(connection, project_id, read_rows.GOLD)
    counts = Counter(row["item_id"] for row in answers if row["score"] is not None)
    return Gold(
        items=[
            GoldItem(
                item_id=mark["item_id"],
                name=mark["name"],
                version=references[mark["item_id"]]["version"],
                marked_by=mark["marked_by"],
                n_answers=counts[mark["item_id"]],
            )
            for mark in marks
        ],
        annotators=[
            _score(name, [row for row in answers if row["annotator"] == name])
            for name in sorted({str(row["annotator"]) for row in answers})
        ],
    )


def _score(annotator: str, answers: Sequence[Row]) -> GoldScore:
    """One annotator's line."""
    scored = [row for row in answers if row["score"] is not None]
    mean, low, high = mean_with_interval(scored)
    n_skipped = len(answers) - len(scored)
    return GoldScore(annotator=annotator, n=len(scored), n_skipped=n_skipped, mean=mean, ci_low=low, ci_high=high)
