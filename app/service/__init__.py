"""Use cases, one file each. Page, HTTP, command line and jobs call only `AnnotationService`."""

from app.service.service import AnnotationService, open_workspace

__all__ = ["AnnotationService", "open_workspace"]
