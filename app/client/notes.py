"""Comments on an image, and its flag: no lease is needed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api.schemas_work import Note, NoteIn, Notes

if TYPE_CHECKING:
    from app.api.schemas import Item
    from app.api.schemas_work import NoteKind
    from app.client.transport import Transport


class Noted:
    """What can be said of an image; part of `Item`."""

    _transport: Transport
    _state: Item

    def notes(self) -> Notes:
        """Read all comments and flags, oldest first."""
        return self._transport.ask(Notes, "GET", self._notes_path())

    def comment(self, text: str, *, annotator: str | None = None) -> Note:
        """Say something about the image to all who open it."""
        return self._note("comment", text, annotator)

    def flag(self, reason: str, *, annotator: str | None = None) -> Note:
        """Ask for another look at the image; `project.items(flagged=True)` lists it until the flag is settled."""
        return self._note("flag", reason, annotator)

    def resolve_flag(self, text: str = "", *, annotator: str | None = None) -> Note:
        """Settle the flag; what was said stays."""
        return self._note("resolve", text, annotator)

    def _note(self, kind: NoteKind, text: str, annotator: str | None) -> Note:
        """Send a note."""
        body = NoteIn(kind=kind, text=text, annotator=annotator)
        return self._transport.ask(Note, "POST", self._notes_path(), body=body)

    def _notes_path(self) -> str:
        """Path of the item's notes."""
        return f"/v1/items/{self._state.id}/notes"
