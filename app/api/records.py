"""Endpoints of what a project has behind it: heads, going back to one, jobs, and what they told."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.deps import Service
from app.api.schemas import JobLog, Jobs, Models, UseModelIn

router = APIRouter(prefix="/v1", tags=["records"])


@router.get("/projects/{project_id}/models")
def models(project_id: int, service: Service) -> Models:
    """All trained heads, oldest first: where each came from, how good it is, and which one is in use."""
    return service.models(project_id)


@router.post("/projects/{project_id}/models/rollback")
def use_model(project_id: int, body: UseModelIn, service: Service) -> Models:
    """Put an earlier head in place of the one in use."""
    return service.use_model(project_id, body.model_id)


@router.get("/projects/{project_id}/jobs")
def jobs(project_id: int, service: Service, limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> Jobs:
    """The project's jobs, newest first."""
    return service.jobs(project_id, limit)


@router.get("/jobs/{job_id}/log")
def job_log(job_id: int, service: Service) -> JobLog:
    """What the job told for good, oldest first."""
    return service.job_log(job_id)
