"""Projects: settings are checked when they are made, classes never change their meaning."""

import pytest

from alcore.errors import InvalidInput, UnknownName
from app.errors import AlreadyExists, InvalidRequest, NotFound
from app.service import AnnotationService
from tests.app.workspaces import seeded


def test_a_project_counts_its_items_by_state(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    assert project.counts.model_dump() == {
        "items": 3, "queued": 0, "leased": 0, "labeled": 0, "skipped": 0, "unqueued": 3
    }  # fmt: skip
    assert [(c.id, c.name) for c in project.classes] == [(1, "disk"), (2, "other")]
    assert len({c.color for c in project.classes}) == 2
    assert (project.round, project.model_id, project.job_id) == (0, None, None)


@pytest.mark.parametrize("field", ["encoder", "segmenter", "head", "cold_start", "strategy"])
def test_an_unknown_name_is_refused_with_the_known_ones(fake_service: AnnotationService, field: str) -> None:
    with pytest.raises(UnknownName, match="known: "):
        fake_service.create_project("p", task="segmentation", classes=["a"], **{field: "nonesuch"})
    project = seeded(fake_service, 1)
    with pytest.raises(UnknownName, match="nonesuch"):
        fake_service.update_project(project.id, **{field: "nonesuch"})


def test_a_head_of_the_other_task_is_refused(fake_service: AnnotationService) -> None:
    with pytest.raises(UnknownName, match="head for segmentation"):
        fake_service.create_project("p", task="segmentation", classes=["a"], head="linear")


def test_names_of_projects_and_classes_are_unique(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    with pytest.raises(AlreadyExists, match="pool"):
        fake_service.create_project("pool", task="segmentation", classes=["a"])
    with pytest.raises(InvalidInput, match="distinct"):
        fake_service.create_project("q", task="segmentation", classes=["a", "A "])
    with pytest.raises(InvalidInput, match="at least two"):
        fake_service.create_project("q", task="classification", classes=["a"])
    second = fake_service.create_project("second", task="segmentation", classes=["a"])
    with pytest.raises(AlreadyExists):
        fake_service.update_project(second.id, name="pool")
    assert [p.name for p in fake_service.list_projects()] == ["pool", "second"]
    assert fake_service.project(project.id).name == "pool"


def test_classes_grow_at_their_end_only(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    grown = fake_service.update_project(project.id, classes=["disk", "other", "third"], batch_size=5)
    assert [(c.id, c.name) for c in grown.classes] == [(1, "disk"), (2, "other"), (3, "third")]
    assert grown.batch_size == 5
    with pytest.raises(InvalidInput, match="grow at their end"):
        fake_service.update_project(project.id, classes=["other", "disk"])


def test_wrong_types_and_unknown_settings_are_named(fake_service: AnnotationService) -> None:
    with pytest.raises(InvalidRequest, match="batch_size"):
        fake_service.create_project("p", task="segmentation", classes=["a"], batch_size=0)
    with pytest.raises(InvalidRequest, match="colour"):
        fake_service.update_project(seeded(fake_service, 1).id, colour="red")
    with pytest.raises(NotFound):
        fake_service.update_project(99, batch_size=3)


def test_the_registry_names_every_method_with_a_line(fake_service: AnnotationService) -> None:
    registry = fake_service.registry()
    entries = [*registry.strategies, *registry.encoders, *registry.segmenters, *registry.heads]
    assert {"random", "kmeans_medoid", "builtin", "decoder", "linear"} <= {entry.name for entry in entries}
    assert all(entry.summary for entry in entries)
