"""What an accepted answer must look like."""

import uuid
from pathlib import Path

import pytest

from alcore.errors import InvalidInput
from app.errors import TooLarge, VersionConflict
from app.service import AnnotationService
from app.store import annotations as rows
from tests.app.workspaces import HEIGHT, WIDTH, accept_next, answer_of, open_fake, queue_all, seeded

EMPTY = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}
SPECK = {"size": [1, 1], "counts": [1]}


@pytest.mark.parametrize(
    ("objects", "problem"),
    [
        ([{"class_id": 3, "mask": EMPTY}], "class_id 3"),
        ([{"class_id": 1, "mask": {"size": [WIDTH, HEIGHT], "counts": [HEIGHT * WIDTH]}}], "size"),
        ([{"class_id": 1, "mask": {"size": [HEIGHT, WIDTH], "counts": [5]}}], "counts"),
        ([{"class_id": 1, "mask": EMPTY, "edits": {"painted": EMPTY, "erased": SPECK}}], "size"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(
    fake_service: AnnotationService, objects: list[object], problem: str
) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    with pytest.raises(InvalidInput, match=problem):
        fake_service.annotate(item.id, answer_of(item, objects=objects))
    assert fake_service.item(item.id).state == "leased"


def test_nothing_to_see_is_an_answer(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert fake_service.annotate(item.id, answer_of(item, objects=[])).version == 1
    assert fake_service.item(item.id).state == "labeled"


def test_prompts_window_time_and_clicks_are_kept(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    one = {
        "class_id": 2, "mask": EMPTY, "points": [{"x": 1.5, "y": 2.5, "label": 0}], "box": [1, 2, 3, 4],
        "scribbles": [{"points": [[1.5, 2.5], [7.25, 8]], "label": 0}, {"points": [[3, 3]], "label": 1}],
        "predicted_iou": 0.5, "quality": 0.4, "model_id": "fake", "edited": True,
        "edits": {"painted": {"size": [HEIGHT, WIDTH], "counts": [2, 1, HEIGHT * WIDTH - 3]}, "erased": EMPTY},
    }  # fmt: skip
    body = answer_of(item, objects=[one], window={"level": 100, "width": 50}, seconds=7.5, clicks=3)
    fake_service.annotate(item.id, body)
    kept = fake_service.history(item.id)[0]
    assert kept.objects == body.objects
    assert [(s.points, s.label) for s in kept.objects[0].scribbles] == [
        ([(1.5, 2.5), (7.25, 8.0)], 0),
        ([(3.0, 3.0)], 1),
    ]
    assert (kept.window, kept.seconds, kept.clicks, kept.annotator) == (body.window, 7.5, 3, "ann")


def test_an_annotation_from_before_there_were_scribbles_and_edits_is_read(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    body = answer_of(item).model_dump(mode="json", include={"label", "objects", "window", "seconds", "clicks"})
    for entry in body["objects"]:
        del entry["scribbles"], entry["edits"]
    values = {**body, "submission_id": str(uuid.uuid4()), "annotator": "ann", "model_id": None}
    with fake_service.context.db.write() as connection:
        rows.add(connection, item.id, base_version=0, values=values)
    assert [(entry.scribbles, entry.edits) for entry in fake_service.history(item.id)[0].objects] == [([], None)]


def test_classification_takes_a_known_label_and_no_objects(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1, task="classification")
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    with pytest.raises(InvalidInput, match="one of"):
        fake_service.annotate(item.id, answer_of(item, objects=[], label="nonesuch"))
    with pytest.raises(InvalidInput, match="no objects"):
        fake_service.annotate(item.id, answer_of(item, label="disk"))
    receipt = accept_next(fake_service, project.id)
    assert receipt is not None
    assert fake_service.history(receipt.item_id)[0].label == "other"


def test_segmentation_takes_no_label(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    with pytest.raises(InvalidInput, match="no label"):
        fake_service.annotate(item.id, answer_of(item, label="disk"))


def test_a_draft_over_the_limit_is_refused(tmp_path: Path) -> None:
    with open_fake(tmp_path / "workspace", max_draft_mb=0.001) as service:
        project = seeded(service, 1)
        queue_all(service, project.id)
        item = service.next_item(project.id, "ann")
        assert item is not None
        assert item.lease is not None
        with pytest.raises(TooLarge, match=r"0\.001 MB"):
            service.save_draft(item.id, item.lease.token, "x" * 2000)


def test_one_name_in_two_browsers_cannot_overwrite_itself(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    here, there = (fake_service.next_item(project.id, "ann") for _ in range(2))
    assert here is not None
    assert there is not None
    assert here.id == there.id
    fake_service.annotate(here.id, answer_of(here))
    with pytest.raises(VersionConflict, match="load it again"):
        fake_service.annotate(there.id, answer_of(there, objects=[]))
    (kept,) = fake_service.history(here.id)
    assert len(kept.objects) == 1
    again = fake_service.lease(there.id, "ann")  # having seen what was saved, the second browser may correct it
    assert fake_service.annotate(again.id, answer_of(again, objects=[])).version == 2
    assert [len(version.objects) for version in fake_service.history(here.id)] == [1, 0]


def test_two_tabs_that_name_what_they_hold_get_different_items(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    queue_all(fake_service, project.id)
    first = fake_service.next_item(project.id, "ann")
    assert first is not None
    second = fake_service.next_item(project.id, "ann", exclude=[first.id])
    assert second is not None
    assert second.id != first.id
    for item in (first, second):
        fake_service.annotate(item.id, answer_of(item))
    assert [fake_service.item(item.id).version for item in (first, second)] == [1, 1]
