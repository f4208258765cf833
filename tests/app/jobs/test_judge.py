"""Jobs learn from corrected masks what the click model's other masks are worth."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from alcore.masks import encode_rle
from app.api.schemas import Project
from app.jobs import segmentation
from app.jobs.judge import first_of
from app.jobs.masks import objects_at
from app.jobs.pool import Pool
from app.service import AnnotationService
from app.service.asked import stored_prompt
from app.store.database import Row
from prompts.types import Box, Point, Prompt, Scribble
from tests.app.fakes import FakeModels, InlineRunner
from tests.app.jobs.test_rounds import result_of
from tests.app.workspaces import answer_of, disk, open_fake, queue_all, seeded

N = 26


def prompted(number: int, model_id: str = "fake-segmenter") -> dict[str, object]:
    """An object that a box began and a click ended, or, for odd numbers, two clicks; the disk was accepted."""
    rows, cols = np.nonzero(disk(number))
    middle = {"x": float(cols.mean()), "y": float(rows.mean()), "label": 1}
    entry = {"class_id": 1, "mask": dict(encode_rle(disk(number))), "model_id": model_id, "quality": 0.5}
    if number % 2:
        return {**entry, "points": [middle, {"x": 1.5, "y": 28.5, "label": 0}]}
    box = (float(cols.min()), float(rows.min()), float(cols.max() + 1), float(rows.max() + 1))
    return {**entry, "points": [middle], "box": box}


def annotated(service: AnnotationService, n: int = N, **changes: object) -> Project:
    project = seeded(service, n)
    queue_all(service, project.id)
    for _ in range(n):
        item = service.next_item(project.id, "ann")
        assert item is not None
        service.annotate(item.id, answer_of(item, objects=[{**prompted(int(item.name[-7:-4])), **changes}]))
    return project


@pytest.fixture
def fake_service(tmp_path: Path, fake_models: FakeModels, inline_runner: InlineRunner) -> Iterator[AnnotationService]:
    with open_fake(
        tmp_path / "workspace", models=fake_models, runner=inline_runner, weigh_pseudo_masks=True
    ) as service:
        yield service


@pytest.fixture
def trained_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[int, float]]]:
    """The qualities that each learner was given, by item."""
    seen: list[dict[int, float]] = []
    init = segmentation.SegmentationLearner.__init__

    def watched(self: segmentation.SegmentationLearner, pool: Pool, items: Sequence[Row]) -> None:
        seen.append({item_id: answer["objects"][0]["quality"] for item_id, answer in pool.answers.items()})
        init(self, pool, items)

    monkeypatch.setattr(segmentation.SegmentationLearner, "__init__", watched)
    return seen


def test_training_weighs_masks_by_what_became_of_such_masks(
    fake_service: AnnotationService, fake_models: FakeModels, trained_on: list[dict[int, float]]
) -> None:
    project = annotated(fake_service)
    quality = result_of(fake_service.start_train(project.id))["quality"]
    assert isinstance(quality, dict)
    assert quality["n_masks"] == N
    # Its box is the object's: a Dice of about 0.88. Its click gives 25 pixels, whatever the size.
    assert isinstance(quality["spearman"], float)
    assert quality["spearman"] > 0.5
    assert float(str(quality["mean_error"])) < float(str(quality["mean_error_fixed"]))
    given = trained_on[-1]
    boxed, clicked = ([given[i] for i in given if (i - min(given)) % 2 == odd] for odd in (0, 1))
    assert np.mean(boxed) > np.mean(clicked) + 0.1
    assert 0.5 not in boxed + clicked


def test_the_model_is_asked_once_about_each_annotation(
    fake_service: AnnotationService, fake_models: FakeModels
) -> None:
    project = annotated(fake_service)
    first = result_of(fake_service.start_train(project.id))["quality"]
    n_embedded = len(fake_models.predictor.embedded)
    assert n_embedded == N
    assert result_of(fake_service.start_train(project.id))["quality"] == first
    assert len(fake_models.predictor.embedded) == n_embedded
    item = fake_service.lease(fake_service.items(project.id, "labeled").items[0].id, "ann")
    fake_service.annotate(item.id, answer_of(item, objects=[prompted(int(item.name[-7:-4]))]))
    result_of(fake_service.start_train(project.id))
    assert len(fake_models.predictor.embedded) == n_embedded + 1


@pytest.mark.parametrize("changes", [{"model_id": "another"}, {"from_suggestion": True}, {"box": (0, 0, 99, 99)}])
def test_masks_that_the_model_in_use_did_not_make_are_left_as_they_are(
    fake_service: AnnotationService, trained_on: list[dict[int, float]], changes: dict[str, object]
) -> None:
    project = annotated(fake_service, **changes)
    assert "quality" not in result_of(fake_service.start_train(project.id))
    assert set(trained_on[-1].values()) == {0.5}


@pytest.mark.parametrize("off", [{}, {"weigh_pseudo_masks": True, "calibrate_quality": False}])
def test_the_model_is_not_asked_where_nothing_comes_of_it(
    tmp_path: Path, fake_models: FakeModels, off: dict[str, bool]
) -> None:
    with open_fake(tmp_path, models=fake_models, **{"weigh_pseudo_masks": False, **off}) as service:
        assert "quality" not in result_of(service.start_train(annotated(service).id))
    assert fake_models.predictor.embedded == []


def test_few_masks_leave_the_fixed_formula(fake_service: AnnotationService) -> None:
    project = annotated(fake_service, 12)
    assert "quality" not in result_of(fake_service.start_train(project.id))


def test_what_the_annotator_began_with_is_the_box_then_the_first_click_then_the_first_stroke() -> None:
    box, click, other = Box(1.0, 2.0, 3.0, 4.0), Point(5.0, 6.0), Point(7.0, 8.0, 0)
    stroke = Scribble(((1.0, 1.0), (2.0, 2.0)))
    assert first_of(Prompt(box=box, points=(click,))) == Prompt(box=box)
    assert first_of(Prompt(points=(click, other), scribbles=(stroke,))) == Prompt(points=(click,))
    assert first_of(Prompt(scribbles=(stroke, stroke))) == Prompt(scribbles=(stroke,))
    entry = {
        "points": [{"x": 7.0, "y": 8.0, "label": 0}],
        "box": [1.0, 2.0, 3.0, 4.0],
        "scribbles": [{"points": [[1.0, 1.0], [2.0, 2.0]], "label": 1}],
    }
    assert stored_prompt(entry) == Prompt(points=(other,), box=box, scribbles=(stroke,))


def test_only_calibrated_qualities_count_where_that_is_asked_for() -> None:
    row, entry = {"height": 30, "width": 40}, {**prompted(0), "quality": 0.4}
    calibrated = {**entry, "is_calibrated": True}
    found = objects_at({"objects": [entry, calibrated]}, row, 16, only_calibrated=True)
    assert [one.quality for one in found] == [1.0, 0.4]
    assert [one.quality for one in objects_at({"objects": [entry]}, row, 16)] == [0.4]
    assert not any(one.is_exact for one in found)
