"""Wire models of an annotator's day: what was done last, the pace, many images at once, notes and flags."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.api.schemas_base import Annotator, Answer, ItemState, Request
from app.api.schemas_items import Item

NoteKind = Literal["comment", "flag", "resolve"]
MAX_BATCH = 100


class RecentItem(Answer):
    """An image that a person annotated, skipped or began to correct, and how it stands now."""

    item_id: int
    name: str
    state: ItemState
    done: Literal["annotated", "skipped", "begun"]
    at: datetime
    version: int
    """Newest version of anyone; 0 where the image has no annotation."""
    annotator: str | None
    """Who made the newest version."""
    label: str | None
    n_objects: int
    skip_reason: str | None
    has_draft: bool
    """This person began a correction and did not finish it."""
    flagged: bool


class Recent(Answer):
    """What a person did last, newest first."""

    items: list[RecentItem]


class Pace(Answer):
    """How fast a person works, and how long the queue takes at that pace."""

    n_today: int
    """Images that the person annotated or skipped since the time asked for."""
    n_measured: int
    """Annotations that the pace rests on: the newest, at most 50."""
    median_s: float | None
    """Seconds for an image, as a rule; null before the first."""
    left: int
    """Images that are queued, held ones included."""
    left_s: float | None
    """Seconds that they take this person alone."""


class BatchIn(Request):
    """Who asks for many images at once, how many they want to hold, and which ones they do not want."""

    annotator: Annotator
    n: int = Field(ge=1, le=MAX_BATCH)
    exclude: list[int] = Field(default=[], max_length=1000)


class Batch(Answer):
    """Leased images in the order of the queue, each with a lease of its own."""

    items: list[Item]


class HeldLease(Request):
    """An item and the proof of its lease."""

    item_id: int
    lease_token: str = Field(max_length=100)


class HeartbeatsIn(Request):
    """Leases to extend."""

    leases: list[HeldLease] = Field(min_length=1, max_length=MAX_BATCH)


class Heartbeats(Answer):
    """The new end of the leases that are still held, and the items that someone else has now."""

    expires_at: datetime
    lost: list[int]


class NoteIn(Request):
    """A comment, a flag with its reason ("look at this again"), or word that a flag is settled."""

    annotator: Annotator | None = None
    kind: NoteKind = "comment"
    text: Annotated[str, Field(max_length=2000)] = ""


class Note(Answer):
    """A line in an item's notes."""

    id: int
    item_id: int
    annotator: str
    kind: NoteKind
    text: str
    created_at: datetime


class Notes(Answer):
    """All notes of an item, oldest first, and whether its flag is up."""

    flagged: bool
    notes: list[Note]
