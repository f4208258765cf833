"""Endpoints of adaptations of the promptable model: begin one, list them, go back."""

from fastapi import APIRouter

from app.api.deps import Service
from app.api.schemas import Adaptations, AdaptIn, Job

router = APIRouter(prefix="/v1/projects/{project_id}/adaptations", tags=["adaptations"])


@router.post("", status_code=202)
def start(project_id: int, body: AdaptIn, service: Service) -> Job:
    """Adapt the promptable model to the accepted masks; it is taken into use if it is better on others."""
    return service.start_adapt(project_id, body.seed)


@router.get("")
def adaptations(project_id: int, service: Service) -> Adaptations:
    """All attempts, oldest first, and which one is in use."""
    return service.adaptations(project_id)


@router.post("/rollback")
def rollback(project_id: int, service: Service) -> Adaptations:
    """Go back to the promptable model that the one in use was made from."""
    return service.rollback_adaptation(project_id)
