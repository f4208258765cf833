"""Endpoints of more than one reader: second reads, agreement, adjudication, gold items."""

from fastapi import APIRouter

from app.api.deps import CallerRole, Person, Service, annotator_of
from app.api.schemas import Item, LeaseIn
from app.api.schemas_reads import (
    Adjudicated,
    AdjudicateIn,
    Adjudication,
    Adjudications,
    Agreement,
    Asked,
    Gold,
    GoldIn,
    ItemsIn,
)

router = APIRouter(prefix="/v1", tags=["reads"])


@router.post("/projects/{project_id}/second-reads")
def ask_second_reads(project_id: int, body: ItemsIn, service: Service, person: Person) -> Asked:
    """Have images read a second time, blind, by somebody else."""
    return service.ask_second_reads(project_id, body.item_ids, annotator_of(person, body.annotator))


@router.get("/projects/{project_id}/agreement")
def agreement(project_id: int, service: Service) -> Agreement:
    """How far second readers agree with first ones."""
    return service.agreement(project_id)


@router.get("/projects/{project_id}/adjudications")
def adjudications(project_id: int, service: Service, role: CallerRole) -> Adjudications:
    """Images that wait for the caller to decide, those furthest apart first; none for annotators, who do not."""
    found = service.adjudications(project_id)
    return found.model_copy(update={"waiting": []}) if role == "annotator" else found


@router.get("/items/{item_id}/adjudication")
def adjudication(item_id: int, service: Service) -> Adjudication:
    """Both readings of an image that was read twice; who gave them is told once it is decided."""
    return service.adjudication(item_id)


@router.post("/items/{item_id}/adjudication")
def adjudicate(item_id: int, body: AdjudicateIn, service: Service, person: Person) -> Adjudicated:
    """Decide: the image's next version is one reader's answer, or both joined. Sending it twice is harmless."""
    return service.adjudicate(item_id, body.model_copy(update={"annotator": annotator_of(person, body.annotator)}))


@router.post("/items/{item_id}/adjudication/lease")
def redo(item_id: int, body: LeaseIn, service: Service, person: Person) -> Item:
    """Lease the image with nothing drawn: the annotation that is accepted decides."""
    return service.redo(item_id, annotator_of(person, body.annotator))


@router.get("/projects/{project_id}/gold")
def gold(project_id: int, service: Service) -> Gold:
    """Gold images, and how annotators do on them."""
    return service.gold(project_id)


@router.put("/projects/{project_id}/gold")
def mark_gold(project_id: int, body: GoldIn, service: Service, person: Person) -> Gold:
    """Make images gold with their newest annotation as the reference, or ordinary again."""
    annotator = annotator_of(person, body.annotator)
    return service.mark_gold(project_id, body.item_ids, annotator, gold=body.gold)
