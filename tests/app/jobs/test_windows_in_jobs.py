"""What labels of a window teach: nothing outside it, to heads and to the click model, and they are measured inside."""

from pathlib import Path

import numpy as np
import pytest

from alcore.masks import encode_rle
from alcore.windows import window_mask
from app.jobs.lessons import lessons_of
from app.jobs.masks import labeled_at
from app.service import AnnotationService
from tests.app.fakes import SIDE
from tests.app.jobs.test_rounds import result_of
from tests.app.jobs.test_second_pass import Watched
from tests.app.workspaces import HEIGHT, WIDTH, answer_of, disk, open_fake, queue_all, seeded

WINDOW = (8, 0, 40, 15)


def labeled_in_windows(service: AnnotationService, **changes: object) -> int:
    """A project of eight images, each labeled in a window."""
    project = seeded(service, 8)
    queue_all(service, project.id)
    while (item := service.next_item(project.id, "ann")) is not None:
        service.annotate(item.id, answer_of(item, labeled_window=WINDOW, **changes))
    return project.id


@pytest.mark.parametrize("relabel", [False, True])
def test_heads_are_taught_inside_the_window_alone(tmp_path: Path, relabel: bool) -> None:
    models = Watched()
    objects = [{"class_id": 1, "mask": dict(encode_rle(disk(0))), "quality": 0.2}]
    settings = {"relabel_pseudo_masks": relabel, "calibrate_quality": False}
    with open_fake(tmp_path, models=models, **settings) as service:
        result_of(service.start_train(labeled_in_windows(service, objects=objects)))
    inside = window_mask(WINDOW, (HEIGHT, WIDTH), side=SIDE)
    for targets, weights in models.taught:
        assert (targets[:, ~inside] == 255).all()
        assert (weights[:, ~inside] == 0).all()
        assert (weights[:, inside] > 0).all()


def test_a_head_is_measured_inside_the_window_alone(tmp_path: Path) -> None:
    """The lower half is said to be all foreground, where nobody labeled; a head that sees none there loses nothing."""
    models = Watched()
    with open_fake(tmp_path, models=models) as service:
        project = seeded(service, 8)
        queue_all(service, project.id)
        while (item := service.next_item(project.id, "ann")) is not None:
            mask = disk(int(item.name[-7:-4]))
            mask[20:] = True
            objects = [{"class_id": 1, "mask": dict(encode_rle(mask)), "edited": True}]
            service.annotate(item.id, answer_of(item, objects=objects, labeled_window=(0, 0, 40, 15)))
        value = result_of(service.start_train(project.id))["value"]
    assert isinstance(value, float)
    assert value > 0.8


def test_an_answer_without_a_window_labels_every_pixel() -> None:
    size = {"height": HEIGHT, "width": WIDTH}
    assert labeled_at({"labeled_window": None}, size, SIDE).all()
    assert labeled_at({"labeled_window": [0, 0, 20, 30]}, size, SIDE).sum() == SIDE * SIDE // 2


def test_the_click_model_learns_no_suggested_mask_that_leaves_the_window() -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[2:6, 2:30] = True
    drawn = {"mask": {"size": [HEIGHT, WIDTH], "counts": encode_rle(mask)["counts"]}, "edited": True}
    offered = {**drawn, "from_suggestion": True}

    def taught(window: list[int] | None) -> list[list[bool]]:
        answer = {"objects": [drawn, offered], "labeled_window": window}
        return [["from_suggestion" in o for o in one.objects] for one in lessons_of([{"id": 1}], {1: answer})]

    assert taught(None) == [[False, True]]
    assert taught([0, 0, 30, 10]) == [[False, True]]  # it lies inside
    assert taught([0, 0, 20, 10]) == [[False]]
