"""The part of `AnnotationService` that an annotator's day needs beside one image after the other."""

from collections.abc import Sequence
from datetime import datetime

from app.api import schemas_work as schemas
from app.service import activity, notes, queue
from app.service.context import Context


class WorkService:
    """Use cases over an opened workspace: history, pace, many images at once, notes."""

    context: Context

    def recent(self, project_id: int, annotator: str, limit: int = 10) -> schemas.Recent:
        """What a person annotated or skipped last, newest first."""
        return activity.recent(self.context, project_id, annotator, limit)

    def pace(self, project_id: int, annotator: str, since: datetime) -> schemas.Pace:
        """How fast a person works, and how long the queue takes at that pace."""
        return activity.pace(self.context, project_id, annotator, since)

    def next_batch(self, project_id: int, annotator: str, n: int, exclude: Sequence[int] = ()) -> schemas.Batch:
        """Lease the next `n` queued items at once, those that this person holds already first."""
        return queue.next_batch(self.context, project_id, annotator, n, exclude)

    def heartbeats(self, project_id: int, leases: Sequence[schemas.HeldLease]) -> schemas.Heartbeats:
        """Extend many leases; names the items that someone else has now."""
        return queue.heartbeats(self.context, project_id, leases)

    def add_note(self, item_id: int, note: schemas.NoteIn) -> schemas.Note:
        """Comment on an item, flag it, or settle its flag."""
        return notes.add(self.context, item_id, note)

    def notes(self, item_id: int) -> schemas.Notes:
        """All notes of an item, oldest first."""
        return notes.listing(self.context, item_id)
