"""The loop, over fakes: cold start, answers, a trained head with starting masks, the next batch, and what stops it."""

from collections.abc import Callable

import numpy as np
import pytest
from pydantic import JsonValue

from alcore.errors import Cancelled
from alcore.masks import decode_rle
from alcore.metrics import dice
from alcore.weak.targets import Recipe, draw_target
from app.api.schemas import Job
from app.errors import Busy, EmptyPool
from app.jobs.masks import objects_at, objects_of
from app.service import AnnotationService
from tests.app.fakes import FakeModels, InlineRunner
from tests.app.workspaces import accept_all, accept_next, disk, queue_all, seeded


def result_of(job: Job) -> dict[str, JsonValue]:
    assert job.state == "done", job.error
    assert job.result is not None
    return job.result


def test_the_first_round_is_a_cold_start_that_queues_a_batch(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 12)
    made = result_of(fake_service.start_round(project.id, n=5))["round"]
    assert isinstance(made, dict)
    assert (made["number"], made["n_selected"], made["n_labeled_before"]) == (1, 5, 0)
    assert made["strategy"] == "kmeans_medoid"
    assert fake_service.project(project.id).counts.queued == 5
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.round == 1
    assert item.reason
    assert not item.has_suggestion


def test_later_rounds_train_score_and_offer_starting_masks(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 20)
    fake_service.start_round(project.id, n=8)
    assert accept_all(fake_service, project.id) == 8
    result = result_of(fake_service.start_round(project.id, n=5))
    assert result["metric"] == "dice"
    value, ci95 = result["value"], result["ci95"]
    assert isinstance(value, float)
    assert isinstance(ci95, list)
    assert value > 0.8
    first, second = fake_service.rounds(project.id)
    assert (first.value, first.items_done, first.seconds_spent, first.clicks) == (None, 8, 32.0, 16)
    assert (second.number, second.value, second.metric_on, second.strategy) == (2, value, "crossfit", "uherding")
    assert second.model_id == fake_service.project(project.id).model_id == result["model_id"]
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.has_suggestion
    offered = fake_service.suggestion(item.id)
    assert offered.model_id == result["model_id"]
    mask = decode_rle(offered.objects[0].mask.model_dump())
    assert dice(mask, disk(int(item.name[-7:-4]))) > 0.7
    assert offered.objects[0].mean_confidence > 0.5


def test_nothing_that_was_asked_is_asked_again(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 12)
    fake_service.start_round(project.id, n=3)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.lease is not None
    fake_service.skip(item.id, item.lease.token)
    accept_next(fake_service, project.id)
    assert fake_service.next_item(project.id, "bob") is not None  # leased by bob from here on
    asked = {i.id for i in fake_service.items(project.id).items if i.state != "unqueued"}
    fake_service.start_round(project.id, n=4)
    fake_service.start_round(project.id, n=99)
    items = fake_service.items(project.id).items
    assert {i.id for i in items if i.round == 1} == asked
    assert fake_service.project(project.id).counts.unqueued == 0
    with pytest.raises(EmptyPool, match="import more"):
        fake_service.start_round(project.id)


def test_a_project_has_one_job_at_a_time(fake_service: AnnotationService, inline_runner: InlineRunner) -> None:
    project = seeded(fake_service, 3)
    inline_runner.hold = True
    job = fake_service.start_embed(project.id)
    with pytest.raises(Busy, match="not done yet"):
        fake_service.start_round(project.id)
    assert fake_service.project(project.id).job_id == job.id
    other = fake_service.create_project("other", task="segmentation", classes=["a"])
    assert fake_service.start_embed(other.id).state == "queued"


def test_training_without_labels_says_what_is_missing(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    job = fake_service.start_train(project.id)
    assert job.state == "failed"
    assert job.error is not None
    assert "at least two images annotated; 0 are so far" in job.error


def test_a_strategy_that_needs_a_head_fails_clearly_before_there_is_one(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    job = fake_service.start_round(project.id, strategy="entropy")
    assert job.state == "failed"
    assert job.error is not None
    assert "nothing is labeled yet" in job.error
    assert fake_service.rounds(project.id) == []


def test_a_worse_model_stays_aside(fake_service: AnnotationService, fake_models: FakeModels) -> None:
    project = seeded(fake_service, 24)
    fake_service.start_round(project.id, n=8)
    accept_all(fake_service, project.id)
    good = result_of(fake_service.start_round(project.id, n=8))
    accept_all(fake_service, project.id)
    fake_models.threshold = 250.0  # finds nothing from now on
    bad = result_of(fake_service.start_round(project.id, n=4))
    assert bad["accepted"] is False
    assert bad["model_id"] == good["model_id"] == fake_service.project(project.id).model_id
    assert "stays aside" in str(bad["gate"])
    value = fake_service.rounds(project.id)[-1].value
    assert value is not None
    assert value < 0.1
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert fake_service.suggestion(item.id).model_id == good["model_id"]
    fake_models.threshold = None
    again = result_of(fake_service.start_train(project.id))
    assert again["accepted"] is True
    assert fake_service.project(project.id).model_id == again["model_id"]


def test_cancel_in_the_middle_changes_nothing(
    fake_service: AnnotationService, fake_models: FakeModels, inline_runner: InlineRunner
) -> None:
    project = seeded(fake_service, 12)
    fake_service.start_round(project.id, n=6)
    accept_all(fake_service, project.id)
    before = fake_service.project(project.id)

    def stop() -> None:
        fake_service.cancel_job(inline_runner.started[-1])

    fake_models.on_train = stop
    job = fake_service.start_round(project.id)
    assert job.state == "cancelled"
    after = fake_service.project(project.id)
    assert (after.counts, after.round, after.model_id) == (before.counts, before.round, before.model_id)
    fake_models.on_train = lambda: None
    assert result_of(fake_service.start_round(project.id, n=2))["model_id"]


def test_an_unexpected_error_fails_the_job_and_is_not_swallowed(
    fake_service: AnnotationService, fake_models: FakeModels
) -> None:
    project = seeded(fake_service, 12)
    fake_service.start_round(project.id, n=6)
    accept_all(fake_service, project.id)

    def break_down() -> None:
        raise MemoryError("no room")

    fake_models.on_train = break_down
    with pytest.raises(MemoryError):
        fake_service.start_round(project.id)
    job = fake_service.job(fake_service.project(project.id).job_id or 0)
    assert (job.state, job.error) == ("failed", "MemoryError: no room")


def test_events_tell_the_whole_story_and_resume(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 6)
    job = fake_service.start_embed(project.id)
    events = fake_service.job_events(job.id)
    assert [e.event for e in events][-1] == "end"
    assert {e.event for e in events} == {"progress", "end"}
    assert events[-1].data.state == "done"
    assert all(e.data.state == "running" for e in events[:-1])
    assert any(e.data.message == "embedding images" and e.data.step == 6 for e in events)
    assert fake_service.job_events(job.id, after=events[2].id) == events[3:]


def test_an_image_is_embedded_once(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 6)
    assert result_of(fake_service.start_embed(project.id))["embedded"] == 6
    assert result_of(fake_service.start_embed(project.id))["embedded"] == 0
    assert result_of(fake_service.start_round(project.id, n=2))["embedded"] == 0


def test_classification_learns_labels_and_offers_one(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 24, task="classification")
    fake_service.start_round(project.id, n=12)
    accept_all(fake_service, project.id)
    result = result_of(fake_service.start_round(project.id, n=4))
    assert result["metric"] == "balanced_accuracy"
    assert fake_service.rounds(project.id)[-1].strategy == "uherding"
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    offered = fake_service.suggestion(item.id)
    assert offered.label is not None
    assert offered.label.name in ("disk", "other")
    assert offered.objects == []


def test_the_same_seed_asks_the_same_items(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.app.workspaces import open_fake

    asked = []
    for _ in range(2):
        with open_fake(tmp_path_factory.mktemp("seed") / "workspace") as service:
            project = seeded(service, 20)
            service.start_round(project.id, n=6, seed=3)
            asked.append([i.id for i in service.items(project.id, "queued").items])
    assert asked[0] == asked[1]


def test_training_renews_the_starting_masks_of_the_queue(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 8)
    queue_all(fake_service, project.id)
    for _ in range(4):
        accept_next(fake_service, project.id)
    trained = result_of(fake_service.start_train(project.id))
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert fake_service.suggestion(item.id).model_id == trained["model_id"]


def test_starting_masks_have_the_images_own_size_and_no_specks() -> None:
    probabilities = np.zeros((3, 16, 16), np.float32)
    probabilities[0] = 0.9
    probabilities[:, 2:8, 4:12] = np.array([0.1, 0.2, 0.7])[:, None, None]
    objects = objects_of(probabilities, (32, 80))
    assert [o["class_id"] for o in objects] == [2]
    rle = objects[0]["mask"]
    assert isinstance(rle, dict)
    mask = decode_rle(rle)
    assert mask.shape == (32, 80)
    assert mask[10, 40]
    rows, cols = np.nonzero(mask)
    assert abs(rows.min() - 4) <= 1
    assert abs(rows.max() - 15) <= 1
    assert abs(cols.min() - 20) <= 3
    assert abs(cols.max() - 59) <= 3


def test_targets_draw_small_objects_over_large_ones_and_weigh_pseudo_masks(rle: Callable[..., object]) -> None:
    row = {"height": 20, "width": 40}
    objects = [
        {"class_id": 2, "mask": rle(5, 10, 8, 16), "quality": 0.1, "edited": False},
        {"class_id": 1, "mask": rle(0, 20, 0, 40), "quality": 0.5, "edited": True},
    ]
    target, weights = draw_target(objects_at({"objects": objects}, row, 10), 10, recipe=Recipe(band=False))
    assert set(np.unique(target)) == {1, 2}
    assert target[3, 3] == 2
    assert weights[3, 3] == pytest.approx(0.3)
    assert weights[9, 9] == 1.0


def test_clicks_and_strokes_on_a_pseudo_mask_stay_where_its_border_is_left_out(rle: Callable[..., object]) -> None:
    row = {"height": 20, "width": 40}
    entry = {
        "class_id": 1,
        "mask": rle(4, 16, 8, 32),  # rows 2 to 7 and columns 2 to 7 of the target
        "quality": 0.6,
        "points": [{"x": 10.0, "y": 4.5, "label": 1}, {"x": 39.0, "y": 19.0, "label": 0}],
        "scribbles": [{"points": [[30.0, 15.0], [38.0, 15.0]], "label": 1}],
    }
    target, weights = draw_target(objects_at({"objects": [entry]}, row, 10), 10, recipe=Recipe())
    assert target[2, 2] == 1
    assert weights[2, 2] == 1.0
    assert target[7, 7] == 1
    assert target[7, 8] == 255  # the part of the stroke that is not in the accepted mask
    assert target[2, 3] == 255
    assert target[4, 4] == 1
    assert weights[4, 4] == pytest.approx(0.6)
    assert target[9, 9] == 0
    exact, _ = draw_target(objects_at({"objects": [{**entry, "edited": True}]}, row, 10), 10, recipe=Recipe())
    assert not (exact == 255).any()


@pytest.fixture
def rle() -> Callable[..., object]:
    from alcore.masks import encode_rle

    def make(r0: int, r1: int, c0: int, c1: int) -> object:
        mask = np.zeros((20, 40), bool)
        mask[r0:r1, c0:c1] = True
        return encode_rle(mask)

    return make


def test_progress_that_was_told_to_stop_raises(fake_service: AnnotationService, inline_runner: InlineRunner) -> None:
    from app.jobs.progress import JobProgress

    project = seeded(fake_service, 1)
    inline_runner.hold = True
    job = fake_service.start_embed(project.id)
    progress = JobProgress(fake_service.context.db, job.id)
    progress.stage("part")
    fake_service.cancel_job(job.id)
    with pytest.raises(Cancelled):
        progress(5, 5)
