"""A project seen as a whole, from a program: its map, its images by filter, what looks alike, and picks by hand."""

from __future__ import annotations

from collections.abc import Sequence

from app.api.schemas import (
    EmbeddingMap,
    ItemFilter,
    ItemPage,
    ItemSummary,
    NearDuplicates,
    Picked,
    PickIn,
    Similar,
    SimilarItem,
)
from app.client.part import ProjectPart


class OverviewCalls(ProjectPart):
    """The part of `Project` that sees all images at once."""

    def find(self, asked: ItemFilter) -> list[ItemSummary]:
        """List the images that fit a filter, in the order that it asks for; one page, as `offset` and `limit` say.

        Raises:
            UnknownName: the project has no such class.
            InvalidRequest: no image has the group, or no model was asked about the images.
        """
        return self._page(asked).items

    def _page(self, asked: ItemFilter) -> ItemPage:
        """Ask for a page of images."""
        params = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
        params = {name: str(value).lower() if isinstance(value, bool) else value for name, value in params.items()}
        return self._transport.ask(ItemPage, "GET", self._path("items"), params=params)

    def embedding_map(self) -> EmbeddingMap:
        """Read where the images lie on the plane in which their embeddings differ most."""
        return self._transport.ask(EmbeddingMap, "GET", self._path("map"))

    def similar(self, item_id: int, *, limit: int = 60) -> list[SimilarItem]:
        """List the images that look most like one, which comes first itself."""
        answer = self._transport.ask(Similar, "GET", f"/v1/items/{item_id}/similar", params={"limit": limit})
        return answer.items

    def duplicates(self, *, threshold: float = 0.98, limit: int = 100) -> NearDuplicates:
        """List pairs of images whose embeddings have at least this cosine, most similar first."""
        params: dict[str, str | int] = {"threshold": str(threshold), "limit": limit}
        return self._transport.ask(NearDuplicates, "GET", self._path("duplicates"), params=params)

    def pick(self, item_ids: Sequence[int], *, annotator: str | None = None) -> Picked:
        """Queue images by hand: unqueued ones alone, and none of the audit set.

        Raises:
            NotFound: an image is not the project's; nothing is queued then.
        """
        body = PickIn(item_ids=list(item_ids), annotator=annotator)
        return self._transport.ask(Picked, "POST", self._path("picks"), body=body)
