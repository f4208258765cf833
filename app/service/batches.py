"""Use case: look at what a round asked."""

from dataclasses import dataclass

from app.service.context import Context
from app.store import batches as rows


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One item of a batch."""

    item_id: int
    name: str
    score: float | None
    """Higher = ask sooner; None where the strategy ranks nothing, and for what was drawn at random."""
    reason: str
    is_audit: bool
    """Drawn at random, to measure the model fairly; the same as the arm `audit`."""
    arm: str
    """`strategy`, `control` (random and trained on) or `audit` (random and only measured on)."""


def of_round(ctx: Context, project_id: int, number: int) -> list[Chosen]:
    """The items of a round in the order in which they are asked."""
    with ctx.db.read() as connection:
        found = rows.of_round(connection, project_id, number)
    return [
        Chosen(
            item_id=row["id"],
            name=row["name"],
            score=row["score"],
            reason=row["reason"],
            is_audit=row["arm"] == "audit",
            arm=row["arm"],
        )
        for row in found
    ]
