"""Second reads: who gets them, that they are blind, and that they count as nothing until somebody decides."""

import uuid

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from alcore.masks import encode_rle
from app.api.schemas import AnnotationIn, Item
from app.errors import InvalidRequest, LeaseLost, NotFound, VersionConflict
from app.service import AnnotationService
from app.service.blind import draw, is_drawn
from tests.app.store.test_lease_queue import in_threads
from tests.app.workspaces import HEIGHT, WIDTH, accept_all, accept_next, answer_of, queue_all, seeded


def drawn(item: Item, x: int = 10, **changes: object) -> AnnotationIn:
    """An 8 x 8 square of class 1 at row 5 and column x."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:13, x : x + 8] = True
    return answer_of(item, objects=[{"class_id": 1, "mask": encode_rle(mask)}], **changes)


def read_first(service: AnnotationService, n: int = 3, **settings: object) -> int:
    """A project whose items ann has annotated; returns its id."""
    project = seeded(service, n)
    if settings:
        service.update_project(project.id, **settings)
    queue_all(service, project.id)
    while (item := service.next_item(project.id, "ann")) is not None:
        service.annotate(item.id, drawn(item))
    return project.id


def read_second(service: AnnotationService, project_id: int, x: int, annotator: str = "bob") -> int:
    """A second read whose square begins at column x; returns the item's id."""
    item = service.next_item(project_id, annotator)
    assert item is not None
    service.annotate(item.id, drawn(item, x))
    return item.id


def test_a_second_read_comes_blind_to_another_annotator_once(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service)
    assert fake_service.next_item(project_id, "bob") is None
    assert fake_service.ask_second_reads(project_id, [2], "lead").asked == [2]
    assert fake_service.next_item(project_id, "ann") is None  # not to the first reader
    assert fake_service.next_item(project_id) is None  # nor to nobody in particular
    assert fake_service.upcoming(project_id, "ann") == []
    assert fake_service.upcoming(project_id, "bob") == [2]
    item = fake_service.next_item(project_id, "bob")
    assert item is not None
    assert (item.id, item.version, item.annotation, item.draft, item.state) == (2, 0, None, None, "leased")
    assert fake_service.next_item(project_id, "cy") is None  # bob holds it
    again = fake_service.next_item(project_id, "bob")
    assert item.lease is not None
    assert again is not None
    assert again.lease is not None
    assert again.lease.token == item.lease.token  # a reload goes on where it was
    fake_service.annotate(2, drawn(item, 12))
    assert fake_service.next_item(project_id, "bob") is None
    assert fake_service.next_item(project_id, "cy") is None  # twice is enough


def test_a_blind_answer_is_no_annotation(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1)
    fake_service.ask_second_reads(project_id, [1])
    before = fake_service.item(1)
    item = fake_service.next_item(project_id, "bob")
    assert item is not None
    body = drawn(item, 25)
    receipt = fake_service.annotate(1, body)
    assert receipt.version == 1
    assert fake_service.annotate(1, body) == receipt  # sent twice
    assert fake_service.item(1) == before
    assert [a.annotator for a in fake_service.history(1)] == ["ann"]


def test_starting_masks_and_other_peoples_drafts_are_not_shown(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    with fake_service.context.db.write() as connection:
        connection.execute(
            text(
                "INSERT INTO models (id, project_id, file, encoder_id, class_ids, n_labeled, item_ids, accepted, "
                "report, created_at) VALUES ('m', 1, 'f', 'e', '[]', 1, '[]', 1, '{}', 1.0)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO suggestions (item_id, model_id, objects, created_at, uncertainty) "
                "VALUES (1, 'm', '[]', 1.0, x'00')"
            )
        )
    first = fake_service.next_item(project.id, "ann")
    assert first is not None
    assert first.lease is not None
    assert (first.has_suggestion, first.has_uncertainty) == (True, True)
    fake_service.annotate(1, drawn(first))
    again = fake_service.lease(1, "ann")
    assert again.lease is not None
    fake_service.save_draft(1, again.lease.token, {"mine": 1})
    fake_service.release(1, again.lease.token)
    fake_service.ask_second_reads(project.id, [1])
    second = fake_service.next_item(project.id, "bob")
    assert second is not None
    assert (second.has_suggestion, second.has_uncertainty, second.draft) == (False, False, None)


def test_an_item_that_waits_opens_blind_from_any_list_and_as_it_is_for_its_author(
    fake_service: AnnotationService,
) -> None:
    project_id = read_first(fake_service, 1)
    fake_service.ask_second_reads(project_id, [1])
    assert fake_service.lease(1, "ann").annotation is not None
    with pytest.raises(LeaseLost):
        fake_service.lease(1, "bob")
    token = fake_service.lease(1, "ann").lease
    assert token is not None
    fake_service.release(1, token.token)
    assert fake_service.lease(1, "bob").annotation is None


def test_one_alone_is_never_held_up(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 4, second_read_share=1.0)
    counts = fake_service.project(project_id).counts
    assert (counts.labeled, counts.queued, counts.leased) == (4, 0, 0)
    assert fake_service.agreement(project_id).n_wanted == 4


def test_what_is_asked_before_anyone_read_it_is_read_twice_in_the_end(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    fake_service.ask_second_reads(project.id, [1])
    first = fake_service.next_item(project.id, "ann")
    assert first is not None
    assert fake_service.next_item(project.id, "bob") is None
    fake_service.annotate(1, drawn(first))
    assert fake_service.history(1)[0].annotator == "ann"
    assert read_second(fake_service, project.id, 10) == 1
    assert fake_service.agreement(project.id).n_read == 1


def test_the_share_hangs_on_the_item_alone(fake_service: AnnotationService) -> None:
    numbers = [draw("second read", 1, i) for i in range(4000)]
    assert 0.27 < sum(number < 0.3 for number in numbers) / 4000 < 0.33
    project_id = read_first(fake_service, 12, second_read_share=0.5)
    wanted = [i for i in range(1, 13) if is_drawn(project_id, i, 0.5)]
    assert 0 < len(wanted) < 12
    assert fake_service.upcoming(project_id, "bob") == wanted[:5]
    fake_service.update_project(project_id, second_read_share=1.0)  # later is as good as at once
    assert fake_service.agreement(project_id).n_wanted == 12
    fake_service.ask_second_reads(project_id, [wanted[0]], "lead")
    fake_service.update_project(project_id, second_read_share=0.0)
    assert fake_service.upcoming(project_id, "bob") == [wanted[0]]  # what a person asked stays


def test_second_reads_go_with_ordinary_images_in_a_batch(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    queue_all(fake_service, project.id)
    accept_next(fake_service, project.id, "ann")
    fake_service.ask_second_reads(project.id, [1])
    items = fake_service.next_batch(project.id, "bob", 3).items
    assert [(item.id, item.version, item.annotation) for item in items] == [(1, 0, None), (2, 0, None), (3, 0, None)]
    again = fake_service.next_batch(project.id, "bob", 3).items
    assert [item.lease and item.lease.token for item in again] == [item.lease and item.lease.token for item in items]


def test_who_cannot_answer_passes_it_on_and_the_item_stays(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1)
    fake_service.ask_second_reads(project_id, [1])
    item = fake_service.next_item(project_id, "bob")
    assert item is not None
    assert item.lease is not None
    fake_service.skip(1, item.lease.token, "too dark")
    assert fake_service.item(1).state == "labeled"
    assert fake_service.next_item(project_id, "bob") is None
    (row,) = fake_service.recent(project_id, "bob").items
    assert (row.done, row.skip_reason) == ("skipped", "too dark")
    assert read_second(fake_service, project_id, 10, "cy") == 1
    reopened = fake_service.lease(1, "bob")  # somebody else has read it: there is nothing left to be blind for
    assert reopened.annotation is not None


def test_a_blind_reader_meets_only_their_own_work_afterwards(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1)
    fake_service.ask_second_reads(project_id, [1])
    assert fake_service.pace(project_id, "bob", fake_service.history(1)[0].created_at).left == 1
    item = fake_service.next_item(project_id, "bob")
    assert item is not None
    assert item.lease is not None
    fake_service.save_draft(1, item.lease.token, {"own": 1})
    assert fake_service.recent(project_id, "bob").items == []  # begun: as little in the list as what is queued
    fake_service.annotate(1, answer_of(item, seconds=7.0, objects=[]))
    (row,) = fake_service.recent(project_id, "bob").items
    assert (row.done, row.version, row.annotator, row.n_objects) == ("annotated", 1, "bob", 0)
    pace = fake_service.pace(project_id, "bob", fake_service.history(1)[0].created_at)
    assert (pace.n_today, pace.n_measured, pace.median_s, pace.left) == (1, 1, 7.0, 0)
    back = fake_service.lease(1, "bob")
    assert back.annotation is not None
    assert (back.version, back.annotation.objects) == (1, [])
    assert fake_service.annotate(1, drawn(back, 10)).version == 2
    agreement = fake_service.agreement(project_id)
    assert (agreement.n_read, agreement.mean, agreement.seconds) == (1, 1.0, 4.0)  # the corrected one counts
    stale = fake_service.lease(1, "bob")
    with pytest.raises(VersionConflict):
        fake_service.annotate(1, drawn(stale, 10, base_version=1))


def test_an_author_who_corrects_is_measured_anew(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1)
    fake_service.ask_second_reads(project_id, [1])
    read_second(fake_service, project_id, 14)  # half of 8 columns
    before = fake_service.agreement(project_id)
    assert (before.mean, before.n_apart) == (0.5, 1)
    again = fake_service.lease(1, "ann")
    assert fake_service.annotate(1, drawn(again, 13)).version == 2
    after = fake_service.agreement(project_id)
    assert (after.mean, after.n_apart) == (0.875, 0)


def test_agreement_by_hand(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 3)
    empty = fake_service.agreement(project_id)
    assert (empty.n_read, empty.mean, empty.kappa, empty.per_class) == (0, None, None, [])
    fake_service.ask_second_reads(project_id, [1, 2, 3])
    assert fake_service.ask_second_reads(project_id, [3, 3]).n_asked_before == 1
    for x in (10, 11, 14):
        read_second(fake_service, project_id, x)
    found = fake_service.agreement(project_id)
    assert found.mean == pytest.approx((1 + 0.875 + 0.5) / 3)
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert 0.5 <= found.ci_low <= found.mean <= found.ci_high <= 1.0
    assert (found.n_wanted, found.n_read, found.n_apart, found.n_decided, found.unit) == (0, 3, 1, 0, "px")
    assert [(c.class_name, c.n) for c in found.per_class] == [("disk", 3)]
    assert found.distance is not None
    assert found.distance > 0
    assert found.kappa is None
    fake_service.update_project(project_id, adjudicate_below=0.4)
    assert fake_service.agreement(project_id).n_apart == 0
    with pytest.raises(InvalidRequest, match="adjudicate_below"):
        fake_service.update_project(project_id, adjudicate_below=1.5)


def test_distances_are_millimetres_where_the_image_has_a_spacing(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1)
    with fake_service.context.db.write() as connection:
        connection.execute(text("UPDATE items SET spacing_row_mm = 0.5, spacing_col_mm = 0.25"))
    fake_service.ask_second_reads(project_id, [1])
    read_second(fake_service, project_id, 14)
    found = fake_service.agreement(project_id)
    pixels = fake_service.adjudication(1).classes[0]
    assert (found.unit, found.distance) == ("mm", pixels.distance)
    assert pixels.hd95 == 1.0  # four columns


def test_labels_are_compared_by_kappa(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 4, task="classification")
    queue_all(fake_service, project.id)
    accept_all(fake_service, project.id)  # other, disk, other, disk
    fake_service.ask_second_reads(project.id, [1, 2, 3, 4])
    for label in ("other", "disk", "disk", "disk"):
        item = fake_service.next_item(project.id, "bob")
        assert item is not None
        fake_service.annotate(item.id, answer_of(item, objects=[], label=label))
    found = fake_service.agreement(project.id)
    assert (found.mean, found.kappa, found.n_apart, found.distance) == (0.75, 0.5, 1, None)
    (dispute,) = fake_service.adjudications(project.id).waiting
    assert (dispute.item_id, dispute.score) == (3, 0.0)


def test_an_image_of_another_project_is_not_asked(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1)
    other = fake_service.create_project("other", task="segmentation", classes=["a"])
    with pytest.raises(NotFound, match="has no item 1"):
        fake_service.ask_second_reads(other.id, [1])
    assert fake_service.upcoming(project_id, "bob") == []


def test_the_database_refuses_to_change_a_blind_answer(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1)
    fake_service.ask_second_reads(project_id, [1])
    read_second(fake_service, project_id, 12)
    for statement in ("UPDATE reads SET score = 1", "DELETE FROM reads"):
        with (
            pytest.raises(IntegrityError, match="append-only"),
            fake_service.context.db.write() as connection,
        ):
            connection.execute(text(statement))


def test_a_submission_id_serves_one_item(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 2)
    fake_service.ask_second_reads(project_id, [1, 2])
    used = uuid.uuid4()
    first = fake_service.next_item(project_id, "bob")
    assert first is not None
    fake_service.annotate(first.id, drawn(first, submission_id=used))
    second = fake_service.next_item(project_id, "bob")
    assert second is not None
    with pytest.raises(InvalidRequest, match="was used for item"):
        fake_service.annotate(second.id, drawn(second, submission_id=used))


def test_many_who_ask_at_once_share_nothing(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 12, second_read_share=1.0)

    def take(i: int) -> list[int]:
        found = []
        while (item := fake_service.next_item(project_id, f"reader {i}")) is not None:
            fake_service.annotate(item.id, drawn(item))
            found.append(item.id)
        return found

    taken = in_threads(8, take)
    assert sorted(item for part in taken for item in part) == list(range(1, 13))  # type: ignore[attr-defined]
    assert fake_service.agreement(project_id).n_read == 12
