"""Endpoints of a project's report, and of the comparison of chosen with random images."""

from fastapi import APIRouter

from app.api.deps import Service
from app.api.schemas import CompareIn, Job, Report

router = APIRouter(prefix="/v1/projects/{project_id}", tags=["reports"])


@router.get("/report")
def report(project_id: int, service: Service) -> Report:
    """What labels cost, what they brought, and whether to go on."""
    return service.report(project_id)


@router.post("/comparisons", status_code=202)
def start_compare(project_id: int, body: CompareIn, service: Service) -> Job:
    """Train heads on chosen and on random images, to see whether choosing pays."""
    return service.start_compare(project_id, body.seed)
