"""The part of `AnnotationService` for images that are labeled in part."""

from app.api.schemas_windows import WINDOW_OBJECTS, ProposedWindow, WindowAsked
from app.service import proposing
from app.service.context import Context


class WindowVerbs:
    """Windows of crowded images."""

    context: Context

    def propose_window(self, item_id: int, n_objects: int = WINDOW_OBJECTS, seed: int = 0) -> ProposedWindow:
        """Which window of an image to label, so that about `n_objects` objects are in it."""
        return proposing.propose(self.context, item_id, WindowAsked(n_objects=n_objects, seed=seed))
