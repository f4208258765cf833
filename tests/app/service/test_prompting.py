"""Live prompts: no mixing of users, one embedding an image, clicks before work ahead, logits that find their object."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from alcore.masks import decode_rle
from app.api.schemas import PredictAnswer, PredictRequest, WindowIn
from app.service import AnnotationService
from app.service.asked import asked_prompt
from prompts.errors import InvalidPrompt
from prompts.types import Box, Point, Prompt, Scribble
from tests.app.fakes import FakeModels, FakePredictor
from tests.app.workspaces import HEIGHT, WIDTH, open_fake, queue_all, seeded


def click(x: float, y: float, **more: object) -> PredictRequest:
    return PredictRequest.model_validate({"points": [{"x": x, "y": y, "label": 1}], **more})


def mask_of(answer: PredictAnswer) -> np.ndarray:
    return decode_rle({"size": answer.size, "counts": answer.counts})


@pytest.fixture
def predictor(fake_models: FakeModels) -> FakePredictor:
    return fake_models.predictor


@pytest.fixture
def ahead(tmp_path: Path) -> Iterator[tuple[AnnotationService, FakePredictor]]:
    models = FakeModels(FakePredictor(embed_s=0.05))
    with open_fake(tmp_path / "ahead", models=models, prefetch_items=2) as service:
        yield service, models.predictor


def test_eight_threads_on_different_images_never_mix(fake_service: AnnotationService, predictor: FakePredictor) -> None:
    project = seeded(fake_service, 8)
    assert project.id

    def work(i: int) -> None:
        for turn in range(12):
            item = (i + turn * (1 + i % 3)) % 8
            x, y = 5 + i * 4, 5 + turn
            answer = fake_service.predict(item + 1, click(x + 0.5, y + 0.5, rev=turn, object_id=f"o{i}"))
            assert round(answer.predicted_iou * 255) == item
            expected = np.zeros((HEIGHT, WIDTH), bool)
            expected[y - 2 : y + 3, x - 2 : x + 3] = True
            assert np.array_equal(mask_of(answer), expected)
            assert answer.rev == turn

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work, i) for i in range(8)]:
            done.result()
    assert sorted(predictor.embedded) == list(range(8))


def test_logits_are_fed_back_to_their_own_object_only(
    fake_service: AnnotationService, predictor: FakePredictor
) -> None:
    seeded(fake_service, 2)
    first = fake_service.predict(1, click(10, 10, object_id="a"))
    fake_service.predict(1, click(10, 10, object_id="a", logits_id=first.logits_id))
    fake_service.predict(1, click(10, 10, object_id="b", logits_id=first.logits_id))
    fake_service.predict(2, click(10, 10, object_id="a", logits_id=first.logits_id))
    other_window = {"level": 90, "width": 20}
    fake_service.predict(1, click(10, 10, object_id="a", logits_id=first.logits_id, window=other_window))
    fake_service.predict(1, click(10, 10, object_id="a", logits_id="expired"))
    assert predictor.seen_logits == [False, True, False, False, False, False]


def test_logits_over_the_budget_are_forgotten(tmp_path: Path) -> None:
    models = FakeModels()
    with open_fake(tmp_path / "workspace", models=models, logits_cache_mb=300e-6) as service:
        seeded(service, 1)
        ids = [service.predict(1, click(10, 10)).logits_id for _ in range(3)]
        for name in ids:
            service.predict(1, click(10, 10, logits_id=name))
    assert models.predictor.seen_logits[-3:].count(True) <= 1


@pytest.mark.parametrize(
    "request_",
    [
        {"points": []},
        {"points": [{"x": -1, "y": 3}]},
        {"box": [5, 5, 5, 9]},
        {"box": [0, 0, WIDTH + 1, 5]},
        {"scribbles": [{"points": [[3, 3], [3, HEIGHT]]}]},
    ],
)
def test_prompts_outside_the_image_are_refused_before_any_model_runs(
    fake_service: AnnotationService, fake_models: FakeModels, request_: dict[str, object]
) -> None:
    seeded(fake_service, 1)
    with pytest.raises(InvalidPrompt):
        fake_service.predict(1, PredictRequest.model_validate(request_))
    assert fake_models.loaded == []


def test_a_box_on_a_non_square_image_lands_where_it_was_drawn(fake_service: AnnotationService) -> None:
    seeded(fake_service, 1)
    answer = fake_service.predict(1, PredictRequest(box=(20, 3, 38, 9)))
    rows, cols = np.nonzero(mask_of(answer))
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (3, 8, 20, 37)
    assert answer.size == (HEIGHT, WIDTH)


def test_strokes_reach_the_model_as_they_were_drawn() -> None:
    request = PredictRequest.model_validate(
        {"points": [{"x": 1, "y": 2}], "scribbles": [{"points": [[3, 4.5], [6, 7]]}, {"points": [[8, 9]], "label": 0}]}
    )
    strokes = (Scribble(((3.0, 4.5), (6.0, 7.0))), Scribble(((8.0, 9.0),), 0))
    assert asked_prompt(request) == Prompt(points=(Point(1.0, 2.0),), scribbles=strokes)
    assert asked_prompt(PredictRequest(box=(1, 2, 3, 4))) == Prompt(box=Box(1.0, 2.0, 3.0, 4.0))


def test_a_stroke_alone_is_answered_and_lowers_the_quality_where_it_is_disobeyed(
    fake_service: AnnotationService,
) -> None:
    seeded(fake_service, 2)
    obeyed, disobeyed = (
        fake_service.predict(2, PredictRequest.model_validate({"scribbles": [{"points": line}]}))
        for line in ([[20.5, 5.5], [22.5, 5.5]], [[20.5, 5.5], [30.5, 5.5]])
    )
    rows, cols = np.nonzero(mask_of(obeyed))
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (3, 7, 18, 22)
    assert 0 < disobeyed.quality < obeyed.quality


def test_the_window_is_part_of_what_is_encoded(fake_service: AnnotationService, predictor: FakePredictor) -> None:
    seeded(fake_service, 1)
    fake_service.predict(1, click(10, 10))
    fake_service.predict(1, click(10, 10, window={"level": 127.5, "width": 255}))
    assert len(predictor.embedded) == 1
    fake_service.predict(1, click(10, 10, window={"level": 100, "width": 10}))
    assert len(predictor.embedded) == 2


def test_the_next_items_are_encoded_ahead(ahead: tuple[AnnotationService, FakePredictor]) -> None:
    service, predictor = ahead
    project = seeded(service, 5)
    queue_all(service, project.id)
    service.next_item(project.id, "ann")
    deadline = time.monotonic() + 10
    while len(predictor.embedded) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert predictor.embedded == [0, 1, 2]
    service.prepare(5, WindowIn(level=127.5, width=255.0))
    while len(predictor.embedded) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert predictor.embedded == [0, 1, 2, 4]


def test_work_ahead_waits_while_a_click_is_answered(ahead: tuple[AnnotationService, FakePredictor]) -> None:
    service, predictor = ahead
    seeded(service, 6)
    predictor.embed_s = 0.3
    click_is_running = threading.Thread(target=service.predict, args=(6, click(10, 10)))
    click_is_running.start()
    assert predictor.is_embedding.wait(5)
    for item in range(1, 5):
        service.prepare(item)
    time.sleep(0.1)
    assert predictor.embedded == []
    click_is_running.join()
    assert predictor.embedded[0] == 5
    assert [service.predict(6, click(10, 10)).ms < 200 for _ in range(3)] == [True] * 3


def test_closing_ends_the_thread_that_works_ahead(tmp_path: Path) -> None:
    service = open_fake(tmp_path / "workspace", prefetch_items=2)
    project = seeded(service, 2)
    queue_all(service, project.id)
    service.next_item(project.id, "ann")
    service.close()
    assert "encode-ahead" not in {thread.name for thread in threading.enumerate()}
