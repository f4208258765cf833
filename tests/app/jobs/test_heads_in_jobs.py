"""Which head a project trains, what is tried where it leaves that open, and what the report says about trust."""

import json
from pathlib import Path

import numpy as np
import pytest

from alcore.errors import UnknownName
from app.jobs.learners import ItemScores, best_trial
from app.jobs.pool import model_file
from app.service import AnnotationService
from app.service.models import RegistryModels
from app.store import rounds as round_rows
from tests.alcore.heads.drawn import disks
from tests.app.fakes import FakeModels
from tests.app.jobs.test_rounds import result_of
from tests.app.workspaces import accept_all, seeded


def labeled(service: AnnotationService, *, head: str, n: int = 8, n_patients: int = 2) -> int:
    """A project of a head with `n` accepted masks."""
    project = seeded(service, n, n_patients=n_patients)
    service.update_project(project.id, head=head)
    service.start_round(project.id, n=n)
    assert accept_all(service, project.id) == n
    return project.id


@pytest.mark.parametrize(
    ("setting", "trained", "n_members"),
    [("decoder", ["decoder"], 3), ("unet", ["unet"], 3), ("dense_linear", ["dense_linear", "dense_linear"], 2)],
)
def test_the_head_of_the_project_is_trained(
    fake_service: AnnotationService, fake_models: FakeModels, setting: str, trained: list[str], n_members: int
) -> None:
    """Cheap ones once with folds and once for good; the networks that left a patient out are kept.

    There are three patients, so three folds; the fake's committee has two members where it is given no folds.
    """
    result = result_of(fake_service.start_train(labeled(fake_service, head=setting, n_patients=3)))
    assert fake_models.trained == trained
    assert result["head"] == trained[0]
    kept = fake_models.load_segmentation(model_file(fake_service.context, str(result["model_id"])))
    assert len(kept.thresholds) == n_members
    assert "head_scores" not in result


@pytest.mark.parametrize(
    ("blind", "trained", "kept"),
    [
        ("dense_linear", ["decoder", "dense_linear"], "decoder"),
        ("decoder", ["decoder", "dense_linear", "dense_linear"], "dense_linear"),
    ],
)
def test_by_default_the_better_of_the_decoder_and_the_pixelwise_regression_is_kept(
    fake_service: AnnotationService, fake_models: FakeModels, blind: str, trained: list[str], kept: str
) -> None:
    fake_models.threshold_of = {blind: 300.0}  # sees no object anywhere
    project_id = labeled(fake_service, head="default")
    result = result_of(fake_service.start_train(project_id))
    assert fake_models.trained == trained
    assert result["head"] == kept
    scores = result["head_scores"]
    assert isinstance(scores, dict)
    assert scores[blind] == 0.0
    assert scores[kept] == pytest.approx(result["value"], abs=1e-4)


def test_auto_tries_the_cheap_heads_and_keeps_the_better_one(
    fake_service: AnnotationService, fake_models: FakeModels
) -> None:
    fake_models.threshold_of = {"dense_linear": 300.0}  # sees no object anywhere
    result = result_of(fake_service.start_train(labeled(fake_service, head="auto")))
    assert fake_models.trained == ["dense_linear", "dense_prototype", "dense_prototype"]
    assert result["head"] == "dense_prototype"
    scores = result["head_scores"]
    assert isinstance(scores, dict)
    assert scores["dense_linear"] == 0.0
    assert scores["dense_prototype"] == pytest.approx(result["value"], abs=1e-4)


@pytest.mark.parametrize(("head", "n_needed"), [("dense_linear", 9), ("decoder", 8)])
def test_without_enough_images_or_a_committee_to_measure_there_is_no_temperature(
    fake_service: AnnotationService, monkeypatch: pytest.MonkeyPatch, head: str, n_needed: int
) -> None:
    monkeypatch.setattr("app.jobs.segmentation.MIN_CALIBRATION_IMAGES", n_needed)
    result = result_of(fake_service.start_train(labeled(fake_service, head=head, n=8)))
    assert result["temperature"] == 1.0
    assert result["ece"] == result["ece_uncalibrated"]


def test_the_report_judges_confidence_before_and_after_temperature_scaling(
    fake_service: AnnotationService, fake_models: FakeModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.segmentation.MIN_CALIBRATION_IMAGES", 8)
    project_id = labeled(fake_service, head="dense_linear")
    result = result_of(fake_service.start_train(project_id))
    report = {k: result[k] for k in ("ece", "ece_uncalibrated", "brier", "brier_uncalibrated", "temperature")}
    assert all(isinstance(value, float) for value in report.values())
    assert report["temperature"] != 1.0, "the threshold's soft edge is not as unsure as it says"
    assert fake_models.tempered == [pytest.approx(report["temperature"], abs=1e-4)]
    assert report["brier"] < report["brier_uncalibrated"]
    with fake_service.context.db.read() as connection:
        kept = round_rows.model(connection, str(result["model_id"]))
    assert kept is not None
    assert {k: json.loads(json.dumps(kept["report"]))[k] for k in report} == report


def test_a_project_refuses_a_head_of_the_other_task_and_takes_auto(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 2)
    with pytest.raises(UnknownName, match="auto, decoder, default, dense_linear, dense_prototype, unet"):
        fake_service.update_project(project.id, head="knn")
    assert fake_service.update_project(project.id, head="auto").head == "auto"


def test_a_trial_without_a_score_is_reported_as_such_and_not_taken() -> None:
    class Learner:
        def classes(self, rows: np.ndarray) -> np.ndarray:
            return np.zeros(len(rows), np.int64)

    def scores(*values: float) -> ItemScores:
        none = np.zeros((0, 2))
        return ItemScores(values=np.array(values), probabilities=none, uncalibrated=none, targets=np.zeros(0, np.int64))

    trials = {"a": scores(np.nan, np.nan), "b": scores(0.25, np.nan), "c": scores(0.25, 0.5)}
    assert best_trial(Learner(), trials) == ("c", {"a": None, "b": 0.25, "c": 0.375})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["dense_linear", "dense_prototype"])
def test_the_real_models_train_and_read_light_heads(tmp_path: Path, name: str) -> None:
    dense, images, masks = disks(4)
    models = RegistryModels()
    weights = np.ones(masks.shape, np.float32)
    head = models.train_segmentation(
        dense, images, masks, 2, head=name, weights=weights, folds=None, seed=0, progress=None
    )
    head.tempered(2.0).save(tmp_path / "head")
    loaded = models.load_segmentation(tmp_path / "head")
    assert loaded.temperature == 2.0
    np.testing.assert_array_equal(loaded.predict(dense, images), head.tempered(2.0).predict(dense, images))


@pytest.mark.parametrize("kind", ["prototype", "knn", "mlp"])
def test_the_real_models_train_each_kind_of_classifier(tmp_path: Path, kind: str) -> None:
    vectors, targets = np.eye(4, dtype=np.float32).repeat(3, axis=0), np.arange(4).repeat(3)
    head = RegistryModels().train_classification(vectors, targets, 4, kind=kind, seed=0)
    assert (head.predict(vectors).mean(axis=0).argmax(axis=1) == targets).all()
    assert head.kind == kind  # type: ignore[attr-defined]
