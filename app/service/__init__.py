"""Use cases, one file each. Page, HTTP, command line and jobs call only `AnnotationService`."""

from app.service.opening import open_workspace
from app.service.service import AnnotationService

__all__ = ["AnnotationService", "open_workspace"]
