"""The click model adapts to accepted masks: what teaches it, the gate, the lineage, and what stops it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pydantic import JsonValue

from alcore.errors import InvalidInput
from app.api.schemas import PredictRequest, Project
from app.errors import Busy, Conflict, NoLabels
from app.jobs.adapt import gate
from app.jobs.lessons import Lesson, split, teaches
from app.service import AnnotationService
from app.service.models import Segmenter
from app.service.prompting import MAX_ADAPTED
from app.store import adaptations as adaptation_rows
from app.store import projects as project_rows
from prompts.errors import CheckpointError
from prompts.measure import ClickScores
from tests.app.fakes import FakeModels, InlineRunner
from tests.app.jobs.test_rounds import result_of
from tests.app.workspaces import accept_all, accept_next, answer_of, disk, queue_all, seeded


def accepted(service: AnnotationService, n: int = 16) -> Project:
    """A project whose images are all answered, with masks from elsewhere."""
    project = seeded(service, n)
    queue_all(service, project.id)
    assert accept_all(service, project.id) == n
    return service.project(project.id)


def adapted(service: AnnotationService, project_id: int) -> dict[str, JsonValue]:
    return result_of(service.start_adapt(project_id))


def reached(service: AnnotationService, models: FakeModels, project_id: int) -> str:
    """Adapt a poor model to one that leaves something to gain."""
    models.predictor.reach, models.reach = 0, 1
    result = adapted(service, project_id)
    assert result["accepted"] is True, result["reason"]
    return str(result["adaptation_id"])


def click(**more: object) -> PredictRequest:
    return PredictRequest.model_validate({"points": [{"x": 20.5, "y": 15.5, "label": 1}], **more})


def files(service: AnnotationService) -> list[str]:
    return sorted(path.name for path in (service.context.folder / "models").iterdir())


def test_a_better_model_is_taken_into_use(fake_service: AnnotationService, fake_models: FakeModels) -> None:
    project = accepted(fake_service)
    result = adapted(fake_service, project.id)
    assert result["accepted"] is True, result["reason"]
    name = fake_service.project(project.id).adaptation_id
    assert name == result["adaptation_id"]
    assert files(fake_service) == [f"{name}.safetensors"]
    found = fake_service.adaptations(project.id)
    (entry,) = found.adaptations
    assert (found.in_use, entry.id, entry.parent_id, entry.in_use, entry.accepted) == (name, name, None, True, True)
    assert (entry.n_images, entry.n_held_out, entry.n_objects) == (8, 8, 8)
    assert entry.after.dice_1 > entry.before.dice_1 + 0.1
    assert entry.after.dice_box == entry.before.dice_box
    (_, samples) = fake_models.adapted_from[0]
    numbers = [int(sample.image[0, 0, 0]) for sample in samples]
    assert len({number % 2 for number in numbers}) == 1  # one patient to learn from, the other to measure on
    assert all(np.array_equal(sample.masks[0], disk(n)) for sample, n in zip(samples, numbers, strict=True))


@pytest.mark.parametrize("reach", [2, 1])
def test_a_model_that_is_no_better_is_not_taken_and_leaves_no_file(
    fake_service: AnnotationService, fake_models: FakeModels, reach: int
) -> None:
    project = accepted(fake_service)
    fake_models.reach = reach
    result = adapted(fake_service, project.id)
    assert result["accepted"] is False
    assert "is not taken into use" in str(result["reason"])
    assert fake_service.project(project.id).adaptation_id is None
    assert files(fake_service) == []
    (entry,) = fake_service.adaptations(project.id).adaptations
    assert (entry.accepted, entry.in_use) == (False, False)


def scores(dice: float, clicks: float) -> ClickScores:
    return ClickScores(n_objects=9, dice_box=dice, dice_1=dice, dice_3=dice, clicks_to_90=clicks)


def test_the_gate_asks_for_a_margin_and_for_no_more_clicks() -> None:
    before = scores(0.7, 5.0)
    assert gate(before, scores(0.72, 5.0), margin=0.01)[0]
    assert not gate(before, scores(0.705, 4.0), margin=0.01)[0]
    assert not gate(before, scores(0.9, 5.1), margin=0.01)[0]
    accepted, reason = gate(before, scores(0.6, 4.0), margin=0.01)
    assert not accepted
    assert "0.600 against 0.700" in reason
    assert "9 held-out objects" in reason


def test_the_next_adaptation_goes_on_from_the_one_in_use_and_rollback_goes_back(
    fake_service: AnnotationService, fake_models: FakeModels
) -> None:
    project = accepted(fake_service)
    first, fake_models.reach = reached(fake_service, fake_models, project.id), 3
    second = str(adapted(fake_service, project.id)["adaptation_id"])
    assert [name for name, _ in fake_models.adapted_from] == ["fake-segmenter", f"fake-segmenter+{first}"]
    assert [(a.id, a.parent_id) for a in fake_service.adaptations(project.id).adaptations] == [
        (first, None),
        (second, first),
    ]
    assert fake_service.rollback_adaptation(project.id).in_use == first
    rolled = fake_service.rollback_adaptation(project.id)
    assert rolled.in_use is None
    assert [a.id for a in rolled.adaptations] == [first, second]  # nothing is forgotten
    with pytest.raises(Conflict, match="nothing to roll back"):
        fake_service.rollback_adaptation(project.id)


def test_what_the_lineage_has_learned_from_is_never_measured_on(
    fake_service: AnnotationService, fake_models: FakeModels
) -> None:
    project = accepted(fake_service)
    reached(fake_service, fake_models, project.id)
    fake_models.reach = 3
    adapted(fake_service, project.id)
    with fake_service.context.db.read() as connection:
        first, second = adaptation_rows.of_project(connection, project.id)
    assert first["accepted"]
    assert second["accepted"]
    learned = {*first["item_ids"], *second["item_ids"]}
    assert learned
    assert not learned & {*first["held_out_ids"], *second["held_out_ids"]}


def lesson(item_id: int, group: str | None) -> Lesson:
    return Lesson(item={"id": item_id, "group_name": group}, objects=[])


@pytest.mark.parametrize("seed", range(5))
def test_a_split_keeps_groups_whole_and_away_from_what_was_learned(seed: int) -> None:
    lessons = [lesson(i, f"p{i // 3}" if i < 30 else None) for i in range(40)]
    learn, held = split(lessons, {0, 31}, seed=seed)
    assert sorted(entry.item["id"] for entry in [*learn, *held]) == list(range(40))
    ids = {entry.item["id"] for entry in held}
    assert 8 <= len(ids) <= 10
    assert not ids & {0, 1, 2, 31}
    assert {entry.item["group_name"] for entry in learn} & {e.item["group_name"] for e in held} <= {None}
    assert split(lessons, {0, 31}, seed=seed) == (learn, held)


def test_a_split_of_one_patient_is_refused_until_another_one_was_learned_from() -> None:
    with pytest.raises(NoLabels, match="two patients"):
        split([lesson(i, "p") for i in range(8)], set(), seed=0)
    with pytest.raises(NoLabels, match="one more"):
        split([lesson(i, "p") for i in range(8)], {3}, seed=0)
    learn, held = split([lesson(i, "new" if i else "p") for i in range(8)], {0}, seed=0)
    assert [entry.item["id"] for entry in learn] == [0]
    assert len(held) == 7


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"model_id": "m", "points": [{}]}, False),
        ({"model_id": "m", "box": [0, 0, 1, 1]}, False),
        ({"model_id": "m", "box": [0, 0, 1, 1], "points": [{}]}, True),
        ({"model_id": "m", "points": [{}, {}]}, True),
        ({"model_id": "m", "scribbles": [{}]}, False),
        ({"model_id": "m", "points": [{}], "scribbles": [{}]}, True),
        ({"model_id": "m", "points": [{}], "edited": True}, True),
        ({"model_id": "head", "from_suggestion": True}, False),
        ({"model_id": "head", "from_suggestion": True, "edited": True}, True),
        ({"model_id": None, "points": []}, True),
    ],
)
def test_only_masks_that_somebody_put_work_into_teach(entry: dict[str, object], expected: bool) -> None:
    assert teaches(entry) is expected


def test_masks_that_nobody_corrected_are_not_enough(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 10)
    queue_all(fake_service, project.id)
    for _ in range(7):
        accept_next(fake_service, project.id)
    while item := fake_service.next_item(project.id, "ann"):
        answer = fake_service.predict(item.id, click())
        mask = {"size": list(answer.size), "counts": answer.counts}
        entry = {"class_id": 1, "mask": mask, "points": [{"x": 20.5, "y": 15.5}], "model_id": answer.model_id}
        fake_service.annotate(item.id, answer_of(item, objects=[entry]))
    job = fake_service.start_adapt(project.id)
    assert job.state == "failed"
    assert job.error is not None
    assert "at least 8 images" in job.error
    assert "7 are so far" in job.error
    assert fake_service.adaptations(project.id).adaptations == []


def test_cancel_in_the_middle_leaves_everything_as_it_was(
    fake_service: AnnotationService, fake_models: FakeModels, inline_runner: InlineRunner
) -> None:
    project = accepted(fake_service)
    adapted(fake_service, project.id)
    before = (fake_service.project(project.id).adaptation_id, fake_service.adaptations(project.id), files(fake_service))
    fake_models.reach = 5
    fake_models.on_adapt = lambda: fake_service.cancel_job(inline_runner.started[-1]) and None
    assert fake_service.start_adapt(project.id).state == "cancelled"
    after = (fake_service.project(project.id).adaptation_id, fake_service.adaptations(project.id), files(fake_service))
    assert after == before


def test_what_a_killed_job_left_is_tidied_by_the_next(fake_service: AnnotationService) -> None:
    project = accepted(fake_service)
    models = fake_service.context.folder / "models"
    for name in (f"click-{project.id}-77.safetensors", f".click-{project.id}-77.safetensors.part"):
        (models / name).write_text("half")
    kept = models / f"click-{project.id}1-5.safetensors"  # of another project
    kept.write_text("4")
    name = adapted(fake_service, project.id)["adaptation_id"]
    assert files(fake_service) == sorted([kept.name, f"{name}.safetensors"])


def test_a_rollback_during_the_job_wins(fake_service: AnnotationService, fake_models: FakeModels) -> None:
    project = accepted(fake_service)
    reached(fake_service, fake_models, project.id)
    fake_models.reach = 3
    fake_models.on_adapt = lambda: fake_service.rollback_adaptation(project.id) and None
    result = adapted(fake_service, project.id)
    assert result["accepted"] is False
    assert "changed while" in str(result["reason"])
    assert fake_service.project(project.id).adaptation_id is None
    assert len(files(fake_service)) == 1


def test_an_adaptation_whose_file_is_gone_is_told_and_not_gone_on_from(
    fake_service: AnnotationService, fake_models: FakeModels
) -> None:
    project = accepted(fake_service)
    name = adapted(fake_service, project.id)["adaptation_id"]
    fake_service.context.model_file(str(name)).unlink()
    with pytest.raises(CheckpointError, match="cannot read"):
        fake_service.predict(1, click())
    result = adapted(fake_service, project.id)
    assert fake_models.adapted_from[-1][0] == "fake-segmenter"
    assert result["accepted"] is True
    assert fake_service.adaptations(project.id).adaptations[-1].parent_id is None
    assert fake_service.predict(1, click()).model_id == f"fake-segmenter+{result['adaptation_id']}"


def test_prompts_after_the_swap_and_after_a_rollback_are_answered_by_the_model_in_use(
    fake_service: AnnotationService,
) -> None:
    project = accepted(fake_service)
    first = fake_service.predict(1, click(object_id="a"))
    name = adapted(fake_service, project.id)["adaptation_id"]
    second = fake_service.predict(1, click(object_id="a", logits_id=first.logits_id))
    assert second.model_id == f"fake-segmenter+{name}"
    assert sum(second.counts[1::2]) == 81 != sum(first.counts[1::2])
    fake_service.rollback_adaptation(project.id)
    third = fake_service.predict(1, click(object_id="a", logits_id=second.logits_id))
    assert (third.model_id, third.counts) == (first.model_id, first.counts)


def test_a_prompt_under_way_ends_with_the_model_that_it_began_with(
    fake_service: AnnotationService, fake_models: FakeModels
) -> None:
    project = accepted(fake_service, 8)
    fake_models.predictor.embed_s = 0.2
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(fake_service.predict, 1, click())
        assert fake_models.predictor.is_embedding.wait(5)
        fake_service.context.model_file("click-new").write_text("4")
        with fake_service.context.db.write() as connection:
            project_rows.change(connection, project.id, {"adaptation_id": "click-new"})
        assert fake_service.predict(1, click()).model_id == "fake-segmenter+click-new"
        assert under_way.result().model_id == "fake-segmenter"


def test_models_that_were_left_behind_make_room(fake_service: AnnotationService, fake_models: FakeModels) -> None:
    prompter = fake_service.context.prompter
    models = [Segmenter("builtin", fake_service.context.model_file(f"click-{i}")) for i in range(MAX_ADAPTED + 1)]
    prompter.load(Segmenter("builtin"))
    for model in models:
        assert model.adaptation is not None
        model.adaptation.write_text("4")
        prompter.load(model)
    n_loaded = len(fake_models.loaded)
    for model in (Segmenter("builtin"), *models[1:]):
        prompter.load(model)
    assert len(fake_models.loaded) == n_loaded
    prompter.load(models[0])
    assert len(fake_models.loaded) == n_loaded + 1


def test_another_segmenter_begins_as_shipped(fake_service: AnnotationService) -> None:
    project = accepted(fake_service)
    adapted(fake_service, project.id)
    assert fake_service.update_project(project.id, segmenter="builtin").adaptation_id is not None
    assert fake_service.update_project(project.id, segmenter="sam_vit_b:/x.pth").adaptation_id is None


def test_models_and_tasks_that_cannot_adapt_are_refused_before_any_work(
    fake_service: AnnotationService, inline_runner: InlineRunner
) -> None:
    project = accepted(fake_service, 2)
    fake_service.update_project(project.id, segmenter="huggingface:some/model")
    with pytest.raises(CheckpointError, match="models of transformers cannot be adapted"):
        fake_service.start_adapt(project.id)
    with pytest.raises(CheckpointError, match="cannot be adapted"):
        fake_service.update_project(project.id, adapt_automatically=True)
    fake_service.update_project(project.id, segmenter="builtin", adapt_automatically=True)
    with pytest.raises(CheckpointError, match="cannot be adapted"):
        fake_service.update_project(project.id, segmenter="huggingface:some/model")
    labels = fake_service.create_project("labels", task="classification", classes=["a", "b"])
    with pytest.raises(InvalidInput, match="have a click model to adapt"):
        fake_service.start_adapt(labels.id)
    assert inline_runner.started == []


def test_a_project_adapts_by_itself_after_a_round_that_trained(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 60)
    assert project.adapt_automatically is False
    fake_service.start_round(project.id, n=12)
    accept_all(fake_service, project.id)
    assert "adaptation" not in result_of(fake_service.start_round(project.id, n=4))
    fake_service.update_project(project.id, adapt_automatically=True)
    accept_all(fake_service, project.id)
    result = result_of(fake_service.start_round(project.id, n=9))
    made = result["adaptation"]
    assert isinstance(made, dict)
    assert made["accepted"] is True
    assert isinstance(result["round"], dict)
    assert result["round"]["n_selected"] == 9
    accept_all(fake_service, project.id)  # nine new images, one short of `adapt_after`
    assert "adaptation" not in result_of(fake_service.start_round(project.id, n=1))
    accept_all(fake_service, project.id)
    assert "adaptation" in result_of(fake_service.start_round(project.id, n=1))
    assert len(fake_service.adaptations(project.id).adaptations) == 2


def test_an_adaptation_that_fails_or_is_cancelled_does_not_undo_its_round(
    fake_service: AnnotationService, fake_models: FakeModels, inline_runner: InlineRunner
) -> None:
    project = seeded(fake_service, 40)
    fake_service.update_project(project.id, adapt_automatically=True)
    fake_service.start_round(project.id, n=12)
    accept_all(fake_service, project.id)
    fake_models.on_adapt = lambda: fake_service.cancel_job(inline_runner.started[-1]) and None
    job = fake_service.start_round(project.id, n=5)
    made = result_of(job)["adaptation"]
    assert isinstance(made, dict)
    assert made["reason"] == "it was cancelled"
    assert fake_service.project(project.id).counts.queued == 5
    assert {name.partition(".")[0] for name in files(fake_service)} == {f"head-{project.id}-{job.id}"}

    def fail() -> None:
        raise CheckpointError("no such decoder")

    fake_models.on_adapt = fail
    accept_all(fake_service, project.id)
    assert "no such decoder" in str(result_of(fake_service.start_round(project.id, n=5))["adaptation"])
    assert fake_service.project(project.id).adaptation_id is None


def test_a_project_adapts_in_a_job_of_its_own(fake_service: AnnotationService, inline_runner: InlineRunner) -> None:
    project = accepted(fake_service, 2)
    inline_runner.hold = True
    fake_service.start_adapt(project.id)
    with pytest.raises(Busy):
        fake_service.start_adapt(project.id)
