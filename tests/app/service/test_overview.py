"""The overview of a project: filters and order, the map, what looks alike, and picking by hand."""

import io

import numpy as np
import pytest
from starlette.testclient import TestClient

from alcore.errors import InvalidInput, UnknownName
from app.api.schemas import ItemFilter, ItemPage
from app.client import Client
from app.errors import InvalidRequest, NotFound
from app.server import create_app
from app.service import AnnotationService
from app.store import items as item_rows
from tests.app.workspaces import accept_all, accept_next, answer_of, picture, png, queue_all, seeded


def found(service: AnnotationService, project_id: int, **asked: object) -> list[int]:
    """Places in the order of import of the items that fit."""
    first = service.items(project_id, limit=1).items[0].id
    page = service.find_items(project_id, ItemFilter.model_validate(asked))
    return [item.id - first for item in page.items]


def test_filters_narrow_the_list_alone_and_together(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 6, n_patients=3)
    queue_all(fake_service, project.id)
    accept_next(fake_service, project.id)
    second = fake_service.next_item(project.id, "ann")
    assert second is not None
    fake_service.annotate(second.id, answer_of(second, objects=[{**_first(second), "class_id": 2}]))
    third = fake_service.next_item(project.id, "ann")
    with fake_service.context.db.write() as connection:
        item_rows.keep_for_audit(connection, [second.id])
    assert third is not None
    assert found(fake_service, project.id) == [0, 1, 2, 3, 4, 5]
    assert found(fake_service, project.id, state="labeled") == [0, 1]
    assert found(fake_service, project.id, state="leased") == [2]
    assert found(fake_service, project.id, state="queued") == [3, 4, 5]
    assert found(fake_service, project.id, **{"class": "disk"}) == [0]
    assert found(fake_service, project.id, **{"class": "other"}) == [1]
    assert found(fake_service, project.id, group="p1") == [1, 4]
    assert found(fake_service, project.id, group="p1", state="queued") == [4]
    assert found(fake_service, project.id, name="2/00") == [2, 5]
    assert found(fake_service, project.id, name="P2/005.PNG") == [5]
    assert found(fake_service, project.id, name="%") == []
    assert found(fake_service, project.id, audit=True) == [1]
    assert found(fake_service, project.id, audit=False) == [0, 2, 3, 4, 5]
    assert found(fake_service, project.id, round=1, offset=4) == [4, 5]
    assert found(fake_service, project.id, order="newest") == [1, 0, 2, 3, 4, 5]
    assert fake_service.find_items(project.id, ItemFilter(offset=4, limit=1)).total == 6


def _first(item: object) -> dict[str, object]:
    return answer_of(item).objects[0].model_dump()  # type: ignore[arg-type]


@pytest.mark.parametrize("order", ["import", "newest"])
@pytest.mark.parametrize("filter_", [{}, {"state": "unqueued"}, {"name": "1"}, {"flagged": False}])
def test_pages_are_parts_of_the_whole_list(
    fake_service: AnnotationService, order: str, filter_: dict[str, object]
) -> None:
    project = seeded(fake_service, 12)
    queue_all(fake_service, project.id)
    accept_next(fake_service, project.id)

    def listed(offset: int, limit: int) -> ItemPage:
        asked = {"order": order, "offset": offset, "limit": limit, **filter_}
        return fake_service.find_items(project.id, ItemFilter.model_validate(asked))

    whole = listed(0, 1000)
    assert whole.total == len(whole.items)
    for offset, limit in ((0, 1), (0, 5), (3, 4), (10, 5), (12, 3), (99, 2)):
        page = listed(offset, limit)
        assert [row.id for row in page.items] == [row.id for row in whole.items][offset : offset + limit]
        assert page.total == whole.total


def test_a_line_of_the_list_tells_what_is_known(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 4)
    queue_all(fake_service, project.id)
    accept_next(fake_service, project.id)
    done, waiting = fake_service.items(project.id, limit=2).items
    assert (done.state, done.classes, done.group, done.round, done.is_audit) == ("labeled", ["disk"], "p0", 1, False)
    assert done.answered_at is not None
    assert (waiting.classes, waiting.answered_at, waiting.uncertainty) == ([], None, None)


def test_what_cannot_be_asked_is_told_in_a_line(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    with pytest.raises(UnknownName, match=r"'disc'.*disk, other"):
        found(fake_service, project.id, **{"class": "disc"})
    with pytest.raises(InvalidRequest, match="has the group 'p9'"):
        found(fake_service, project.id, group="p9")
    with pytest.raises(InvalidRequest, match="no model was asked"):
        found(fake_service, project.id, order="uncertainty")
    with pytest.raises(NotFound):
        fake_service.find_items(99, ItemFilter())


@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_the_most_doubtful_come_first_after_a_round(fake_service: AnnotationService, task: str) -> None:
    project = seeded(fake_service, 24, task=task, n_patients=24)
    for _ in range(2):
        fake_service.start_round(project.id, n=8)
        accept_all(fake_service, project.id)
    fake_service.start_round(project.id, n=4, strategy="entropy")
    page = fake_service.find_items(project.id, ItemFilter(order="uncertainty"))
    known = [item.uncertainty for item in page.items if item.uncertainty is not None]
    assert len(page.items) == 24
    assert len(known) >= 4
    assert known == sorted(known, reverse=True)
    assert [item.uncertainty for item in page.items[len(known) :]] == [None] * (24 - len(known))
    assert len(known) == (24 if task == "classification" else len(known))
    drawn = fake_service.embedding_map(project.id)
    assert drawn.model_id == fake_service.project(project.id).model_id
    doubts = {item.id: item.uncertainty for item in page.items}
    assert drawn.uncertainty == [doubts[item_id] for item_id in drawn.item_ids]


def test_the_map_places_what_is_embedded_and_follows_what_changes(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 6, n_patients=2)
    empty = fake_service.embedding_map(project.id)
    assert (empty.item_ids, empty.n_missing) == ([], 6)
    fake_service.start_embed(project.id)
    drawn = fake_service.embedding_map(project.id)
    ids = [item.id for item in fake_service.items(project.id).items]
    assert drawn.item_ids == ids
    assert max(map(abs, drawn.x + drawn.y)) == 1
    by_place, by_brightness = np.argsort(drawn.x).tolist(), np.argsort([picture(i).mean() for i in range(6)]).tolist()
    assert by_place in (by_brightness, by_brightness[::-1])  # which is all that the fake encoder sees
    assert sum(drawn.shares) == pytest.approx(1, abs=1e-3)
    assert [drawn.group_names[i] for i in drawn.groups] == ["p0", "p1"] * 3
    assert [drawn.state_names[i] for i in drawn.states] == ["unqueued"] * 6
    queue_all(fake_service, project.id)
    accept_next(fake_service, project.id)
    later = fake_service.embedding_map(project.id)
    assert (later.x, later.y) == (drawn.x, drawn.y)
    assert [later.state_names[i] for i in later.states] == ["labeled"] + ["queued"] * 5
    assert later.class_ids == [1, 0, 0, 0, 0, 0]
    assert later.rounds == [1] * 6
    fake_service.import_files(project.id, [("p0/006.png", io.BytesIO(png(picture(6))))], "patient")
    assert fake_service.embedding_map(project.id).n_missing == 1
    fake_service.start_embed(project.id)
    assert len(fake_service.embedding_map(project.id).item_ids) == 7


def test_two_projects_over_one_store_keep_apart(fake_service: AnnotationService) -> None:
    first = seeded(fake_service, 3)
    fake_service.start_embed(first.id)
    other = fake_service.create_project("other", task="segmentation", classes=["disk"])
    fake_service.import_files(other.id, [("a.png", io.BytesIO(png(picture(1))))])
    assert len(fake_service.embedding_map(other.id).item_ids) == 1  # the same bytes were encoded once
    assert len(fake_service.embedding_map(first.id).item_ids) == 3


def test_the_most_alike_are_the_nearest_in_brightness(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 6)
    item = fake_service.items(project.id).items[2]
    with pytest.raises(InvalidRequest, match="no embedding yet"):
        fake_service.similar(item.id)
    fake_service.start_embed(project.id)
    alike = fake_service.similar(item.id, limit=3).items
    assert alike[0].id == item.id
    assert alike[0].cosine == pytest.approx(1, abs=1e-3)
    assert [a.cosine for a in alike] == sorted((a.cosine for a in alike), reverse=True)
    with pytest.raises(NotFound):
        fake_service.similar(999)


def test_duplicates_are_listed_with_how_many_there_are(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 5)
    fake_service.start_embed(project.id)
    all_pairs = fake_service.duplicates(project.id, 0.5)
    assert all_pairs.total == 10
    assert len(fake_service.duplicates(project.id, 0.5, limit=4).pairs) == 4
    cosines = [pair.cosine for pair in all_pairs.pairs]
    assert cosines == sorted(cosines, reverse=True)
    assert all(pair.first.id < pair.second.id for pair in all_pairs.pairs)
    with pytest.raises(InvalidInput, match=r"0\.5 to 1; got 0\.4"):
        fake_service.duplicates(project.id, 0.4)


def test_picks_are_queued_behind_with_who_chose_them(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 6)
    ids = [item.id for item in fake_service.items(project.id).items]
    with fake_service.context.db.write() as connection:
        item_rows.enqueue(connection, project.id, [{"item_id": ids[5], "reason": "test"}], round_number=1)
        item_rows.keep_for_audit(connection, [ids[4]])
    done = fake_service.pick(project.id, [ids[2], ids[0], ids[2], ids[5], ids[4]], "ann", "map")
    assert (done.queued, done.n_asked_before, done.n_audit) == ([ids[2], ids[0]], 1, 1)
    assert fake_service.upcoming(project.id) == [ids[5], ids[2], ids[0]]
    chosen = fake_service.item(ids[2])
    assert (chosen.reason, chosen.round) == ("chosen on the map by ann", None)
    assert fake_service.item(ids[4]).state == "unqueued"
    accept_all(fake_service, project.id)
    assert fake_service.item(ids[0]).state == "labeled"
    assert fake_service.pick(project.id, [ids[1]]).queued == [ids[1]]
    assert fake_service.item(ids[1]).reason == "chosen in the gallery by someone"


def test_a_pick_with_a_foreign_image_queues_nothing(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 2)
    ids = [item.id for item in fake_service.items(project.id).items]
    with pytest.raises(NotFound, match="has no item 999; nothing was queued"):
        fake_service.pick(project.id, [ids[0], 999])
    assert fake_service.item(ids[0]).state == "unqueued"


def test_http_answers_what_the_service_answers(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 4)
    fake_service.start_embed(project.id)
    app = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with TestClient(app) as http:
        base = f"/v1/projects/{project.id}"
        listed = http.get(f"{base}/items", params={"group": "p1", "audit": "false", "limit": 1})
        assert listed.status_code == 200
        assert ItemPage.model_validate(listed.json()) == fake_service.find_items(
            project.id, ItemFilter(group="p1", limit=1)
        )
        assert http.get(f"{base}/map").json() == fake_service.embedding_map(project.id).model_dump(mode="json")
        assert http.get(f"{base}/duplicates", params={"threshold": 0.6}).json()["total"] == 6
        item = listed.json()["items"][0]["id"]
        assert http.get(f"/v1/items/{item}/similar", params={"limit": 2}).json()["items"][0]["id"] == item
        picked = http.post(f"{base}/picks", json={"item_ids": [item], "annotator": "ann", "where": "map"})
        assert picked.json() == {"queued": [item], "n_asked_before": 0, "n_audit": 0}
        for wrong in ({"class": "x"}, {"order": "size"}, {"group": "x"}, {"states": "labeled"}, {"limit": 0}):
            answer = http.get(f"{base}/items", params=wrong)
            assert answer.status_code == 422, wrong
            assert "\n" not in answer.json()["detail"]
        assert http.post(f"{base}/picks", json={"item_ids": []}).status_code == 422


def test_the_client_has_the_same_verbs(fake_service: AnnotationService) -> None:
    made = seeded(fake_service, 4)
    fake_service.start_embed(made.id)
    app = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with TestClient(app) as http, Client(http=http) as fewclick:
        project = fewclick.project(made.id)
        asked = ItemFilter.model_validate({"group": "p1", "audit": False})
        assert project.find(asked) == fake_service.find_items(made.id, asked).items
        with pytest.raises(UnknownName, match="'disc'"):
            project.find(ItemFilter.model_validate({"class": "disc"}))
        assert project.embedding_map() == fake_service.embedding_map(made.id)
        first = project.items()[0].id
        assert project.similar(first, limit=2) == fake_service.similar(first, 2).items
        assert project.duplicates(threshold=0.6) == fake_service.duplicates(made.id, 0.6)
        assert project.pick([first], annotator="ann").queued == [first]


def test_places_are_told_in_numbers_that_json_knows(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    fake_service.start_embed(project.id)
    drawn = fake_service.embedding_map(project.id)
    assert (drawn.x, drawn.y, drawn.shares) == ([0.0], [0.0], (0.0, 0.0))
    assert np.isfinite(drawn.x).all()
