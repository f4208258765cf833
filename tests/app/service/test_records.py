"""What a project has behind it: heads with their scores and where they came from, going back to one, jobs and logs."""

import pytest
from starlette.testclient import TestClient

from app.client import Client
from app.errors import Busy, Conflict, NotFound
from app.server import create_app
from app.service import AnnotationService
from app.store import jobs as job_rows
from tests.app.workspaces import accept_all, seeded


def trained(service: AnnotationService, task: str) -> int:
    """A project with two rounds answered, one training by hand, and so two heads."""
    project = seeded(service, 24, task=task, n_patients=24)
    for _ in range(2):
        service.start_round(project.id, n=8)
        accept_all(service, project.id)
    service.start_train(project.id)
    return project.id


@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_heads_say_where_they_came_from_and_how_good_they_are(fake_service: AnnotationService, task: str) -> None:
    project_id = trained(fake_service, task)
    first, second = fake_service.models(project_id).models
    assert (first.round, second.round) == (2, None)
    assert first.n_labeled < second.n_labeled
    assert first.accepted
    assert first.reason == "the first model of this project, encoder and classes"
    assert [m.in_use for m in (first, second)] == [not second.accepted, second.accepted]
    assert first.can_use is not first.in_use
    names = [score.name for score in second.per_class]
    assert names == (["", "disk", "other"] if task == "segmentation" else ["disk", "other"])
    assert sum(b.count for b in second.reliability) == sum(score.n for score in second.per_class)
    gaps = sum(b.count * abs(b.confidence - b.accuracy) for b in second.reliability)
    assert gaps / sum(b.count for b in second.reliability) <= 1
    if task == "classification":
        assert sum(score.n for score in second.per_class) == second.n_labeled


def test_one_goes_back_to_an_earlier_head_and_forth(fake_service: AnnotationService) -> None:
    project_id = trained(fake_service, "classification")
    before = fake_service.models(project_id).models
    used = next(model for model in before if model.in_use)
    other = next(model for model in before if not model.in_use)
    after = fake_service.use_model(project_id, other.id).models
    assert [model.id for model in after if model.in_use] == [other.id]
    assert fake_service.project(project_id).model_id == other.id
    with pytest.raises(Conflict, match="in use already"):
        fake_service.use_model(project_id, other.id)
    with pytest.raises(NotFound, match="no head 'head-9'"):
        fake_service.use_model(project_id, "head-9")
    fake_service.context.model_file(used.id).unlink()
    with pytest.raises(Conflict, match="its file is gone; train a new one"):
        fake_service.use_model(project_id, used.id)
    assert not any(model.can_use for model in fake_service.models(project_id).models)


def test_a_head_of_other_classes_and_a_busy_project_stay_as_they_are(fake_service: AnnotationService) -> None:
    project_id = trained(fake_service, "classification")
    other = next(model for model in fake_service.models(project_id).models if not model.in_use)
    with fake_service.context.db.write() as connection:
        job_id = job_rows.create(connection, project_id, "train", {})
    with pytest.raises(Busy):
        fake_service.use_model(project_id, other.id)
    with fake_service.context.db.write() as connection:
        job_rows.end(connection, job_id, "cancelled")
    fake_service.update_project(project_id, classes=["disk", "other", "third"])
    with pytest.raises(Conflict, match="classes are others"):
        fake_service.use_model(project_id, other.id)


def test_jobs_are_listed_newest_first_with_what_they_told(fake_service: AnnotationService) -> None:
    project_id = trained(fake_service, "classification")
    jobs = fake_service.jobs(project_id).jobs
    assert [job.kind for job in jobs] == ["train", "round", "round"]
    assert [job.id for job in fake_service.jobs(project_id, limit=1).jobs] == [jobs[0].id]
    told = [line.text for line in fake_service.job_log(jobs[0].id).lines]
    assert told == [fake_service.models(project_id).models[-1].reason]
    with pytest.raises(NotFound):
        fake_service.job_log(999)
    with pytest.raises(NotFound):
        fake_service.jobs(999)


def test_http_and_client_tell_the_same(fake_service: AnnotationService) -> None:
    project_id = trained(fake_service, "classification")
    app = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with TestClient(app) as http, Client(http=http) as fewclick:
        project = fewclick.project(project_id)
        here = fake_service.models(project_id).models
        assert project.models() == here
        assert project.jobs(limit=2) == fake_service.jobs(project_id, 2).jobs
        job_id = project.jobs()[0].id
        assert project.job_log(job_id) == fake_service.job_log(job_id).lines
        other = next(model.id for model in here if not model.in_use)
        assert [model.id for model in project.use_model(other) if model.in_use] == [other]
        with pytest.raises(Conflict, match="in use already"):
            project.use_model(other)
        assert http.get(f"/v1/projects/{project_id}/jobs", params={"limit": 0}).status_code == 422
