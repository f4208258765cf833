"""Use cases: comment on an item, flag it for another look, settle the flag."""

from alcore.errors import InvalidInput
from app.api.schemas_work import Note, NoteIn, Notes
from app.service.context import Context
from app.service.items import when
from app.store import items as item_rows
from app.store import notes as rows
from app.store.database import Row

ANONYMOUS = "anonymous"


def add(ctx: Context, item_id: int, body: NoteIn) -> Note:
    """Write a note; nobody needs a lease for it.

    Raises:
        InvalidInput: a comment or a flag without words.
    """
    text = body.text.strip()
    if not text and body.kind != "resolve":
        raise InvalidInput(f"a {body.kind} needs words in `text`; only `resolve` may go without")
    with ctx.db.write() as connection:
        item_rows.get(connection, item_id, now=ctx.clock())
        row = rows.add(
            connection,
            {
                "item_id": item_id,
                "annotator": body.annotator or ANONYMOUS,
                "kind": body.kind,
                "text": text,
                "created_at": ctx.clock(),
            },
        )
    return _view(row)


def listing(ctx: Context, item_id: int) -> Notes:
    """All notes of an item, oldest first."""
    with ctx.db.read() as connection:
        item = item_rows.get(connection, item_id, now=ctx.clock())
        found = [_view(row) for row in rows.of_item(connection, item_id)]
    return Notes(flagged=bool(item["is_flagged"]), notes=found)


def _view(row: Row) -> Note:
    """A note as the wire shows it."""
    names = set(Note.model_fields) - {"created_at"}
    return Note(**{name: row[name] for name in names}, created_at=when(row["created_at"]))
