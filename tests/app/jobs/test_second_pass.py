"""The second look at weak labels in training jobs: doubtful masks, and images that nobody labeled."""

from pathlib import Path
from typing import Any

import numpy as np

from alcore.masks import encode_rle
from app.api.schemas import Project
from app.service import AnnotationService
from tests.app.fakes import SIDE, FakeModels, ThresholdHead
from tests.app.jobs.test_rounds import result_of
from tests.app.workspaces import HEIGHT, WIDTH, answer_of, disk, open_fake, queue_all, seeded

N_LABELED = 8


class Watched(FakeModels):
    """Keeps what each head was taught; heads see well from `enough` images on, and nothing before."""

    def __init__(self, *, enough: int = 0) -> None:
        super().__init__()
        self.enough = enough
        self.taught: list[tuple[np.ndarray, np.ndarray]] = []

    def train_segmentation(self, dense: np.ndarray, *arrays: Any, **settings: Any) -> ThresholdHead:
        self.threshold = 120.0 if len(dense) >= self.enough else 240.0
        self.taught.append((arrays[1], settings["weights"]))
        return super().train_segmentation(dense, *arrays, **settings)


def labeled(service: AnnotationService, n: int = 12, **changes: object) -> Project:
    """A project of which `N_LABELED` images are answered, with changes to the answers."""
    project = seeded(service, n)
    service.update_project(project.id, head="decoder")  # trained once
    queue_all(service, project.id)
    for _ in range(N_LABELED):
        item = service.next_item(project.id, "ann")
        assert item is not None
        service.annotate(item.id, answer_of(item, **changes))
    return project


def test_doubtful_masks_say_what_a_head_that_did_not_see_them_is_sure_of(tmp_path: Path) -> None:
    models = Watched()
    wrong = np.zeros((HEIGHT, WIDTH), bool)
    wrong[22:28, 4:10] = True  # where all images are dark
    objects = [{"class_id": 1, "mask": dict(encode_rle(wrong)), "quality": 0.2}]
    with open_fake(tmp_path, models=models, relabel_pseudo_masks=True, calibrate_quality=False) as service:
        project = labeled(service, objects=objects)
        assert result_of(service.start_train(project.id))["relabeled"] == N_LABELED
    first, last = models.taught[0][0], models.taught[-1][0]
    assert (first == 1).any(axis=(1, 2)).all()
    assert not (last == 1).any()
    assert set(np.unique(last)) == {0}


def test_a_quality_that_was_not_calibrated_makes_no_mask_doubtful(tmp_path: Path) -> None:
    with open_fake(tmp_path, models=Watched(), relabel_pseudo_masks=True) as service:
        project = labeled(service, objects=[{"class_id": 1, "mask": dict(encode_rle(disk(0))), "quality": 0.2}])
        assert result_of(service.start_train(project.id))["relabeled"] == 0


def test_masks_of_some_quality_and_drawn_ones_are_not_relabeled(tmp_path: Path) -> None:
    models = Watched()
    with open_fake(tmp_path, models=models, relabel_pseudo_masks=True, calibrate_quality=False) as service:
        project = labeled(service)  # of quality 0.9
        assert result_of(service.start_train(project.id))["relabeled"] == 0
    np.testing.assert_array_equal(models.taught[0][0], models.taught[-1][0])


def test_unlabeled_images_are_learned_from_where_that_pays(tmp_path: Path) -> None:
    models = Watched(enough=N_LABELED + 1)
    with open_fake(tmp_path, models=models, learn_unlabeled=True) as service:
        project = labeled(service)
        result = result_of(service.start_train(project.id))
    told = result["unlabeled"]
    assert isinstance(told, dict)
    assert told["kept"] is True
    assert told["n_compared"] == N_LABELED
    assert isinstance(result["value"], float)
    assert result["value"] > 0.8  # the scores are those of the way that was kept
    targets, weights = models.taught[-1]
    assert targets.shape == (12, SIDE, SIDE)
    assert (weights[N_LABELED:] == 0.5).all()


def test_unlabeled_images_are_left_alone_where_they_change_nothing_or_there_are_none(tmp_path: Path) -> None:
    for number, n in enumerate((12, N_LABELED)):
        models = Watched()
        with open_fake(tmp_path / str(number), models=models, learn_unlabeled=True) as service:
            project = labeled(service, n)
            told = result_of(service.start_train(project.id))["unlabeled"]
        assert told == {"kept": False, "gain": 0.0, "n_compared": N_LABELED if n == 12 else 0}
        n_tried = 2 if n == 12 else 0  # one for each fold, which are the patients
        assert len(models.taught) == 1 + n_tried, "the head that was measured on labels alone is kept"


def test_nothing_of_this_happens_by_default(tmp_path: Path) -> None:
    models = Watched()
    with open_fake(tmp_path, models=models) as service:
        result = result_of(service.start_train(labeled(service).id))
    assert not {"relabeled", "unlabeled", "quality"} & result.keys()
    assert len(models.taught) == 1
