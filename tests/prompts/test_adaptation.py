"""A decoder learns from accepted masks, in a small file that only its own model takes back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from prompts.adaptation import Sample, adapt, read_adaptation, save_adaptation
from prompts.builtin.predictor import BuiltinPredictor
from prompts.builtin.training.prompting import Prompts
from prompts.errors import CheckpointError, InvalidPrompt, StateMismatch
from prompts.overlap import dice
from prompts.predictor import Predictor
from prompts.registry import load_predictor
from prompts.sam import SamModel, load_sam
from prompts.simulate import first_click, tight_box
from prompts.types import Point, Prompt
from tests.prompts.tiny_sam import make_sam

torch.set_num_threads(1)


def discs(n: int, *, seed: int, size: tuple[int, int] = (96, 120), radius: int = 22) -> list[Sample]:
    """Discs in noise whose accepted mask is the disc's right half alone: no model knows that beforehand."""
    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(n):
        rows, cols = np.mgrid[: size[0], : size[1]]
        row, col = rng.integers(radius, size[0] - radius), rng.integers(radius, size[1] - radius)
        disc = (rows - row) ** 2 + (cols - col) ** 2 < radius**2
        image = np.clip(disc[..., None] * 120 + rng.integers(0, 90, (*size, 3)), 0, 255).astype(np.uint8)
        samples.append(Sample(image=image, masks=[disc & (cols >= col)]))
    return samples


def mean_dice(predictor: Predictor, samples: list[Sample]) -> float:
    """With a single click into each object, which alone does not tell that only half of the disc is meant."""
    values = []
    for sample in samples:
        state = predictor.embed(sample.image)
        for mask in sample.masks:
            values.append(dice(predictor.predict(state, Prompt(points=(first_click(mask),))).mask, mask))
    return float(np.mean(values))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sam") / "tiny.pth"
    torch.save(make_sam().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> SamModel:
    return load_sam(checkpoint, precision="float32")


def test_an_adapted_sam_is_another_model_and_leaves_the_first_alone(
    model: SamModel, checkpoint: Path, tmp_path: Path
) -> None:
    sample = discs(1, seed=1)[0]
    prompt = Prompt(box=tight_box(sample.masks[0]))
    state = model.embed(sample.image)
    before = model.predict(state, prompt)
    weights = adapt(model, [sample], seed=0, steps=3)
    save_adaptation(tmp_path / "a.safetensors", weights, base_id=model.base_id)
    adapted = load_sam(checkpoint, adaptation=tmp_path / "a.safetensors", precision="float32")
    assert adapted.model_id.startswith(model.model_id + "+")
    with pytest.raises(StateMismatch):
        adapted.predict(state, prompt)
    after = adapted.predict(adapted.embed(sample.image), prompt)
    assert np.abs(after.low_res_logits - before.low_res_logits).max() > 1e-3
    np.testing.assert_array_equal(model.predict(state, prompt).low_res_logits, before.low_res_logits)


@pytest.mark.parametrize("kind", ["sam", "builtin"])
def test_training_sees_what_prediction_sees(kind: str, model: SamModel) -> None:
    """A decoder that is trained in one frame and asked in another would learn nonsense."""
    predictor: SamModel | BuiltinPredictor = model if kind == "sam" else BuiltinPredictor()
    sample = discs(1, seed=2, size=(256, 256), radius=60)[0]
    trainee = predictor.trainee()
    trainee.module.eval()
    example = trainee.examples(sample, np.random.default_rng(0))[-1]  # the last one shows the whole image
    box = tight_box(sample.masks[0])
    prompts = Prompts(
        points=torch.tensor([[[box.x0 + 20.5, box.y0 + 30.5, 1.0], [10.5, 9.5, 0.0]]]),
        n_points=torch.tensor([2]),
        boxes=torch.zeros(1, 4),
        logits=torch.zeros(1, 128, 128),
    )
    with torch.no_grad():
        logits, _ = trainee.decode(example.features, prompts)
    points = tuple(Point(float(x), float(y), int(label)) for x, y, label in prompts.points[0])
    asked = predictor.predict(predictor.embed(sample.image), Prompt(points=points), multimask=False)
    side = logits.shape[-1]
    shrunk = torch.from_numpy(asked.low_res_logits[None])
    shrunk = torch.nn.functional.interpolate(shrunk, (side, side), mode="area")[0, 0]
    agree = ((shrunk > 0) == (logits[0, 0] > 0)).float().mean()
    assert agree > 0.97
    covered = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(sample.masks[0] * 1.0)[None], side)[0]
    assert (covered - example.target).abs().mean() < 0.01


def test_the_built_in_model_learns_too(tmp_path: Path) -> None:
    base, samples = BuiltinPredictor(), discs(4, seed=0)
    weights = adapt(base, samples, seed=0, steps=30)
    save_adaptation(tmp_path / "a.safetensors", weights, base_id=base.base_id)
    adapted = load_predictor("builtin", adaptation=tmp_path / "a.safetensors")
    assert adapted.model_id.startswith(base.model_id + "+")
    others = discs(3, seed=1)
    assert mean_dice(adapted, others) > mean_dice(base, others) + 0.1
    assert (tmp_path / "a.safetensors").stat().st_size < 3_000_000


def test_the_same_seed_gives_the_same_weights(model: SamModel) -> None:
    first, second = (adapt(model, discs(2, seed=0), seed=3, steps=3) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = adapt(model, discs(2, seed=0), seed=4, steps=3)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_progress_counts_and_may_stop_the_work(model: SamModel) -> None:
    seen = []
    adapt(model, discs(2, seed=0), seed=0, steps=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 1), (0, 1), (1, 3), (2, 3), (3, 3)]  # two images are encoded first

    for stage in ((0, 1), (2, 3)):

        def stop(done: int, total: int, stage: tuple[int, int] = stage) -> None:
            if (done, total) == stage:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            adapt(model, discs(1, seed=0), seed=0, steps=3, progress=stop)


def test_nothing_to_learn_from_is_said(model: SamModel) -> None:
    blank = Sample(image=np.zeros((40, 40, 3), np.uint8), masks=[])
    with pytest.raises(InvalidPrompt, match="none of the 1 images holds an object"):
        adapt(model, [blank], seed=0)


def test_an_adaptation_of_another_model_is_refused(model: SamModel, checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_adaptation(path, adapt(model, discs(1, seed=0), seed=0, steps=1), base_id=model.base_id)
    assert read_adaptation(path, base_id=model.base_id)
    with pytest.raises(CheckpointError, match="was made from 'sam_custom@"):
        _ = load_predictor("builtin", adaptation=path).embed(np.zeros((64, 64, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match="adapt again or roll back"):
        load_sam(checkpoint, adaptation=path)
    with pytest.raises(CheckpointError, match="cannot read the adaptation 'none"):
        load_sam(checkpoint, adaptation=tmp_path / "none.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "b.safetensors")
    with pytest.raises(CheckpointError, match="is no adaptation"):
        load_sam(checkpoint, adaptation=tmp_path / "b.safetensors")
