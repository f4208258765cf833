"""Gold items: marked with a reference, answered blind and once, scored, and never learned from."""

from collections import Counter

import pytest

from app.errors import InvalidRequest
from app.service import AnnotationService
from app.store import annotations as annotation_rows
from tests.app.service.test_second_reads import drawn, read_first
from tests.app.workspaces import accept_all, answer_of, queue_all, seeded


def test_gold_items_come_blind_once_to_all_but_their_authors(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 2, gold_share=1.0)
    marked = fake_service.mark_gold(project_id, [2], "lead")
    assert [(g.item_id, g.version, g.marked_by, g.n_answers) for g in marked.items] == [(2, 1, "lead", 0)]
    assert fake_service.next_item(project_id, "ann") is None
    for name, x, score in (("bob", 10, 1.0), ("cy", 14, 0.5)):
        item = fake_service.next_item(project_id, name)
        assert item is not None
        assert (item.id, item.version, item.annotation, item.state) == (2, 0, None, "leased")
        assert fake_service.annotate(2, drawn(item, x)).version == 1
        assert fake_service.next_item(project_id, name) is None
        line = next(s for s in fake_service.gold(project_id).annotators if s.annotator == name)
        assert (line.n, line.mean, line.ci_low, line.ci_high) == (1, score, None, None)
    assert [a.annotator for a in fake_service.history(2)] == ["ann"]
    assert fake_service.gold(project_id).items[0].n_answers == 2


def test_answers_to_gold_are_in_no_training_set_and_no_list_of_disagreement(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1, gold_share=1.0)
    fake_service.mark_gold(project_id, [1])
    item = fake_service.next_item(project_id, "bob")
    assert item is not None
    fake_service.annotate(1, drawn(item, 30))
    with fake_service.context.db.read() as connection:
        answers = annotation_rows.of_project(connection, project_id)  # what training, adaptation and export read
    assert [row["annotator"] for row in answers.values()] == ["ann"]
    assert fake_service.adjudications(project_id).waiting == []
    assert fake_service.agreement(project_id).n_read == 0


def test_a_correction_of_the_item_does_not_move_the_reference(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1, gold_share=1.0)
    fake_service.mark_gold(project_id, [1])
    again = fake_service.lease(1, "ann")
    fake_service.annotate(1, drawn(again, 20))
    item = fake_service.next_item(project_id, "bob")
    assert item is not None
    fake_service.annotate(1, drawn(item, 10))
    assert fake_service.gold(project_id).annotators[0].mean == 1.0
    fake_service.mark_gold(project_id, [1])
    assert fake_service.gold(project_id).items[0].version == 2


def test_who_answered_goes_back_to_their_own_answer(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1, gold_share=1.0)
    fake_service.mark_gold(project_id, [1])
    item = fake_service.next_item(project_id, "bob")
    assert item is not None
    fake_service.annotate(1, drawn(item, 14))
    back = fake_service.lease(1, "bob")
    assert back.annotation is not None
    assert (back.version, back.annotation.annotator) == (1, "bob")
    fake_service.annotate(1, drawn(back, 10))
    (line,) = fake_service.gold(project_id).annotators
    assert (line.n, line.mean) == (1, 1.0)


def test_who_passes_is_not_asked_again(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1, gold_share=1.0)
    fake_service.mark_gold(project_id, [1])
    item = fake_service.next_item(project_id, "bob")
    assert item is not None
    assert item.lease is not None
    fake_service.skip(1, item.lease.token, "")
    (line,) = fake_service.gold(project_id).annotators
    assert (line.n, line.n_skipped, line.mean) == (0, 1, None)
    assert fake_service.next_item(project_id, "bob") is None
    assert fake_service.item(1).state == "labeled"


def test_the_share_is_about_that_of_an_annotators_images(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 80)
    queue_all(fake_service, project.id)
    for _ in range(30):
        item = fake_service.next_item(project.id, "ann")
        assert item is not None
        fake_service.annotate(item.id, drawn(item))
    fake_service.update_project(project.id, gold_share=0.3)
    fake_service.mark_gold(project.id, list(range(1, 31)))
    met: Counter[bool] = Counter()
    for _ in range(50):
        item = fake_service.next_item(project.id, "bob")
        assert item is not None
        met[item.id <= 30] += 1
        fake_service.annotate(item.id, drawn(item))
    assert 7 <= met[True] <= 24
    fake_service.update_project(project.id, gold_share=0.0)
    rest = [fake_service.next_item(project.id, "cy", exclude=[i]) for i in range(5)]
    assert all(item is not None and item.id > 30 for item in rest)


def test_only_what_is_annotated_can_be_gold_and_gold_can_end(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    with pytest.raises(InvalidRequest, match="no accepted annotation"):
        fake_service.mark_gold(project.id, [1])
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    fake_service.annotate(1, drawn(item))
    fake_service.mark_gold(project.id, [1])
    assert fake_service.lease(1, "bob").annotation is None  # blind from any list
    assert fake_service.mark_gold(project.id, [1], gold=False).items == []
    assert fake_service.lease(1, "bob").annotation is not None


def test_labels_are_right_or_wrong(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 2, task="classification")
    fake_service.update_project(project.id, gold_share=1.0)
    queue_all(fake_service, project.id)
    accept_all(fake_service, project.id)
    fake_service.mark_gold(project.id, [1, 2])  # other, disk
    for _ in range(2):
        item = fake_service.next_item(project.id, "bob")
        assert item is not None
        fake_service.annotate(item.id, answer_of(item, objects=[], label="disk"))
    (line,) = fake_service.gold(project.id).annotators
    assert (line.n, line.mean, line.ci_low, line.ci_high) == (2, 0.5, 0.0, 1.0)


def test_what_waits_for_a_second_read_is_read_before_it_is_gold(fake_service: AnnotationService) -> None:
    project_id = read_first(fake_service, 1, gold_share=1.0)
    fake_service.mark_gold(project_id, [1])
    fake_service.ask_second_reads(project_id, [1])
    for name in ("bob", "cy"):
        item = fake_service.next_item(project_id, name)
        assert item is not None
        fake_service.annotate(1, drawn(item))
    assert fake_service.agreement(project_id).n_read == 1
    assert [score.annotator for score in fake_service.gold(project_id).annotators] == ["cy"]
