"""What an annotator did last, and how long the rest takes: worked by hand, and against the annotations themselves."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotFound
from app.service import AnnotationService
from app.service.activity import estimate
from tests.app.workspaces import accept_next, answer_of, queue_all, seeded

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def test_the_pace_is_the_median_and_the_rest_follows_the_mean() -> None:
    assert estimate([4.0, 6.0, 50.0], left=10) == (6.0, 200.0)  # mean 20
    assert estimate([5.0, 7.0], left=0) == (6.0, 0.0)


def test_without_a_measurement_nothing_is_promised() -> None:
    assert estimate([], left=10) == (None, None)


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=30), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_pace_knows_no_order_and_a_batch_of_the_measured_size_takes_what_was_measured(
    seconds: list[float], left: int, rng: object
) -> None:
    shuffled = list(seconds)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    a, b = estimate(seconds, left), estimate(shuffled, left)
    assert a.median_s == b.median_s
    assert a.left_s is not None
    assert b.left_s is not None
    assert math.isclose(a.left_s, b.left_s, abs_tol=1e-9)
    assert math.isclose(estimate(seconds, len(seconds)).left_s or 0.0, sum(seconds), abs_tol=1e-6)


def test_the_pace_of_a_project_counts_one_person_and_the_newest_annotations(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 8)
    queue_all(fake_service, project.id)
    for seconds in (3.0, 9.0):
        item = fake_service.next_item(project.id, "ann")
        assert item is not None
        fake_service.annotate(item.id, answer_of(item, seconds=seconds))
    accept_next(fake_service, project.id, "bob")
    skipped = fake_service.next_item(project.id, "ann")
    assert skipped is not None
    assert skipped.lease is not None
    fake_service.skip(skipped.id, skipped.lease.token)
    fake_service.next_item(project.id, "ann")  # held: still to do
    pace = fake_service.pace(project.id, "ann", LONG_AGO)
    assert (pace.n_today, pace.n_measured, pace.median_s, pace.left, pace.left_s) == (3, 2, 6.0, 4, 24.0)
    tomorrow = datetime.fromtimestamp(fake_service.context.clock() + 86_400, UTC)
    assert fake_service.pace(project.id, "ann", tomorrow).n_today == 0
    assert fake_service.pace(project.id, "nobody", LONG_AGO).left_s is None


def test_only_the_newest_fifty_annotations_make_the_pace(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    for version in range(52):
        item = fake_service.lease(1, "ann")
        fake_service.annotate(1, answer_of(item, seconds=1000.0 if version < 2 else 2.0))
    pace = fake_service.pace(project.id, "ann", LONG_AGO)
    assert (pace.n_today, pace.n_measured, pace.median_s, pace.left_s) == (1, 50, 2.0, 0.0)


def test_the_history_shows_what_a_person_did_last_first_and_each_image_once(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 5)
    queue_all(fake_service, project.id)
    accept_next(fake_service, project.id, "ann")  # 1
    skipped = fake_service.next_item(project.id, "ann")  # 2
    assert skipped is not None
    assert skipped.lease is not None
    fake_service.skip(skipped.id, skipped.lease.token, "blurred")
    accept_next(fake_service, project.id, "bob")  # 3
    accept_next(fake_service, project.id, "ann")  # 4
    again = fake_service.lease(1, "ann")
    fake_service.annotate(1, answer_of(again, objects=[]))
    recent = fake_service.recent(project.id, "ann").items
    assert [(r.item_id, r.done, r.version, r.n_objects) for r in recent] == [
        (1, "annotated", 2, 0),
        (4, "annotated", 1, 1),
        (2, "skipped", 0, 0),
    ]
    assert (recent[2].skip_reason, recent[2].annotator, recent[0].annotator) == ("blurred", None, "ann")
    assert [r.item_id for r in fake_service.recent(project.id, "ann", limit=1).items] == [1]
    assert fake_service.recent(project.id, "nobody").items == []


def test_the_history_says_who_corrected_an_image_since_and_what_was_begun_again(
    fake_service: AnnotationService,
) -> None:
    project = seeded(fake_service, 2)
    queue_all(fake_service, project.id)
    accept_next(fake_service, project.id, "ann")
    theirs = fake_service.lease(1, "bob")
    fake_service.annotate(1, answer_of(theirs))
    mine = fake_service.lease(1, "ann")
    assert mine.lease is not None
    fake_service.save_draft(1, mine.lease.token, {"version": 1})
    (row,) = fake_service.recent(project.id, "ann").items
    assert (row.annotator, row.version, row.has_draft) == ("bob", 2, True)


def test_a_correction_that_was_only_begun_is_in_the_history_and_queued_work_is_not(
    fake_service: AnnotationService,
) -> None:
    project = seeded(fake_service, 3)
    queue_all(fake_service, project.id)
    accept_next(fake_service, project.id, "bob")  # 1
    for item_id in (1, 2):
        item = fake_service.lease(item_id, "ann")
        assert item.lease is not None
        fake_service.save_draft(item_id, item.lease.token, {"version": 1})
    (row,) = fake_service.recent(project.id, "ann").items
    assert (row.item_id, row.done, row.has_draft, row.annotator) == (1, "begun", True, "bob")
    fake_service.annotate(1, answer_of(fake_service.lease(1, "ann")))
    (row,) = fake_service.recent(project.id, "ann").items
    assert (row.done, row.has_draft) == ("annotated", False)


def test_a_skipped_image_that_somebody_annotates_leaves_the_skips(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 2)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.lease is not None
    fake_service.skip(item.id, item.lease.token)
    fake_service.annotate(item.id, answer_of(fake_service.lease(item.id, "bob")))
    assert fake_service.recent(project.id, "ann").items == []
    assert [r.item_id for r in fake_service.recent(project.id, "bob").items] == [item.id]


def test_an_unknown_project_has_no_history(fake_service: AnnotationService) -> None:
    with pytest.raises(NotFound):
        fake_service.recent(9, "ann")
    with pytest.raises(NotFound):
        fake_service.pace(9, "ann", LONG_AGO)
