"""Deciding between two readers: what each act makes, that it is a version like any other, that A and B tell nothing."""

import uuid

import numpy as np
import pytest

from alcore.errors import InvalidInput
from alcore.masks import decode_rle, encode_rle
from app.api.schemas import AnnotationIn, Item
from app.api.schemas_reads import AdjudicateIn, Adjudication
from app.errors import Conflict, LeaseLost, NotFound, VersionConflict
from app.service import AnnotationService
from app.service.adjudication import joined, pairs_of
from tests.app.workspaces import HEIGHT, WIDTH, accept_all, answer_of, queue_all, seeded


def square(row: int, column: int, class_id: int = 1, side: int = 8) -> dict[str, object]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[row : row + side, column : column + side] = True
    return {"class_id": class_id, "mask": dict(encode_rle(mask))}


def shown(item: Item, *objects: dict[str, object], **changes: object) -> AnnotationIn:
    return answer_of(item, objects=list(objects), **changes)


def apart(service: AnnotationService, n: int = 1) -> int:
    """Items that ann and bob read otherwise: one square half beside the other's, and one that only ann has."""
    project = seeded(service, n)
    queue_all(service, project.id)
    service.ask_second_reads(project.id, list(range(1, n + 1)))
    for name, objects in (("ann", (square(5, 10), square(20, 30, 2, 5))), ("bob", (square(5, 14),))):
        while (item := service.next_item(project.id, name)) is not None:
            service.annotate(item.id, shown(item, *objects))
    return project.id


def decision(seen: Adjudication, act: str, **changes: object) -> AdjudicateIn:
    values = {"submission_id": uuid.uuid4(), "base_version": seen.version, "second_id": seen.second_id, "act": act}
    return AdjudicateIn.model_validate({**values, "annotator": "lead", **changes})


def areas(service: AnnotationService, item_id: int = 1) -> list[tuple[int, int]]:
    newest = service.item(item_id).annotation
    assert newest is not None
    return [(o.class_id, int(decode_rle(o.mask.model_dump()).sum())) for o in newest.objects]


def test_what_is_apart_is_listed_furthest_first_and_the_first_read_stands(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    queue_all(fake_service, project.id)
    fake_service.ask_second_reads(project.id, [1, 2, 3])
    while (item := fake_service.next_item(project.id, "ann")) is not None:
        fake_service.annotate(item.id, shown(item, square(5, 10)))
    for column in (13, 10, 16):
        item = fake_service.next_item(project.id, "bob")
        assert item is not None
        fake_service.annotate(item.id, shown(item, square(5, column)))
    found = fake_service.adjudications(project.id)
    assert [(d.item_id, d.score) for d in found.waiting] == [(3, 0.25), (1, 0.625)]
    assert found.n_decided == 0
    assert areas(fake_service) == [(1, 64)]
    assert [a.annotator for a in fake_service.history(1)] == ["ann"]


def test_a_and_b_are_the_two_readers_in_an_order_that_tells_nothing(fake_service: AnnotationService) -> None:
    apart(fake_service, 8)
    orders = set()
    for item_id in range(1, 9):
        seen = fake_service.adjudication(item_id)
        assert seen.names is None
        assert "ann" not in seen.model_dump_json()
        assert fake_service.adjudication(item_id) == seen
        orders.add((len(seen.a.objects), len(seen.b.objects)))
        made = fake_service.adjudicate(item_id, decision(seen, "a"))
        two = "a" if len(seen.a.objects) == 2 else "b"
        assert made.names[two] == "ann"  # type: ignore[index]
        assert fake_service.adjudication(item_id).names == made.names
    assert orders == {(2, 1), (1, 2)}


@pytest.mark.parametrize(
    ("act", "expected"),
    [("first", [(1, 64), (2, 25)]), ("second", [(1, 64)]), ("union", [(1, 96), (2, 25)]), ("intersection", [(1, 32)])],
)
def test_each_act_makes_a_version_that_says_what_it_decided(
    fake_service: AnnotationService, act: str, expected: list[tuple[int, int]]
) -> None:
    project_id = apart(fake_service)
    seen = fake_service.adjudication(1)
    first = "a" if len(seen.a.objects) == 2 else "b"
    sent = {"first": first, "second": "ab".replace(first, "")}.get(act, act)
    body = decision(seen, sent, seconds=3.5)
    made = fake_service.adjudicate(1, body)
    assert made.version == 2
    assert fake_service.adjudicate(1, body) == made  # sent twice
    assert areas(fake_service) == expected
    newest = fake_service.history(1)[-1]
    assert (newest.annotator, newest.seconds) == ("lead", 3.5)
    assert newest.adjudicates is not None
    assert newest.adjudicates.model_dump() == {"act": act, "first_id": 1, "second_id": 1}
    assert [a.adjudicates for a in fake_service.history(1)][:1] == [None]
    assert fake_service.adjudications(project_id).waiting == []
    assert fake_service.agreement(project_id).n_decided == 1
    assert fake_service.agreement(project_id).mean is not None  # the readers stay as far apart as they were


def test_a_decision_pair_by_pair(fake_service: AnnotationService) -> None:
    apart(fake_service)
    seen = fake_service.adjudication(1)
    assert [(p.class_id, p.dice) for p in seen.pairs] == [(1, 0.5), (2, 0.0)]
    assert None in (seen.pairs[1].a, seen.pairs[1].b)
    fake_service.adjudicate(1, decision(seen, "a", objects=["union", "none"]))
    assert areas(fake_service) == [(1, 96)]
    newest = fake_service.history(1)[-1]
    assert newest.adjudicates is not None
    assert newest.adjudicates.act == "objects"
    assert newest.objects[0].edited
    other = fake_service.adjudication(1)
    with pytest.raises(InvalidInput, match="2 pairs; got 1"):
        fake_service.adjudicate(1, decision(other, "a", objects=["a"]))


def test_redo_opens_an_empty_image_and_what_is_accepted_decides(fake_service: AnnotationService) -> None:
    project_id = apart(fake_service)
    item = fake_service.redo(1, "lead")
    assert (item.annotation, item.version, item.has_suggestion) == (None, 1, False)
    with pytest.raises(LeaseLost):
        fake_service.redo(1, "other")
    fake_service.annotate(1, shown(item, square(6, 12)))
    newest = fake_service.history(1)[-1]
    assert (newest.version, newest.annotator) == (2, "lead")
    assert newest.adjudicates is not None
    assert newest.adjudicates.model_dump() == {"act": "redo", "first_id": 1, "second_id": 1}
    assert fake_service.adjudications(project_id).waiting == []
    with pytest.raises(Conflict, match="decided before"):
        fake_service.redo(1, "lead")
    again = fake_service.lease(1, "bob")  # decided: a blind reader sees what counts
    assert again.version == 2
    assert fake_service.annotate(1, shown(again)).version == 3  # and may correct it, as an ordinary version
    assert fake_service.history(1)[-1].adjudicates is None


def test_what_was_given_back_still_waits(fake_service: AnnotationService) -> None:
    project_id = apart(fake_service)
    item = fake_service.redo(1, "lead")
    assert item.lease is not None
    fake_service.release(1, item.lease.token)
    assert len(fake_service.adjudications(project_id).waiting) == 1


def test_one_decides(fake_service: AnnotationService) -> None:
    apart(fake_service)
    seen = fake_service.adjudication(1)
    fake_service.adjudicate(1, decision(seen, "a"))
    with pytest.raises(Conflict, match="decided before"):
        fake_service.adjudicate(1, decision(seen, "b"))
    assert len(fake_service.history(1)) == 2


def test_a_decision_on_what_has_changed_is_refused(fake_service: AnnotationService) -> None:
    apart(fake_service)
    seen = fake_service.adjudication(1)
    mine = fake_service.lease(1, "bob")
    fake_service.annotate(1, shown(mine, square(5, 15)))
    with pytest.raises(Conflict, match="corrected"):
        fake_service.adjudicate(1, decision(seen, "a"))
    seen = fake_service.adjudication(1)
    item = fake_service.lease(1, "ann")
    fake_service.annotate(1, shown(item, square(5, 11)))
    with pytest.raises(VersionConflict):
        fake_service.adjudicate(1, decision(seen, "a"))


def test_what_was_not_read_twice_cannot_be_decided(fake_service: AnnotationService) -> None:
    seeded(fake_service, 1)
    for call in (fake_service.adjudication, fake_service.redo):
        with pytest.raises(NotFound, match="not been read twice"):
            call(1)


def test_labels_are_picked_and_never_joined(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1, task="classification")
    queue_all(fake_service, project.id)
    fake_service.ask_second_reads(project.id, [1])
    accept_all(fake_service, project.id)  # other
    item = fake_service.next_item(project.id, "bob")
    assert item is not None
    fake_service.annotate(1, answer_of(item, objects=[], label="disk"))
    seen = fake_service.adjudication(1)
    with pytest.raises(InvalidInput, match="cannot be joined"):
        fake_service.adjudicate(1, decision(seen, "union"))
    fake_service.adjudicate(1, decision(seen, "a" if seen.a.label == "disk" else "b"))
    newest = fake_service.item(1).annotation
    assert newest is not None
    assert newest.label == "disk"


def test_pairs_stay_within_their_class_and_name_the_objects() -> None:
    a = [square(0, 0, 2), square(0, 20, 1)]
    b = [square(0, 1, 1), square(1, 20, 1), square(0, 0, 2)]
    assert [(p.class_id, p.a, p.b) for p in pairs_of(a, b)] == [(1, 1, 1), (1, None, 0), (2, 0, 2)]


def test_joining_with_nothing() -> None:
    one, far = square(0, 0), square(20, 30, side=4)
    assert joined(one, None, "union") is one
    assert joined(one, None, "intersection") is None
    assert joined(None, one, "b") is one
    assert joined(one, far, "intersection") is None
    assert joined(one, far, "none") is None
