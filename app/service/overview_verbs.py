"""The part of `AnnotationService` that sees a project as a whole."""

from collections.abc import Sequence
from typing import Literal

from app.api import schemas
from app.service import overview
from app.service.context import Context


class OverviewVerbs:
    """Map, gallery, what looks alike, and picking by hand."""

    context: Context

    def find_items(self, project_id: int, asked: schemas.ItemFilter) -> schemas.ItemPage:
        """A page of the images that fit a filter, in the order that it asks for."""
        return overview.page(self.context, project_id, asked)

    def embedding_map(self, project_id: int) -> schemas.EmbeddingMap:
        """All embedded images on the plane in which they differ most."""
        return overview.embedding_map(self.context, project_id)

    def similar(self, item_id: int, limit: int = 60) -> schemas.Similar:
        """The images that look most like one."""
        return overview.similar(self.context, item_id, limit)

    def duplicates(self, project_id: int, threshold: float = 0.98, limit: int = 100) -> schemas.NearDuplicates:
        """Pairs of images that look nearly the same."""
        return overview.duplicates(self.context, project_id, threshold, limit)

    def pick(
        self,
        project_id: int,
        item_ids: Sequence[int],
        annotator: str | None = None,
        where: Literal["map", "gallery"] = "gallery",
    ) -> schemas.Picked:
        """Queue images that a person chose."""
        body = schemas.PickIn(item_ids=list(item_ids), annotator=annotator, where=where)
        return overview.pick(self.context, project_id, body)
