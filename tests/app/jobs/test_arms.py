"""Chance in live rounds: an audit set that no head learns from, a control arm, and what comes of comparing them."""

from collections import Counter

import pytest

from alcore.errors import Cancelled
from app.jobs.compare import lacks
from app.jobs.pool import open_pool
from app.service import AnnotationService, batches
from app.store import items as item_rows
from app.store import rounds as round_rows
from tests.app.fakes import FakeModels
from tests.app.jobs.test_every_strategy import Silent
from tests.app.jobs.test_rounds import result_of
from tests.app.workspaces import accept_all, accept_next, seeded


def set_to(service: AnnotationService, **settings: object) -> None:
    service.context.settings = service.context.settings.model_copy(update=settings)


def rows_of(service: AnnotationService, project_id: int) -> list[dict[str, object]]:
    with service.context.db.read() as connection:
        return [dict(row) for row in item_rows.of_project(connection, project_id)]


def audited(service: AnnotationService, project_id: int) -> set[int]:
    return {int(str(row["id"])) for row in rows_of(service, project_id) if row["is_audit"]}


def test_a_batch_has_its_share_of_each_arm(fake_service: AnnotationService) -> None:
    set_to(fake_service, min_audit=4, control_share=0.2)
    project = seeded(fake_service, 60, n_patients=30)
    fake_service.start_round(project.id, n=20)
    asked = batches.of_round(fake_service.context, project.id, 1)
    assert Counter(entry.arm for entry in asked) == {"strategy": 14, "control": 4, "audit": 2}
    assert [entry.arm for entry in asked] != sorted(entry.arm for entry in asked)  # mixed, not in blocks
    assert all(entry.is_audit == (entry.arm == "audit") for entry in asked)
    assert {entry.reason for entry in asked if entry.arm != "strategy"} == {
        "drawn at random and never learned from, to measure the model fairly; so there is no suggestion",
        "drawn at random, to see whether choosing pays",
    }
    made = fake_service.rounds(project.id)[0]
    assert (made.n_control, made.n_audit, made.seconds_before, made.clicks_before) == (4, 2, 0, 0)


def test_small_batches_get_their_share_in_time(fake_service: AnnotationService) -> None:
    set_to(fake_service, min_audit=4)
    project = seeded(fake_service, 60, n_patients=60)
    for _ in range(5):
        fake_service.start_round(project.id, n=4)
    with fake_service.context.db.read() as connection:
        asked = Counter(round_rows.arms(connection, project.id).values())
    assert asked == {"strategy": 16, "control": 2, "audit": 2}


def test_no_head_learns_from_a_patient_of_the_audit_set(fake_service: AnnotationService) -> None:
    set_to(fake_service, min_audit=4, audit_share=0.2)
    project = seeded(fake_service, 60, n_patients=20)
    for _ in range(3):
        fake_service.start_round(project.id, n=15)
        accept_all(fake_service, project.id)
    rows = rows_of(fake_service, project.id)
    inside = {row["group_name"] for row in rows if row["is_audit"]}
    assert len(inside) == 4  # three images a patient, twelve of sixty images
    assert {row["id"] for row in rows if row["group_name"] in inside} == audited(fake_service, project.id)
    pool, _ = open_pool(fake_service.context, project.id, Silent())
    assert not {row["group_name"] for row in pool.taught()} & inside
    assert {row["group_name"] for row in pool.audited()} <= inside
    job = result_of(fake_service.start_train(project.id))
    assert job["n_labeled"] == len(pool.taught()) == 45 - len(pool.audited())


def test_the_audit_set_only_grows_and_takes_new_images_of_its_patients(fake_service: AnnotationService) -> None:
    import io

    from tests.app.workspaces import picture, png

    set_to(fake_service, min_audit=3)
    project = seeded(fake_service, 40, n_patients=40)
    fake_service.start_round(project.id, n=4)
    before = audited(fake_service, project.id)
    assert len(before) == 4
    patient = next(str(row["group_name"]) for row in rows_of(fake_service, project.id) if row["is_audit"])
    more = [(f"{patient}/{i:03d}.png", io.BytesIO(png(picture(i)))) for i in range(40, 43)]
    more += [(f"q{i}/{i:03d}.png", io.BytesIO(png(picture(i)))) for i in range(43, 70)]
    assert fake_service.import_files(project.id, more, "patient").added == 30
    fake_service.start_round(project.id, n=4)
    after = audited(fake_service, project.id)
    assert before < after
    rows = {row["id"]: row for row in rows_of(fake_service, project.id)}
    assert sum(rows[i]["group_name"] == patient for i in after) == 4
    assert len(after) == 7


def test_a_pool_of_few_large_patients_has_no_audit_set_and_says_so(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 60, n_patients=2)
    fake_service.start_round(project.id, n=20)
    assert audited(fake_service, project.id) == set()
    assert fake_service.rounds(project.id)[0].n_audit == 0
    assert "fewer than 8 images or 3 whole patients" in fake_service.report(project.id).audit.note


def test_the_audit_set_measures_the_model_once_it_is_large_enough(fake_service: AnnotationService) -> None:
    set_to(fake_service, min_audit=4, audit_share=0.2)
    project = seeded(fake_service, 60, n_patients=60)
    fake_service.start_round(project.id, n=10)
    accept_all(fake_service, project.id)
    first = result_of(fake_service.start_round(project.id, n=10))
    assert first["metric_on"] == "crossfit"  # two audit answers of four
    accept_all(fake_service, project.id)
    second = result_of(fake_service.start_round(project.id, n=10))
    assert second["metric_on"] == "audit"
    made = fake_service.rounds(project.id)[-1]
    assert made.audit is not None
    assert made.crossfit is not None
    assert (made.audit.n_items, made.audit.n_groups, made.crossfit.n_items) == (4, 4, 16)
    assert made.value == made.audit.value == second["value"]
    assert "4 audit items" in str(second["gate"])
    assert made.agreement is not None
    assert made.agreement > 0.9  # two heads that both learned the threshold
    assert made.coverage is not None
    assert 0 < made.coverage <= 1


def test_a_model_that_is_worse_on_the_audit_set_stays_aside(
    fake_service: AnnotationService, fake_models: FakeModels
) -> None:
    set_to(fake_service, min_audit=4, audit_share=0.2)
    project = seeded(fake_service, 60, n_patients=60)
    for _ in range(2):
        fake_service.start_round(project.id, n=20)
        accept_all(fake_service, project.id)
    good = result_of(fake_service.start_train(project.id))
    fake_models.threshold = 250.0  # finds nothing from now on
    bad = result_of(fake_service.start_train(project.id))
    assert (bad["accepted"], bad["model_id"]) == (False, good["model_id"])
    assert bad["value"] == 0.0
    assert "stays aside" in str(bad["gate"])


def test_audit_images_come_without_a_suggestion(fake_service: AnnotationService) -> None:
    set_to(fake_service, min_audit=4, audit_share=0.2)
    project = seeded(fake_service, 60, n_patients=60)
    fake_service.start_round(project.id, n=10)
    accept_all(fake_service, project.id)
    fake_service.start_round(project.id, n=10)
    fake_service.start_train(project.id)  # which renews the suggestions of what is queued
    kept = audited(fake_service, project.id)
    queued = fake_service.items(project.id, "queued").items
    offered = {item.id for item in queued if fake_service.item(item.id).has_suggestion}
    assert offered == {item.id for item in queued} - kept
    assert {item.id for item in queued} & kept


def test_the_last_batch_takes_what_is_left_of_both(fake_service: AnnotationService) -> None:
    set_to(fake_service, min_audit=3)
    project = seeded(fake_service, 40, n_patients=40)
    fake_service.start_round(project.id, n=99)
    assert fake_service.project(project.id).counts.unqueued == 0
    assert fake_service.rounds(project.id)[0].n_audit == 4


def test_strategies_take_audit_items_neither_for_covered_nor_for_free(
    fake_service: AnnotationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.jobs import choose

    shown: list[tuple[set[int], set[int]]] = []
    original = choose.view_of

    def watched(pool, free, done, *rest):  # type: ignore[no-untyped-def]
        shown.append(({row["id"] for row in free}, {row["id"] for row in done}))
        return original(pool, free, done, *rest)

    monkeypatch.setattr(choose, "view_of", watched)
    set_to(fake_service, min_audit=4, audit_share=0.2, control_share=0.2)
    project = seeded(fake_service, 60, n_patients=60)
    for _ in range(2):
        fake_service.start_round(project.id, n=15)
        accept_all(fake_service, project.id)
    kept = audited(fake_service, project.id)
    for free, done in shown:
        assert not kept & (free | done)
    control = {
        entry.item_id for entry in batches.of_round(fake_service.context, project.id, 1) if entry.arm == "control"
    }
    assert len(control) == 3
    assert control <= shown[0][1]  # they will be labeled: the strategy covers the rest


@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_arms_are_compared_on_the_audit_set(fake_service: AnnotationService, task: str) -> None:
    set_to(fake_service, min_audit=4, control_share=0.4)
    project = seeded(fake_service, 80, n_patients=80, task=task)
    fake_service.start_round(project.id, n=20)
    accept_all(fake_service, project.id)
    job = fake_service.start_compare(project.id)
    assert job.state == "failed"
    assert "8 of 16 control images are labeled; 2 of 4 audit images" in str(job.error)
    fake_service.start_round(project.id, n=24)
    accept_all(fake_service, project.id)
    assert fake_service.report(project.id).control.can_compare
    found = result_of(fake_service.start_compare(project.id))
    assert (found["n_trained"], found["n_measured"]) == (9, 4)  # 18 control images, 4 audit images
    told = fake_service.report(project.id).control.comparison
    assert told is not None
    assert told.difference == pytest.approx(told.strategy - told.control)
    assert told.ci95[0] <= told.difference <= told.ci95[1]
    last = result_of(fake_service.start_round(project.id, n=4))
    assert ("comparison" in last) == (task == "classification")  # heads that are cheap are compared in the round


def test_what_was_answered_unasked_is_of_no_arm(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 12, n_patients=12)
    fake_service.start_round(project.id, n=4)
    accept_next(fake_service, project.id)
    unasked = fake_service.items(project.id, "unqueued").items[0]
    from tests.app.workspaces import answer_of

    fake_service.annotate(unasked.id, answer_of(fake_service.lease(unasked.id, "ann")))
    pool, _ = open_pool(fake_service.context, project.id, Silent())
    assert unasked.id not in pool.arms
    assert len(pool.taught()) == 2
    assert lacks(pool) == "0 of 16 control images are labeled; 0 of 8 audit images are labeled, of 0 patients"


def test_a_comparison_leaves_the_model_in_use_alone(fake_service: AnnotationService) -> None:
    set_to(fake_service, min_audit=4, control_share=0.4)
    project = seeded(fake_service, 80, n_patients=80)
    for _ in range(2):
        fake_service.start_round(project.id, n=22)
        accept_all(fake_service, project.id)
    before = fake_service.project(project.id)
    result_of(fake_service.start_compare(project.id))
    after = fake_service.project(project.id)
    assert (after.model_id, after.round, after.counts) == (before.model_id, before.round, before.counts)


def test_a_comparison_that_is_cancelled_leaves_its_round(
    fake_service: AnnotationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.jobs import compare as comparing

    set_to(fake_service, min_audit=4, control_share=0.4)
    project = seeded(fake_service, 80, n_patients=80, task="classification")
    for _ in range(2):
        fake_service.start_round(project.id, n=22)
        accept_all(fake_service, project.id)

    def stopped(*_: object, **__: object) -> None:
        raise Cancelled("stop")

    monkeypatch.setattr(comparing, "compare_arms", stopped)
    job = fake_service.start_round(project.id, n=4)
    assert "comparison" not in result_of(job)
    assert fake_service.project(project.id).round == 3
    said = [event.data.message for event in fake_service.job_events(job.id) if event.event == "log"]
    assert "chosen and random images were not compared: it was cancelled" in said
