"""Which accepted masks teach the promptable model, and which of them are kept to measure it on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from alcore.errors import InvalidInput
from alcore.formats.window import to_rgb
from alcore.masks import decode_rle
from alcore.rounds import hold_out
from alcore.windows import Box
from app.errors import NoLabels
from app.jobs.pool import group_of
from app.service.context import Context
from app.service.images import window_of
from app.service.windows import window_of_answer
from app.store.database import Row

if TYPE_CHECKING:
    from prompts.adaptation import Sample

HELD_OUT_SHARE = 0.25
MAX_OBJECTS = 4
"""Objects taken of one image: more of the same picture teach and tell little that is new."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """An item, and the objects in it that somebody put work into."""

    item: Row
    objects: Sequence[Mapping[str, Any]]


def teaches(entry: Mapping[str, Any]) -> bool:
    """Tell whether a person put more into an accepted object than one prompt.

    It was drawn or edited by hand, made elsewhere, or steered by at least two prompts. What came of a single click,
    stroke or box, and a starting mask that was accepted as it was, is a model's own output: learning from it would only
    make the model surer of what it does already, and measuring on it would favour the model that made it.
    """
    if entry.get("edited"):
        return True
    if entry.get("from_suggestion"):
        return False
    n_marks = len(entry.get("points") or ()) + len(entry.get("scribbles") or ())
    n_prompts = n_marks + (entry.get("box") is not None)
    return entry.get("model_id") is None or n_prompts >= 2


def lessons_of(items: Sequence[Row], answers: Mapping[int, Row]) -> list[Lesson]:
    """The labeled items that teach something, in the order of import."""
    found = []
    for row in items:
        answer: Row = answers.get(row["id"], {"objects": ()})
        objects = [
            entry
            for entry in answer["objects"]
            if teaches(entry) and any(entry["mask"]["counts"][1::2]) and _is_seen(entry, window_of_answer(answer))
        ]
        if objects:
            found.append(Lesson(item=row, objects=objects))
    return found


def _is_seen(entry: Mapping[str, Any], window: Box | None) -> bool:
    """Tell whether a person answers for all of a mask: outside a window nobody looks at what the head offered."""
    if window is None or not entry.get("from_suggestion"):
        return True
    mask = decode_rle(entry["mask"])
    mask[window[1] : window[3], window[0] : window[2]] = False
    return not mask.any()


def split(lessons: Sequence[Lesson], learned: Collection[int], *, seed: int) -> tuple[list[Lesson], list[Lesson]]:
    """Divide lessons into those to learn from and those to measure on, about a quarter; groups stay whole.

    Args:
        lessons: all of them.
        learned: items that an adaptation in the lineage has learned from: they and their groups are never measured on.
        seed: draws among the other groups.

    Raises:
        NoLabels: all are of one group, or no group is left that was never learned from.
    """
    groups = [group_of(lesson.item) for lesson in lessons]
    known = {group for lesson, group in zip(lessons, groups, strict=True) if lesson.item["id"] in learned}
    free = [row for row, group in enumerate(groups) if group not in known]
    share = HELD_OUT_SHARE * len(lessons) / max(len(free), 1)
    if not free:
        raise NoLabels("the model has learned from every patient already; annotate images of one more to measure on")
    if known and (share >= 1 or len({groups[row] for row in free}) < 2):
        kept = set(free)
    else:
        names = np.array([groups[row] for row in free], dtype=object)
        try:
            kept = {free[i] for i in hold_out(len(free), names, np.random.default_rng(seed), min(share, 0.99))}
        except InvalidInput as error:
            raise NoLabels(f"adapting needs images of two patients or groups at least: {error}") from error
    learn = [lesson for row, lesson in enumerate(lessons) if row not in kept]
    return learn, [lesson for row, lesson in enumerate(lessons) if row in kept]


class Samples(Sequence["Sample"]):
    """Lessons as images and masks, each read when it is asked for."""

    def __init__(self, ctx: Context, lessons: Sequence[Lesson]) -> None:
        self._ctx, self._lessons = ctx, lessons

    def __len__(self) -> int:
        return len(self._lessons)

    @overload
    def __getitem__(self, index: int) -> "Sample": ...
    @overload
    def __getitem__(self, index: slice) -> "Samples": ...
    def __getitem__(self, index: int | slice) -> "Sample | Samples":
        """The sample at an index, or those of a slice."""
        from prompts.adaptation import Sample  # imports torch

        if isinstance(index, slice):
            return Samples(self._ctx, self._lessons[index])
        lesson = self._lessons[index]
        image = to_rgb(self._ctx.images.get(lesson.item), window_of(lesson.item))
        return Sample(image=image, masks=[decode_rle(dict(entry["mask"])) for entry in chosen_objects(lesson)])


def chosen_objects(lesson: Lesson) -> list[Mapping[str, Any]]:
    """At most `MAX_OBJECTS` of a lesson, the same ones each time."""
    order = np.random.default_rng(lesson.item["id"]).permutation(len(lesson.objects))[:MAX_OBJECTS]
    return [lesson.objects[i] for i in sorted(order)]
