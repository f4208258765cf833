"""Endpoints of an annotator's day: what was done last, the pace, many images at once, notes and flags."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from app.api.deps import Person, Service, annotator_of
from app.api.schemas_base import Annotator
from app.api.schemas_work import Batch, BatchIn, Heartbeats, HeartbeatsIn, Note, NoteIn, Notes, Pace, Recent

router = APIRouter(prefix="/v1", tags=["work"])


@router.get("/projects/{project_id}/recent")
def recent(
    project_id: int,
    service: Service,
    person: Person,
    annotator: Annotator,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Recent:
    """What a person annotated or skipped last, newest first."""
    return service.recent(project_id, annotator_of(person, annotator) or annotator, limit)


@router.get("/projects/{project_id}/pace")
def pace(project_id: int, service: Service, person: Person, annotator: Annotator, since: AwareDatetime) -> Pace:
    """How fast a person works, and how long the queue takes at that pace; `since` is where their day began."""
    return service.pace(project_id, annotator_of(person, annotator) or annotator, since)


@router.post("/projects/{project_id}/batch")
def next_batch(project_id: int, body: BatchIn, service: Service, person: Person) -> Batch:
    """Lease the next queued items at once, those that this person holds already first; fewer when the queue ends."""
    return service.next_batch(project_id, annotator_of(person, body.annotator) or body.annotator, body.n, body.exclude)


@router.post("/projects/{project_id}/heartbeats")
def heartbeats(project_id: int, body: HeartbeatsIn, service: Service) -> Heartbeats:
    """Extend many leases; names the items that someone else has now."""
    return service.heartbeats(project_id, body.leases)


@router.get("/items/{item_id}/notes")
def notes(item_id: int, service: Service) -> Notes:
    """All notes of the item, oldest first, and whether its flag is up."""
    return service.notes(item_id)


@router.post("/items/{item_id}/notes", status_code=201)
def add_note(item_id: int, body: NoteIn, service: Service, person: Person) -> Note:
    """Comment on the item, flag it for another look, or settle its flag. No lease is needed."""
    return service.add_note(item_id, body.model_copy(update={"annotator": annotator_of(person, body.annotator)}))
