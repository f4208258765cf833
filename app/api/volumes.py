"""Endpoints of volumes, whose slices are items."""

from fastapi import APIRouter, Request, Response

from app.api.deps import Service
from app.api.raw import PRIVATE, raw_answer
from app.api.schemas_volumes import Propagated, PropagateIn, Volume

router = APIRouter(prefix="/v1", tags=["volumes"])


@router.get("/volumes/{volume_id}")
def volume(volume_id: int, service: Service) -> Volume:
    """A volume, and how far the work on each of its slices is."""
    return service.volume(volume_id)


@router.get("/volumes/{volume_id}/overview", response_class=Response)
def overview(volume_id: int, request: Request, service: Service) -> Response:
    """A small copy of the raw voxels, slice by slice, row by row: no side is longer than 128."""
    headers = {"ETag": f'"{service.volume_hash(volume_id)}-128"', "Cache-Control": PRIVATE}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    array = service.volume_overview(volume_id)
    sides = dict(zip(("X-Depth", "X-Height", "X-Width"), map(str, array.shape), strict=True))
    return raw_answer(array, headers | sides, request)


@router.post("/items/{item_id}/propagate")
def propagate(item_id: int, body: PropagateIn, service: Service) -> Propagated:
    """Carry masks of a slice over to its neighbours, as starting masks; what people have done stays."""
    return service.propagate(item_id, body.n, body.direction, body.objects)
