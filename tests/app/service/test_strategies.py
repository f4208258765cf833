"""Strategies with settings, from the project's own to the round that was asked."""

import pytest

from alcore.errors import InvalidInput, UnknownName
from app.service import AnnotationService
from tests.app.workspaces import accept_all, seeded

SPEC = "probcover:delta=0.4:n_reference=20"


def test_a_round_keeps_the_settings_that_it_was_asked_with(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 12)
    fake_service.start_round(project.id, n=4, strategy="probcover:n_reference=20:delta=0.40:alpha=0.95")
    (made,) = fake_service.rounds(project.id)
    assert made.strategy == SPEC
    assert made.reason == f"{SPEC}: asked for"


def test_a_project_has_a_strategy_with_settings_of_its_own(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 12)
    fake_service.update_project(project.id, cold_start=SPEC, strategy="power:beta=2.0")
    assert fake_service.strategies(project.id).by_default == SPEC
    fake_service.start_round(project.id, n=4)
    assert [made.strategy for made in fake_service.rounds(project.id)] == [SPEC]
    accept_all(fake_service, project.id)
    assert fake_service.strategies(project.id).by_default == "power:beta=2.0"


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("probcover:radius=1", InvalidInput, "no setting 'radius'; it has: delta, alpha"),
        ("probcover:delta=wide", InvalidInput, "must be a finite number, or none; got 'wide'"),
        ("probcovr:delta=1", UnknownName, "unknown strategy for segmentation 'probcovr'; known: activeft"),
        ("default:delta=1", UnknownName, "unknown strategy for segmentation 'default'; known: activeft"),
        ("power:acquisition=dissonance", InvalidInput, "needs evidence, which segmentation rounds do not have"),
    ],
)
def test_wrong_settings_are_refused_before_the_job(
    fake_service: AnnotationService, spec: str, kind: type[Exception], message: str
) -> None:
    project = seeded(fake_service, 4)
    for ask in (
        lambda: fake_service.start_round(project.id, n=2, strategy=spec),
        lambda: fake_service.update_project(project.id, strategy=spec),
        lambda: fake_service.create_project("other", task="segmentation", classes=["a"], cold_start=spec),
    ):
        with pytest.raises(kind, match=message):
            ask()
    assert fake_service.rounds(project.id) == []


def test_only_what_the_project_can_feed_is_offered(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 12)
    cold = {entry.name: entry for entry in fake_service.strategies(project.id).strategies}
    assert {"random", "probcover"} <= cold.keys()
    assert not {"entropy", "uherding", "knapsack", "badge"} & cold.keys()
    delta = next(setting for setting in cold["probcover"].settings if setting.name == "delta")
    assert (delta.kind, delta.default, delta.is_optional) == ("float", None, True)
    fake_service.start_round(project.id, n=6)
    accept_all(fake_service, project.id)
    warm = {entry.name: entry for entry in fake_service.strategies(project.id).strategies}
    assert {*cold, "entropy", "uherding", "knapsack"} <= warm.keys()
    assert "badge" not in warm  # it wants probabilities, which segmentation has none of
    (acquisition, *_) = warm["uherding"].settings
    assert "entropy" in acquisition.choices
    assert "dissonance" not in acquisition.choices


def test_strategies_along_groups_are_offered_where_there_are_groups(fake_service: AnnotationService) -> None:
    grouped = seeded(fake_service, 4)
    alone = fake_service.create_project("alone", task="segmentation", classes=["disk"])
    offered = [{entry.name for entry in fake_service.strategies(p.id).strategies} for p in (grouped, alone)]
    assert offered[0] - offered[1] == {"group_random", "strided"}
