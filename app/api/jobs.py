"""Endpoints of jobs, with their events as a stream that a lost connection takes up again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from app.api.deps import Service
from app.api.schemas import Job
from app.service import AnnotationService

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
POLL_S = 0.25
KEEP_ALIVE_S = 10.0


@router.get("/{job_id}")
def job(job_id: int, service: Service) -> Job:
    """One job."""
    return service.job(job_id)


@router.post("/{job_id}/cancel")
def cancel(job_id: int, service: Service) -> Job:
    """Ask the job to stop; it ends at its next step."""
    return service.cancel_job(job_id)


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
def events(
    job_id: int, request: Request, service: Service, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Server-sent events `progress`, `log` and `end`, from the start or behind `Last-Event-ID`."""
    service.job(job_id)
    after = int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 19 else 0
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(request, service, job_id, after), media_type="text/event-stream", headers=headers)


async def _stream(request: Request, service: AnnotationService, job_id: int, after: int) -> AsyncIterator[str]:
    """Tail the job's events until its end or the reader's."""
    quiet = 0.0
    yield ": open\n\n"
    while not await request.is_disconnected():
        found = await asyncio.to_thread(service.job_events, job_id, after)
        for event in found:
            after = event.id
            yield f"id: {event.id}\nevent: {event.event}\ndata: {event.data.model_dump_json()}\n\n"
            if event.event == "end":
                return
        if not found and (await asyncio.to_thread(service.job, job_id)).ended_at is not None:
            if not await asyncio.to_thread(service.job_events, job_id, after):
                return  # the reader has had the end already
            continue
        quiet = 0.0 if found else quiet + POLL_S
        if quiet >= KEEP_ALIVE_S:
            quiet = 0.0
            yield ": keep-alive\n\n"
        await asyncio.sleep(POLL_S)
