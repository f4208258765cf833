"""The part of `AnnotationService` for more than one reader."""

from collections.abc import Sequence

from app.api import schemas_reads as schemas
from app.api.schemas import Item
from app.service import adjudication, reads
from app.service import gold as gold_cases
from app.service.context import Context


class ReadVerbs:
    """Second reads, agreement, adjudication and gold items."""

    context: Context

    def ask_second_reads(self, project_id: int, item_ids: Sequence[int], annotator: str | None = None) -> schemas.Asked:
        """Have images read a second time, blind, by somebody else."""
        return reads.ask(self.context, project_id, item_ids, annotator)

    def agreement(self, project_id: int) -> schemas.Agreement:
        """How far second readers agree with first ones."""
        return reads.agreement(self.context, project_id)

    def adjudications(self, project_id: int) -> schemas.Adjudications:
        """The images whose two readers are apart."""
        return adjudication.listing(self.context, project_id)

    def adjudication(self, item_id: int) -> schemas.Adjudication:
        """Both readings of an image."""
        return adjudication.view(self.context, item_id)

    def adjudicate(self, item_id: int, body: schemas.AdjudicateIn) -> schemas.Adjudicated:
        """Decide between two readings, or join them."""
        return adjudication.decide(self.context, item_id, body)

    def redo(self, item_id: int, annotator: str | None = None) -> Item:
        """Lease an image whose readers are apart, to draw the decision anew."""
        return adjudication.redo(self.context, item_id, annotator)

    def mark_gold(
        self, project_id: int, item_ids: Sequence[int], annotator: str | None = None, *, gold: bool = True
    ) -> schemas.Gold:
        """Make images gold, or ordinary again."""
        return gold_cases.mark(self.context, project_id, item_ids, annotator, gold=gold)

    def gold(self, project_id: int) -> schemas.Gold:
        """Gold images, and how annotators do on them."""
        return gold_cases.listing(self.context, project_id)
