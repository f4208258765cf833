"""Endpoints of items: pixels, prompts, leases, drafts and annotations."""

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from app.api.deps import Person, Service, annotator_of
from app.api.raw import PRIVATE, raw_answer
from app.api.schemas import (
    Annotation,
    AnnotationIn,
    AnnotationReceipt,
    DraftIn,
    Heartbeat,
    Item,
    LeaseIn,
    LeaseTokenIn,
    PredictAnswer,
    PredictRequest,
    PrepareIn,
    SkipIn,
    Suggestion,
)

router = APIRouter(prefix="/v1/items", tags=["items"])


@router.get("/{item_id}")
def item(item_id: int, service: Service) -> Item:
    """One item; its lease's token is left out."""
    return service.item(item_id)


@router.get("/{item_id}/pixels", response_class=Response)
def pixels(item_id: int, request: Request, service: Service) -> Response:
    """Raw little-endian pixels, row by row: a browser would cut a 16-bit PNG down to 8 bits."""
    etag = f'"{service.content_hash(item_id)}"'
    headers = {"ETag": etag, "Cache-Control": PRIVATE}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    array = service.pixels(item_id)
    headers |= {
        "X-Width": str(array.shape[1]),
        "X-Height": str(array.shape[0]),
        "X-Channels": str(1 if array.ndim == 2 else array.shape[2]),
    }
    return raw_answer(array, headers, request)


@router.get("/{item_id}/thumbnail", response_class=Response)
def thumbnail(item_id: int, request: Request, service: Service) -> Response:
    """A small WebP picture in the image's own window."""
    etag = f'"{service.content_hash(item_id)}-128"'
    headers = {"ETag": etag, "Cache-Control": PRIVATE}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(service.thumbnail(item_id), media_type="image/webp", headers=headers)


@router.get("/{item_id}/suggestion")
def suggestion(item_id: int, service: Service) -> Suggestion:
    """What the head thinks of the item; 404 where it was not asked."""
    return service.suggestion(item_id)


@router.get("/{item_id}/uncertainty", response_class=Response)
def uncertainty(item_id: int, service: Service) -> Response:
    """How unsure the head is of each pixel: a small grey PNG of entropy over its maximum, 255 = most unsure."""
    return Response(
        service.uncertainty(item_id), media_type="image/png", headers={"Cache-Control": "private, no-cache"}
    )


@router.post("/{item_id}/prepare", status_code=202)
def prepare(item_id: int, body: PrepareIn, service: Service) -> dict[str, str]:
    """Have the image encoded for prompts when nobody clicks."""
    service.prepare(item_id, body.window)
    return {"status": "accepted"}


@router.post("/{item_id}/predict")
def predict(item_id: int, body: PredictRequest, service: Service) -> PredictAnswer:
    """Turn the prompts of one object into a mask."""
    return service.predict(item_id, body)


@router.post("/{item_id}/lease")
def lease(item_id: int, body: LeaseIn, service: Service, person: Person) -> Item:
    """Lease this very item, whatever its state, to look at it again or to correct it."""
    return service.lease(item_id, annotator_of(person, body.annotator))


@router.post("/{item_id}/heartbeat")
def heartbeat(item_id: int, body: LeaseTokenIn, service: Service) -> Heartbeat:
    """Extend the lease."""
    return Heartbeat(expires_at=service.heartbeat(item_id, body.lease_token))


@router.post("/{item_id}/release", status_code=204)
def release(item_id: int, body: LeaseTokenIn, service: Service) -> None:
    """Give the item back unanswered; its draft stays."""
    service.release(item_id, body.lease_token)


@router.get("/{item_id}/draft")
def draft(item_id: int, service: Service, person: Person, annotator: str | None = None) -> JsonValue:
    """The annotator's draft, or the newest of anyone; null when there is none."""
    return service.draft(item_id, annotator_of(person, annotator))


@router.put("/{item_id}/draft", status_code=204)
def save_draft(item_id: int, body: DraftIn, service: Service) -> None:
    """Keep unfinished work."""
    service.save_draft(item_id, body.lease_token, body.draft)


@router.put("/{item_id}/annotation")
def annotate(item_id: int, body: AnnotationIn, service: Service) -> AnnotationReceipt:
    """Accept an annotation; it is on disk when the answer leaves. Sending it twice is harmless."""
    return service.annotate(item_id, body)


@router.get("/{item_id}/annotations")
def annotations(item_id: int, service: Service) -> list[Annotation]:
    """All versions of the item's annotation, oldest first."""
    return service.history(item_id)


@router.post("/{item_id}/skip", status_code=204)
def skip(item_id: int, body: SkipIn, service: Service) -> None:
    """Put the item aside."""
    service.skip(item_id, body.lease_token, body.reason)
