"""Every strategy that a task's rounds can feed, in the service's own rounds; and what they are fed with."""

import numpy as np
import pytest

from alcore.errors import UnknownName
from alcore.opinions import Opinion
from alcore.rounds import FED, runs_in
from alcore.strategies import STRATEGIES
from alcore.types import RoundPlan
from app.jobs.choose import choose
from app.jobs.pool import Pool, open_pool
from app.jobs.progress import JobProgress
from app.jobs.train import learner_of, train_model
from app.jobs.view import PATCH_SIDE, view_of
from app.service import AnnotationService
from tests.app.workspaces import accept_all, seeded

N_ITEMS, N_LABELED, N_PATIENTS = 40, 14, 5


class Silent(JobProgress):
    """Progress that nobody watches."""

    def __init__(self) -> None:
        pass

    def __call__(self, done: int, total: int) -> None:
        pass

    def stage(self, name: str) -> None:
        pass

    def log(self, line: str) -> None:
        pass


def opened(service: AnnotationService, task: str) -> Pool:
    """A project with some answers of five patients, and a head."""
    project = seeded(service, N_ITEMS, task=task, n_patients=N_PATIENTS)
    service.start_round(project.id, n=N_LABELED)
    accept_all(service, project.id)
    service.start_train(project.id)
    return open_pool(service.context, project.id, Silent())[0]


@pytest.mark.parametrize("task", sorted(FED))
def test_every_strategy_that_a_task_can_feed_chooses_a_batch(fake_service: AnnotationService, task: str) -> None:
    pool = opened(fake_service, task)
    trained = train_model(pool, learner_of(pool, pool.taught()), 99, seed=0, progress=Silent())
    names = runs_in(task)  # type: ignore[arg-type]
    assert {"random", "k_center", "entropy", "bald", "margin"} <= set(names)
    for name in names:
        plan = RoundPlan(strategy=name, batch_size=5, reason="test")
        chosen = choose(pool, plan, trained, seed=1, progress=Silent()).choices
        assert len({choice.row["id"] for choice in chosen}) == 5, name
        assert all(choice.row["state"] == "unqueued" for choice in chosen), name
        assert all(choice.reason for choice in chosen), name


def test_a_strategy_that_nothing_can_feed_is_refused_with_those_that_work(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 4)
    starved = sorted(set(STRATEGIES) - set(runs_in("segmentation")))
    assert starved
    with pytest.raises(UnknownName, match=rf"unknown strategy for segmentation '{starved[0]}'; known: .*random"):
        fake_service.start_round(project.id, n=2, strategy=starved[0])
    by_name = {entry.name: entry for entry in fake_service.registry().strategies}
    assert by_name["random"].tasks == ["classification", "segmentation"]
    assert "segmentation" not in by_name[starved[0]].tasks


def test_the_view_holds_labels_losses_costs_positions_and_patches(fake_service: AnnotationService) -> None:
    pool = opened(fake_service, "classification")
    free = [row for row in pool.items if row["state"] == "unqueued"]
    done = [row for row in pool.items if row["state"] != "unqueued"]
    losses = {done[0]["id"]: 1.0, done[1]["id"]: 0.0}
    view = view_of(pool, free, done, Opinion(), losses, {"costs", "patches"})
    assert view.labeled.tolist() == [False] * len(free) + [True] * len(done)
    assert (view.labels[: len(free)] == -1).all()
    named = ["disk" if int(row["name"][-7:-4]) % 2 else "other" for row in done]
    assert [("disk", "other")[i] for i in view.labels[len(free) :]] == named
    assert view.losses[len(free)] == 1.0
    assert view.losses[len(free) + 1] == 0.0
    assert (np.delete(view.losses, [len(free), len(free) + 1]) == -1).all()
    np.testing.assert_allclose(view.costs, 4.0)
    for patient in range(N_PATIENTS):
        inside = np.array([row["group_name"] == f"p{patient}" for row in [*free, *done]])
        assert sorted(view.positions[inside].tolist()) == list(range(N_ITEMS // N_PATIENTS))
    dense = pool.store.dense(pool.keys([*free, *done])).astype(np.float32)
    assert view.patches.shape == (N_ITEMS, PATCH_SIDE**2, dense.shape[1])
    np.testing.assert_allclose(view.patches.mean(axis=1), dense.mean((2, 3)), atol=1e-3)
    assert view_of(pool, free, done, Opinion(), {}, set()).patches is None
