"""More than one reader, from a program: second reads, agreement, adjudication, gold items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from app.api.schemas_reads import (
    Adjudicated,
    AdjudicateIn,
    Adjudication,
    Adjudications,
    Agreement,
    Asked,
    Dispute,
    Gold,
    GoldIn,
    ItemsIn,
)
from app.client.part import ProjectPart

if TYPE_CHECKING:
    from app.api.schemas import Item
    from app.api.schemas_reads import Decision, ObjectDecision
    from app.client.project import Project


class ReadTwice:
    """What can be asked for an image; part of `Item`."""

    _project: Project
    _state: Item

    def ask_second_read(self, *, annotator: str | None = None) -> None:
        """Have the image read a second time, blind, by somebody other than its first reader."""
        self._project.ask_second_reads([self._state.id], annotator=annotator)


class ReadCalls(ProjectPart):
    """The part of `Project` for more than one reader."""

    def ask_second_reads(self, item_ids: Sequence[int], *, annotator: str | None = None) -> Asked:
        """Have images read a second time, blind, by somebody other than their first reader.

        Raises:
            NotFound: an image is not the project's; none is asked then.
        """
        body = ItemsIn(item_ids=list(item_ids), annotator=annotator)
        return self._transport.ask(Asked, "POST", self._path("second-reads"), body=body, repeatable=True)

    def agreement(self) -> Agreement:
        """Read how far second readers agree with first ones."""
        return self._transport.ask(Agreement, "GET", self._path("agreement"))

    def adjudications(self) -> list[Dispute]:
        """List the images whose two readers are apart, furthest first."""
        return self._transport.ask(Adjudications, "GET", self._path("adjudications")).waiting

    def adjudication(self, item_id: int) -> Adjudication:
        """Read both readings of an image.

        Raises:
            NotFound: it has not been read twice.
        """
        return self._transport.ask(Adjudication, "GET", f"/v1/items/{item_id}/adjudication")

    def adjudicate(
        self,
        item_id: int,
        act: Decision,
        *,
        objects: Sequence[ObjectDecision] | None = None,
        annotator: str | None = None,
        seconds: float = 0.0,
    ) -> Adjudicated:
        """Decide between two readings; the decision is the image's next version.

        Args:
            item_id: the image.
            act: `a` or `b`, or in segmentation `union` or `intersection`, which joins objects pair by pair.
            objects: an act for each of the pairs of `adjudication(item_id)`, or `none`, in place of `act`.
            annotator: who decides.
            seconds: working time to record.

        Raises:
            Conflict: it was decided before.
            InvalidInput: labels cannot be joined, or `objects` does not fit the pairs.
        """
        seen = self.adjudication(item_id)
        body = AdjudicateIn(
            submission_id=uuid4(),
            base_version=seen.version,
            second_id=seen.second_id,
            act=act,
            objects=None if objects is None else list(objects),
            annotator=annotator,
            seconds=seconds,
        )
        path = f"/v1/items/{item_id}/adjudication"
        return self._transport.ask(Adjudicated, "POST", path, body=body, repeatable=True)

    def gold(self) -> Gold:
        """Read which images are gold, and how annotators do on them."""
        return self._transport.ask(Gold, "GET", self._path("gold"))

    def mark_gold(self, item_ids: Sequence[int], *, gold: bool = True, annotator: str | None = None) -> Gold:
        """Make images gold with their newest annotation as the reference, or with `gold=False` ordinary again.

        Raises:
            InvalidRequest: an image has no accepted annotation.
        """
        body = GoldIn(item_ids=list(item_ids), gold=gold, annotator=annotator)
        return self._transport.ask(Gold, "PUT", self._path("gold"), body=body, repeatable=True)
