"""Many images leased at once: no image goes to two, each lease is answered, lost and run out by itself."""

from collections import Counter

import pytest
from starlette.testclient import TestClient

from app.api.schemas_work import HeldLease
from app.errors import LeaseLost, NotFound
from app.service import AnnotationService
from tests.app.store.test_lease_queue import in_threads
from tests.app.workspaces import answer_of, queue_all, seeded


def test_batches_that_are_asked_for_at_once_share_nothing(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 40)
    queue_all(fake_service, project.id)

    def take(i: int) -> list[int]:
        return [item.id for item in fake_service.next_batch(project.id, f"annotator {i}", 7).items]

    taken = in_threads(8, take)
    everything = Counter(item for part in taken for item in part)  # type: ignore[attr-defined]
    assert everything == Counter(range(1, 41))
    assert sorted(map(len, taken)) == [0, 0, 5, 7, 7, 7, 7, 7]  # type: ignore[arg-type]


def test_a_reload_gets_the_same_images_with_the_same_tokens(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 6)
    queue_all(fake_service, project.id)
    first = fake_service.next_batch(project.id, "ann", 3).items
    again = fake_service.next_batch(project.id, "ann", 4).items
    assert [item.id for item in again] == [1, 2, 3, 4]
    tokens = [item.lease.token for item in (*first, *again) if item.lease]
    assert tokens[:3] == tokens[3:6]
    assert len(set(tokens)) == 4
    assert [item.id for item in fake_service.next_batch(project.id, "ann", 2, [1, 2]).items] == [3, 4]
    fake_service.release(1, tokens[0])
    again = fake_service.next_batch(project.id, "ann", 5).items
    assert [item.id for item in again] == [1, 2, 3, 4, 5]  # the order is the queue's, not that of taking


def test_heartbeats_keep_what_is_held_and_name_what_is_lost(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    queue_all(fake_service, project.id)
    now = 1000.0
    fake_service.context.clock = lambda: now
    items = fake_service.next_batch(project.id, "ann", 3).items
    held = [HeldLease(item_id=i.id, lease_token=i.lease.token) for i in items if i.lease]
    now += fake_service.settings.lease_s + 1
    other = fake_service.next_item(project.id, "bob")
    assert other is not None
    assert other.id == 1
    answer = fake_service.heartbeats(project.id, held)
    assert answer.lost == [1]
    assert answer.expires_at.timestamp() == now + fake_service.settings.lease_s
    assert fake_service.next_item(project.id, "carl") is None  # 2 and 3 are ann's again
    fake_service.annotate(2, answer_of(items[1]))
    with pytest.raises(LeaseLost):
        fake_service.annotate(1, answer_of(items[0]))
    assert fake_service.heartbeats(project.id, held).lost == [1, 2]


def test_a_batch_of_nothing_is_empty_and_an_unknown_project_says_so(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 2)
    assert fake_service.next_batch(project.id, "ann", 5).items == []
    with pytest.raises(NotFound):
        fake_service.next_batch(99, "ann", 5)


def test_the_day_of_an_annotator_over_http(fake_service: AnnotationService) -> None:
    from app.server import create_app

    project = seeded(fake_service, 4)
    queue_all(fake_service, project.id)
    api = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with TestClient(api, base_url="http://127.0.0.1:7860") as http:
        path = f"/v1/projects/{project.id}"
        batch = http.post(f"{path}/batch", json={"annotator": "ann", "n": 2}).json()["items"]
        assert [item["state"] for item in batch] == ["leased", "leased"]
        held = [{"item_id": i["id"], "lease_token": i["lease"]["token"]} for i in batch]
        assert http.post(f"{path}/heartbeats", json={"leases": held}).json()["lost"] == []
        skip = {"lease_token": held[0]["lease_token"], "reason": "dark"}
        assert http.post(f"/v1/items/{batch[0]['id']}/skip", json=skip).status_code == 204
        (row,) = http.get(f"{path}/recent", params={"annotator": "ann"}).json()["items"]
        assert (row["done"], row["skip_reason"]) == ("skipped", "dark")
        pace = http.get(f"{path}/pace", params={"annotator": "ann", "since": "2000-01-01T00:00:00Z"}).json()
        assert (pace["n_today"], pace["left"], pace["left_s"]) == (1, 3, None)
        for bad in (
            {"annotator": "ann", "n": 0},
            {"annotator": "ann", "n": 101},
            {"n": 2},
            {"annotator": "a", "n": 1, "x": 1},
        ):
            assert http.post(f"{path}/batch", json=bad).status_code == 422
        assert http.get(f"{path}/pace", params={"annotator": "ann", "since": "2000-01-01T00:00:00"}).status_code == 422
        changed = http.patch(path, json={"guidelines": "# Draw the border"}).json()
        assert changed["guidelines"] == "# Draw the border"
        assert http.patch(path, json={"name": "other"}).json()["guidelines"] == "# Draw the border"
        assert http.patch(path, json={"guidelines": ""}).json()["guidelines"] == ""
        assert http.patch(path, json={"guidelines": "x" * 20_001}).status_code == 422
