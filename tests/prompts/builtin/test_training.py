"""Windows, simulated prompts, losses and schedule of the training run, on made-up records."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy import ndimage

from prompts.builtin.model import PromptableNet
from prompts.builtin.training import train
from prompts.builtin.training.average import average
from prompts.builtin.training.checkpoints import export_weights, load_checkpoint, save_checkpoint
from prompts.builtin.training.data import cut_to_pieces, label_components, make_world
from prompts.builtin.training.folding import norms_of, read_folded
from prompts.builtin.training.losses import likeness_loss, mask_losses, surroundings, total_loss
from prompts.builtin.training.prompting import corrective_clicks, first_prompts, tight_boxes
from prompts.builtin.training.train import learning_rate, start_from
from prompts.builtin.training.windows import WindowDataset


@pytest.fixture(scope="module")
def windows() -> WindowDataset:
    return WindowDataset([make_world(i) for i in range(2)], {"worlds": 1.0}, seed=7)


def discs() -> torch.Tensor:
    rows, cols = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    centres = [(30.0, 80.0, 14.0), (70.0, 20.0, 9.0), (100.0, 100.0, 20.0)]
    return torch.stack([((rows - r) ** 2 + (cols - c) ** 2 <= radius**2).float() for r, c, radius in centres])


def test_components_of_each_label_get_their_own_number() -> None:
    mask = np.array([[1, 1, 0, 1], [0, 0, 0, 1], [2, 2, 0, 0]])
    np.testing.assert_array_equal(label_components(mask), [[1, 1, 0, 2], [0, 0, 0, 2], [3, 3, 0, 0]])


def test_a_window_is_a_function_of_seed_and_index(windows: WindowDataset) -> None:
    again = WindowDataset([make_world(i) for i in range(2)], {"worlds": 1.0}, seed=7)
    torch.testing.assert_close(windows[3].image, again[3].image, rtol=0, atol=0)
    torch.testing.assert_close(windows[3].targets, again[3].targets, rtol=0, atol=0)
    assert not torch.equal(windows[3].image, windows[4].image)


def test_a_window_holds_its_objects_and_their_boxes(windows: WindowDataset) -> None:
    for i in range(4):
        window = windows[i]
        assert window.image.shape == (4, 256, 256)
        assert window.targets.shape == (4, 256, 256)
        for target, (x0, y0, x1, y1) in zip(window.targets, window.boxes.tolist(), strict=True):
            assert target.sum() > 0
            inside = target[int(y0) : int(y1), int(x0) : int(x1)]
            assert inside.sum() == target.sum()


def test_tight_boxes_end_exclusively() -> None:
    mask = torch.zeros(1, 10, 20, dtype=torch.bool)
    mask[0, 2:5, 7:11] = True
    assert tight_boxes(mask).tolist() == [[7.0, 2.0, 11.0, 5.0]]


def test_first_clicks_lie_in_their_object() -> None:
    targets = discs()
    tight = tight_boxes(targets.bool()) * 2
    for seed in range(5):
        prompts = first_prompts(targets, tight, torch.Generator().manual_seed(seed))
        for target, points, n, box in zip(targets, prompts.points, prompts.n_points, prompts.boxes, strict=True):
            assert n > 0 or box.sum() > 0
            for x, y, label in points[:n].tolist():
                assert label == 1
                assert target[int(y / 2), int(x / 2)] == 1


def test_corrective_clicks_take_away_surplus_and_add_what_is_missed() -> None:
    targets = discs()
    prompts = first_prompts(targets, tight_boxes(targets.bool()) * 2, torch.Generator().manual_seed(0))
    before = prompts.n_points.clone()
    prompts.logits = torch.full((3, 128, 128), -5.0)  # row 0: all is missed
    prompts.logits[1] = 5.0  # row 1: all but the object is surplus
    prompts.logits[2] = torch.where(targets[2] > 0, 5.0, -5.0)  # row 2: right, so no click
    corrective_clicks(prompts, torch.arange(3), targets, torch.Generator().manual_seed(0))
    assert (prompts.n_points - before).tolist() == [1, 1, 0]
    x, y, label = prompts.points[0, before[0]].tolist()
    assert (label, targets[0, int(y / 2), int(x / 2)].item()) == (1, 1)
    x, y, label = prompts.points[1, before[1]].tolist()
    assert (label, targets[1, int(y / 2), int(x / 2)].item()) == (0, 0)


def test_the_loss_of_a_right_mask_is_near_zero_and_of_its_opposite_large() -> None:
    targets = discs()
    right = torch.where(targets > 0, 12.0, -12.0)
    each = mask_losses(torch.stack([right, -right], dim=1), targets)
    assert (each[:, 0] < 0.01).all()
    assert (each[:, 1] > 1).all()


def test_an_ambiguous_click_is_judged_by_the_best_candidate() -> None:
    targets = discs()
    right = torch.where(targets > 0, 12.0, -12.0)
    logits = torch.stack([right, -right, right, -right], dim=1)
    iou = torch.tensor([[1.0, 0.0, 1.0, 0.0]]).expand(3, 4)
    ambiguous, dice = total_loss(logits, iou, targets, torch.ones(3, dtype=torch.bool))
    plain, _ = total_loss(-logits, 1 - iou, targets, torch.zeros(3, dtype=torch.bool))
    assert ambiguous < plain / 5
    assert (dice > 0.99).all()


def test_the_rate_warms_up_stays_and_falls() -> None:
    rates = [
        learning_rate(step, 1000, warm_up_steps=200, decay_steps=200, peak=1.0) for step in (0, 199, 500, 799, 900, 999)
    ]
    np.testing.assert_allclose(rates, [0.005, 1.0, 1.0, 1.0, 0.5, 0.01])


def test_a_checkpoint_restores_network_average_and_step(tmp_path) -> None:
    nets = [torch.nn.Linear(3, 2) for _ in range(4)]
    optimisers = [torch.optim.AdamW(net.parameters()) for net in nets[::2]]
    assert load_checkpoint(tmp_path / "c.pt", nets[0], nets[1], optimisers[0]) == 0
    save_checkpoint(tmp_path / "c.pt", nets[0], nets[1], optimisers[0], 42)
    assert load_checkpoint(tmp_path / "c.pt", nets[2], nets[3], optimisers[1]) == 42
    torch.testing.assert_close(nets[2].weight, nets[0].weight)
    torch.testing.assert_close(nets[3].weight, nets[1].weight)


def test_one_step_of_training_reaches_every_parameter(windows: WindowDataset) -> None:
    from prompts.builtin.training.train import collate, train_step

    net = PromptableNet().to(memory_format=torch.channels_last)
    loss, dice = train_step(net, collate([windows[0], windows[1]]), torch.Generator().manual_seed(0))
    assert torch.isfinite(loss)
    assert 0 <= dice <= 1
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


def test_answers_are_spoilt_before_they_are_corrected(windows: WindowDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def everything(logits: torch.Tensor, *_: object, objects_per_window: int) -> torch.Tensor:
        assert objects_per_window == 4
        return torch.full_like(logits, 7.0)

    monkeypatch.setattr(train, "mistaken", everything)
    net = PromptableNet()
    images, targets, boxes = train.collate([windows[i] for i in range(3)])
    with torch.no_grad():
        features = net.encode(images)
    prompts = train.play_frozen(net, features, train.coarse(targets), boxes, torch.Generator().manual_seed(1))
    was_answered = (prompts.logits != 0).flatten(1).any(1)
    assert was_answered.any()
    assert not was_answered.all()
    assert (prompts.logits[was_answered] == 7).all()
    last = prompts.points[was_answered, prompts.n_points[was_answered] - 1, 2]
    assert (last == 0).all()  # where all is taken for the object, what is not has to be clicked away


def test_likeness_is_low_for_features_that_tell_an_object_from_its_surroundings() -> None:
    target = torch.zeros(1, 1, 32, 32)
    target[:, :, 8:16, 8:20] = 1
    told = torch.cat([target[0], 1 - target[0]])[None]
    blind = torch.full_like(told, 0.5**0.5)
    assert likeness_loss(told, target) < 0.01
    assert likeness_loss(blind, target).item() == pytest.approx(math.log(2), abs=0.01)


def test_surroundings_are_the_box_and_a_margin() -> None:
    target = torch.zeros(1, 64, 64)
    target[0, 20, 30:40] = 1
    near = surroundings(target)[0]
    rows, cols = torch.nonzero(near, as_tuple=True)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (16, 24, 26, 43)


def test_pieces_of_a_tree_are_connected_and_cover_it() -> None:
    tree = np.zeros((200, 200), bool)
    tree[100] = tree[:, 50] = True
    pieces = cut_to_pieces(tree, np.random.default_rng(0))
    np.testing.assert_array_equal(pieces > 0, tree)
    assert pieces.max() > 2
    for piece in range(1, pieces.max() + 1):
        assert ndimage.label(pieces == piece)[1] == 1


def test_a_run_starts_from_shipped_weights_with_their_answers(
    windows: WindowDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "UNFOLDING_BATCHES", 1)
    torch.manual_seed(0)
    file, trained = tmp_path / "weights.safetensors", PromptableNet().eval()
    for _, norm in norms_of(trained).values():  # without shifts blank places have no features, whose direction is noise
        torch.nn.init.normal_(norm.bias, std=0.1)
    export_weights(trained, file)
    shipped, net = PromptableNet(folded=True).eval(), PromptableNet()
    shipped.load_state_dict(read_folded(file))
    start_from(file, net, windows)
    image, maps = windows[0].image[None], torch.rand(1, 8, 128, 128)
    assert net.training
    with torch.no_grad():
        wanted, _ = shipped.decode(shipped.encode(image), maps)
        got, _ = net.eval().decode(net.encode(image), maps)
    torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-3)


def test_the_mean_of_two_weights_files_leaves_their_judge_out(tmp_path: Path) -> None:
    first, second, out = (tmp_path / f"{name}.safetensors" for name in ("first", "second", "out"))
    save_file({"a": torch.tensor([1.0, 2.0]).half(), "judge.b1": torch.zeros(1)}, first)
    save_file({"a": torch.tensor([3.0, 8.0]).half()}, second)
    average(first, second, out)
    assert load_file(out).keys() == {"a"}
    torch.testing.assert_close(load_file(out)["a"], torch.tensor([2.0, 5.0]).half())
    save_file({"b": torch.zeros(3)}, second)
    with pytest.raises(SystemExit, match=r"different networks: 'a' is \(2,\) in one and None in the other"):
        average(first, second, out)
