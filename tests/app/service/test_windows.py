"""Answers that label a window of their image: stored, checked, compared in what both label, and proposed."""

import io
import uuid

import numpy as np
import pytest
from PIL import Image

from alcore.errors import InvalidInput
from alcore.masks import encode_rle
from app.api.schemas import AnnotationIn, Item
from app.api.schemas_reads import AdjudicateIn
from app.errors import VersionConflict
from app.service import AnnotationService
from app.store import items as item_rows
from app.store import rounds as round_rows
from tests.app.workspaces import HEIGHT, WIDTH, answer_of, queue_all, seeded

LEFT, RIGHT, MIDDLE = (0, 0, 20, 30), (20, 0, 40, 30), (10, 0, 30, 30)


def square(x: int, y: int = 5) -> dict[str, object]:
    """An object of 8 x 8 pixels whose first one is at column x and row y."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + 8, x : x + 8] = True
    return {"class_id": 1, "mask": dict(encode_rle(mask))}


def shown(item: Item, *xs: int, window: tuple[int, ...] | None = None) -> AnnotationIn:
    return answer_of(item, objects=[square(x) for x in xs], labeled_window=window)


def opened(service: AnnotationService, n: int = 2, *, task: str = "segmentation") -> Item:
    project = seeded(service, n, task=task)
    queue_all(service, project.id)
    item = service.next_item(project.id, "ann")
    assert item is not None
    return item


def read_again(service: AnnotationService, item_id: int, project_id: int) -> Item:
    """The item, opened blind by another reader."""
    service.ask_second_reads(project_id, [item_id], "lead")
    item = service.next_item(project_id, "bob")
    assert item is not None
    assert item.id == item_id
    return item


def test_a_window_is_stored_with_its_version_and_shown_when_the_image_is_opened_again(
    fake_service: AnnotationService,
) -> None:
    item = opened(fake_service)
    fake_service.annotate(item.id, shown(item, 4, window=LEFT))
    again = fake_service.lease(item.id, "ann")
    assert again.annotation is not None
    assert again.annotation.labeled_window == LEFT
    assert again.asked_window is None
    fake_service.annotate(item.id, shown(again, 4, 25))
    assert [version.labeled_window for version in fake_service.history(item.id)] == [LEFT, None]


def test_an_object_may_reach_out_of_the_window_and_not_lie_outside(fake_service: AnnotationService) -> None:
    item = opened(fake_service)
    with pytest.raises(InvalidInput, match=r"objects\[1\] lies outside the window \[0, 0, 20, 30\].*leave the object"):
        fake_service.annotate(item.id, shown(item, 4, 20, window=LEFT))
    assert fake_service.annotate(item.id, shown(item, 4, 19, window=LEFT)).version == 1


@pytest.mark.parametrize("window", [(0, 0, 41, 30), (0, 0, 20, 31), (5, 5, 5, 9), (-1, 0, 3, 3)])
def test_a_window_that_is_empty_or_leaves_the_image_is_refused(
    fake_service: AnnotationService, window: tuple[int, ...]
) -> None:
    item = opened(fake_service)
    with pytest.raises(InvalidInput, match=r"0 <= x0 < x1 <= 40 and 0 <= y0 < y1 <= 30"):
        fake_service.annotate(item.id, shown(item, window=window))
    assert fake_service.history(item.id) == []


def test_images_to_measure_on_and_image_labels_are_whole(fake_service: AnnotationService) -> None:
    item = opened(fake_service)
    with fake_service.context.db.write() as connection:
        item_rows.keep_for_audit(connection, [item.id])
    for ask in (
        lambda: fake_service.annotate(item.id, shown(item, 4, window=LEFT)),
        lambda: fake_service.propose_window(item.id),
    ):
        with pytest.raises(InvalidInput, match=r"audit set.*labeled whole: leave the window out"):
            ask()
    assert fake_service.annotate(item.id, shown(item, 4)).version == 1


def test_a_classification_project_has_no_windows(fake_service: AnnotationService) -> None:
    item = opened(fake_service, task="classification")
    with pytest.raises(InvalidInput, match="leave `labeled_window` null"):
        fake_service.annotate(item.id, answer_of(item, objects=[], label="disk", labeled_window=LEFT))
    with pytest.raises(InvalidInput, match="no window to propose"):
        fake_service.propose_window(item.id)


def test_two_readers_are_compared_in_what_both_labeled(fake_service: AnnotationService) -> None:
    item = opened(fake_service)
    fake_service.annotate(item.id, shown(item, 4, window=LEFT))
    second = read_again(fake_service, item.id, item.project_id)
    assert (second.asked_window, second.annotation) == (LEFT, None)
    assert fake_service.propose_window(item.id).model_dump() == {
        "window": LEFT, "n_objects": None, "placed_by": "reader",
    }  # fmt: skip
    fake_service.annotate(item.id, shown(second, 4, 25))  # whole: what the first did not label counts for nothing
    assert fake_service.agreement(item.project_id).mean == 1.0
    seen = fake_service.adjudication(item.id)
    assert {seen.a.labeled_window, seen.b.labeled_window} == {LEFT, None}


def test_answers_of_windows_apart_are_refused_with_the_way_out(fake_service: AnnotationService) -> None:
    item = opened(fake_service)
    fake_service.annotate(item.id, shown(item, 4, window=LEFT))
    second = read_again(fake_service, item.id, item.project_id)
    with pytest.raises(InvalidInput, match=r"share no pixel.*overlaps the other, or the whole image"):
        fake_service.annotate(item.id, shown(second, 25, window=RIGHT))
    fake_service.annotate(item.id, shown(second, 14, window=MIDDLE))
    assert fake_service.agreement(item.project_id).mean == 0.0


@pytest.mark.parametrize(("act", "expected"), [("first", LEFT), ("second", MIDDLE), ("union", (10, 0, 20, 30))])
def test_a_decision_labels_one_readers_window_or_what_both_labeled(
    fake_service: AnnotationService, act: str, expected: tuple[int, ...]
) -> None:
    item = opened(fake_service)
    fake_service.annotate(item.id, shown(item, 10, window=LEFT))
    second = read_again(fake_service, item.id, item.project_id)
    fake_service.annotate(item.id, shown(second, 14, window=MIDDLE))
    seen = fake_service.adjudication(item.id)
    sides = {seen.a.labeled_window: "a", seen.b.labeled_window: "b"}
    sent = {"first": sides[LEFT], "second": sides[MIDDLE]}.get(act, act)
    body = AdjudicateIn.model_validate(
        {"submission_id": uuid.uuid4(), "base_version": 1, "second_id": seen.second_id, "act": sent}
    )
    fake_service.adjudicate(item.id, body)
    assert fake_service.history(item.id)[-1].labeled_window == expected


def test_a_gold_answer_is_scored_inside_the_references_window(fake_service: AnnotationService) -> None:
    item = opened(fake_service)
    fake_service.annotate(item.id, shown(item, 4, window=LEFT))
    fake_service.mark_gold(item.project_id, [item.id])
    fake_service.update_project(item.project_id, gold_share=1.0)
    blind = fake_service.next_item(item.project_id, "bob")
    assert blind is not None
    assert (blind.id, blind.asked_window) == (item.id, LEFT)
    fake_service.annotate(item.id, shown(blind, 4, 25))
    assert fake_service.gold(item.project_id).annotators[0].mean == 1.0


def test_a_skipped_second_read_has_no_window(fake_service: AnnotationService) -> None:
    item = opened(fake_service)
    fake_service.annotate(item.id, shown(item, 4, window=LEFT))
    second = read_again(fake_service, item.id, item.project_id)
    assert second.lease is not None
    fake_service.skip(item.id, second.lease.token, "blurred")
    with pytest.raises(VersionConflict):
        fake_service.annotate(item.id, shown(item, 4, window=LEFT))


def test_without_a_starting_mask_half_of_each_side_is_proposed_and_the_seed_moves_it(
    fake_service: AnnotationService,
) -> None:
    item = opened(fake_service)
    found = [fake_service.propose_window(item.id, seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert found[0] == found[1]
    assert len({one.window for one in found}) > 2
    for one in found:
        assert (one.n_objects, one.placed_by) == (None, "chance")
        assert one.window is not None
        assert (one.window[2] - one.window[0], one.window[3] - one.window[1]) == (20, 15)


def suggest(service: AnnotationService, item: Item, xs: list[int], peak: tuple[slice, slice] | None) -> None:
    """Squares of one class, in one object as heads give them, and a map that is bright at its peak."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for x in xs:
        mask[1:3, x : x + 2] = True
    png = None
    if peak is not None:
        grey, stream = np.zeros((16, 16), np.uint8), io.BytesIO()
        grey[peak] = 255
        Image.fromarray(grey).save(stream, "PNG")
        png = stream.getvalue()
    code = encode_rle(mask)
    entry = {"class_id": 1, "mask": {"size": list(code["size"]), "counts": list(code["counts"])}}
    row = {"item_id": item.id, "model_id": "head", "objects": [entry], "label": None, "uncertainty": png}
    with service.context.db.write() as connection:
        round_rows.put_suggestions(connection, [row])


def test_the_starting_mask_sizes_the_window_and_the_map_of_uncertainty_places_it(
    fake_service: AnnotationService,
) -> None:
    item = opened(fake_service)
    suggest(fake_service, item, list(range(0, 36, 4)), np.s_[12:, 13:])  # nine objects; unsure at the lower right
    found = fake_service.propose_window(item.id, n_objects=4)
    assert (found.n_objects, found.placed_by) == (9, "uncertainty")
    assert found.window is not None
    x0, y0, x1, y1 = found.window
    assert (x1 - x0, y1 - y0) == (27, 20)  # two thirds
    assert x1 == 40
    assert y1 == 30
    suggest(fake_service, item, list(range(0, 36, 4)), None)
    assert fake_service.propose_window(item.id, n_objects=4).placed_by == "chance"
    by_default = fake_service.propose_window(item.id).window
    assert by_default is not None
    assert by_default[2] - by_default[0] == 33  # six of nine: 0.816 of 40 pixels


def test_an_image_that_is_not_crowded_is_to_be_labeled_whole(fake_service: AnnotationService) -> None:
    item = opened(fake_service)
    suggest(fake_service, item, [0, 8, 16], None)
    found = fake_service.propose_window(item.id)
    assert (found.window, found.n_objects) == (None, 3)
