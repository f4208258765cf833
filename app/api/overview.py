"""Endpoints that show a project as a whole: its map, what looks alike, and picking images by hand."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.deps import Person, Service, annotator_of
from app.api.schemas import EmbeddingMap, ItemFilter, ItemPage, NearDuplicates, Picked, PickIn, Similar

router = APIRouter(prefix="/v1", tags=["overview"])


@router.get("/projects/{project_id}/items")
def items(project_id: int, service: Service, asked: Annotated[ItemFilter, Query()]) -> ItemPage:
    """A page of the project's items that fit what is asked, in the order of import or as `order` says."""
    return service.find_items(project_id, asked)


@router.get("/projects/{project_id}/map")
def embedding_map(project_id: int, service: Service) -> EmbeddingMap:
    """All embedded images on the plane in which their embeddings differ most."""
    return service.embedding_map(project_id)


@router.get("/projects/{project_id}/duplicates")
def duplicates(
    project_id: int,
    service: Service,
    threshold: Annotated[float, Query(ge=0.5, le=1)] = 0.98,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> NearDuplicates:
    """Pairs of images whose embeddings have at least this cosine, most similar first."""
    return service.duplicates(project_id, threshold, limit)


@router.get("/items/{item_id}/similar")
def similar(item_id: int, service: Service, limit: Annotated[int, Query(ge=1, le=1000)] = 60) -> Similar:
    """The project's images that look most like this one, which comes first itself."""
    return service.similar(item_id, limit)


@router.post("/projects/{project_id}/picks")
def pick(project_id: int, body: PickIn, service: Service, person: Person) -> Picked:
    """Queue images that a person chose: unqueued ones alone, and none of the audit set."""
    return service.pick(project_id, body.item_ids, annotator_of(person, body.annotator), body.where)
