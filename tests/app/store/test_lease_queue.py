"""Leases: one atomic statement hands out an item; nobody gets another's, nothing is lost."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from app.errors import LeaseLost, NotFound
from app.service import AnnotationService
from app.store import items as item_rows
from app.store.tables import leases
from tests.app.workspaces import accept_next, answer_of, open_fake, queue_all, seeded


def in_threads(n: int, work: Callable[[int], object]) -> list[object]:
    """Run `work(i)` in n threads that begin together."""
    begin = threading.Barrier(n)

    def run(i: int) -> object:
        begin.wait()
        return work(i)

    with ThreadPoolExecutor(n) as threads:
        return list(threads.map(run, range(n)))


def test_twenty_annotators_share_the_queue_without_a_duplicate_or_a_loss(tmp_path: Path) -> None:
    with open_fake(tmp_path / "workspace") as service:
        project = seeded(service, 60)
        queue_all(service, project.id)

        def annotate(i: int) -> list[int]:
            done = []
            while (receipt := accept_next(service, project.id, f"annotator {i}")) is not None:
                done.append(receipt.item_id)
            return done

        done = [item for part in in_threads(20, annotate) for item in part]  # type: ignore[attr-defined]
        assert Counter(done) == Counter(range(1, 61))
        assert service.project(project.id).counts.labeled == 60
        assert all(len(service.history(item)) == 1 for item in done)


def test_twenty_leases_at_once_are_twenty_items(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 20)
    queue_all(fake_service, project.id)

    def take(i: int) -> int:
        item = fake_service.next_item(project.id, f"annotator {i}")
        assert item is not None
        return item.id

    assert sorted(in_threads(20, take)) == list(range(1, 21))  # type: ignore[type-var]
    assert fake_service.next_item(project.id, "late") is None
    assert fake_service.project(project.id).counts.leased == 20


def test_the_same_submission_from_many_threads_is_one_version(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    body = answer_of(item)
    answers = in_threads(8, lambda _: fake_service.annotate(item.id, body).version)
    assert answers == [1] * 8
    assert len(fake_service.history(item.id)) == 1


def test_a_reload_gives_the_same_item_with_the_same_token(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    queue_all(fake_service, project.id)
    first = fake_service.next_item(project.id, "ann")
    again = fake_service.next_item(project.id, "ann")
    assert first is not None
    assert again is not None
    assert first.lease is not None
    assert again.lease is not None
    assert (first.id, first.lease.token) == (again.id, again.lease.token)
    other = fake_service.next_item(project.id, "ann", exclude=[first.id])
    assert other is not None
    assert other.id != first.id


def test_callers_without_a_name_get_a_fresh_item_each_time(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 2)
    queue_all(fake_service, project.id)
    got = [fake_service.next_item(project.id) for _ in range(3)]
    assert [item and item.id for item in got] == [1, 2, None]


def test_an_expired_lease_is_handed_on_with_a_new_token(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    first = fake_service.next_item(project.id, "ann")
    assert fake_service.next_item(project.id, "bob") is None
    with fake_service.context.db.write() as connection:
        connection.execute(update(leases).values(expires_at=0.0))
    second = fake_service.next_item(project.id, "bob")
    assert first is not None
    assert second is not None
    assert first.lease is not None
    assert second.lease is not None
    assert (second.id, second.lease.annotator) == (first.id, "bob")
    assert second.lease.token != first.lease.token
    with pytest.raises(LeaseLost):
        fake_service.heartbeat(first.id, first.lease.token)


def test_a_heartbeat_moves_the_end(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.lease is not None
    fake_service.context.clock = lambda: item.lease.expires_at.timestamp() - 1  # type: ignore[union-attr]
    assert fake_service.heartbeat(item.id, item.lease.token) > item.lease.expires_at


def test_a_released_item_comes_again_and_a_skipped_one_does_not(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.lease is not None
    fake_service.release(item.id, item.lease.token)
    again = fake_service.next_item(project.id, "bob")
    assert again is not None
    assert again.lease is not None
    fake_service.skip(again.id, again.lease.token, "blurred")
    assert fake_service.next_item(project.id, "ann") is None
    assert fake_service.item(item.id).state == "skipped"


def test_opening_an_item_that_another_holds_is_refused(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    with pytest.raises(LeaseLost, match="held by ann"):
        fake_service.lease(item.id, "bob")
    assert fake_service.item(item.id).lease is not None
    assert fake_service.item(item.id).lease.token == ""  # type: ignore[union-attr]


def test_upcoming_names_what_comes_next_and_takes_no_lease(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 4)
    queue_all(fake_service, project.id)
    assert fake_service.next_item(project.id, "ann") is not None
    assert fake_service.upcoming(project.id, "bob") == [2, 3, 4]
    assert fake_service.project(project.id).counts.leased == 1


def test_unknown_ids_are_named(fake_service: AnnotationService) -> None:
    for call in (
        lambda: fake_service.item(7),
        lambda: fake_service.next_item(7, "ann"),
        lambda: fake_service.heartbeat(7, "token"),
        lambda: fake_service.job(7),
    ):
        with pytest.raises(NotFound, match="7"):
            call()


def test_the_next_item_of_a_large_pool_is_found_at_once(fake_service: AnnotationService) -> None:
    """The plan must use the queue's index: 20,000 labeled and unqueued items around a queue of 50."""
    project = fake_service.create_project("large", task="segmentation", classes=["a"])
    image = {"suffix": ".png", "width": 4, "height": 4, "dtype": "uint8", "channels": 1, "created_at": 0.0}
    window = {"level": 127.5, "window_width": 255.0, "min": 0.0, "max": 255.0, "project_id": project.id}
    states = np.array(["labeled", "unqueued"])[np.arange(20_000) % 2]
    rows = [{**image, **window, "name": str(i), "content_hash": str(i), "state": str(s)} for i, s in enumerate(states)]
    with fake_service.context.db.write() as connection:
        item_rows.add_many(connection, rows)
        batch = [{"item_id": i, "reason": "r"} for i in range(2, 102, 2)]
        assert len(item_rows.enqueue(connection, project.id, batch, round_number=1)) == 50
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT id FROM items WHERE project_id = 1 AND state = 'queued' ORDER BY position"
        ).fetchall()
    assert "ix_items_queue" in str(plan)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.id == 2
