"""Endpoints of images that are labeled in part."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.deps import Service
from app.api.schemas_windows import ProposedWindow, WindowAsked

router = APIRouter(prefix="/v1/items", tags=["windows"])


@router.get("/{item_id}/window")
def propose_window(item_id: int, asked: Annotated[WindowAsked, Query()], service: Service) -> ProposedWindow:
    """Which window of a crowded image to label alone; the same seed gives the same place. Nothing is kept."""
    return service.propose_window(item_id, asked.n_objects, asked.seed)
