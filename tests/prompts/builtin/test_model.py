"""Shapes of the network, drawing of prompts, and folding of batch norms."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from prompts.builtin.model import PromptableNet, UnshuffledConvNorm, colour_maps, cues_of, prompt_maps
from prompts.builtin.training.folding import fold, norms_of, unfold
from prompts.errors import CheckpointError


def test_the_encoder_gives_four_strides_and_the_decoder_four_masks() -> None:
    net = PromptableNet(folded=True).eval()
    with torch.no_grad():
        features = net.encode(torch.zeros(1, 4, 256, 256))
        logits, iou = net.decode(features, torch.zeros(1, 8, 128, 128))
    assert [tuple(f.shape[1:]) for f in features] == [
        (32, 64, 64),
        (64, 32, 32),
        (96, 16, 16),
        (128, 8, 8),
        (64, 32, 32),
        (3, 128, 128),
    ]
    assert logits.shape == (1, 4, 128, 128)
    assert iou.shape == (1, 4)


def test_the_model_is_small() -> None:
    assert sum(p.numel() for p in PromptableNet(folded=True).parameters()) <= 6_000_000


def test_prompts_are_drawn_in_their_own_channel_at_x_then_y() -> None:
    points = torch.tensor([[[201.0, 41.0, 1.0], [21.0, 101.0, 0.0], [0.0, 0.0, -1.0]]])
    maps = prompt_maps(points, torch.tensor([[10.0, 20.0, 15.0, 60.0]]), torch.full((1, 128, 128), -80.0))[0]
    assert divmod(int(maps[0].argmax()), 128) == (20, 100)
    assert divmod(int(maps[1].argmax()), 128) == (50, 10)
    assert maps[0, 0, 0] < 0.01  # padding is not drawn
    assert maps[4].sum().item() * 4 == 5 * 40  # coverage keeps the box's area though its sides cut cells
    assert (maps[5] == -1).all()


def test_no_prompt_draws_nothing() -> None:
    maps = prompt_maps(torch.zeros(1, 0, 3), torch.zeros(1, 4), torch.zeros(1, 128, 128))
    assert (maps == 0).all()


def test_a_box_has_a_core_within_and_a_ring_without() -> None:
    maps = prompt_maps(torch.zeros(1, 0, 3), torch.tensor([[60.0, 80.0, 140.0, 120.0]]), torch.zeros(1, 128, 128))[0]
    core, ring = maps[6], maps[7]
    assert divmod(int(core.argmax()), 128) in {(49, 49), (49, 50), (50, 49), (50, 50)}
    assert ((core > 0) <= (maps[4] > 0)).all()
    assert (ring[40:60, 30:70] == 0).all()  # the box itself, in cells of two pixels
    assert (ring[36:40, 30:70] > 0).all()
    assert ring[:28].sum() == 0


def test_colours_are_near_one_where_a_cue_has_them_and_zero_without_the_cue() -> None:
    pixels = torch.full((1, 3, 128, 128), -1.0)
    pixels[:, :, 40:60, 30:70] = 1.0
    maps = prompt_maps(torch.zeros(1, 0, 3), torch.tensor([[60.0, 80.0, 140.0, 120.0]]), torch.zeros(1, 128, 128))
    near = colour_maps(pixels, cues_of(maps))[0]
    assert near[3, 50, 50] > 0.9  # like the core
    assert near[3, 10, 10] < 0.01
    assert near[4, 10, 10] > 0.9  # like the ring
    assert (near[:3] == 0).all()  # no click, no last mask


@pytest.mark.parametrize("folded", [False, True])
def test_pixels_are_convolved_as_if_they_had_been_moved_into_channels(folded: bool) -> None:
    torch.manual_seed(0)
    layer = UnshuffledConvNorm(3 * 4, 5, folded=folded).eval()
    x = torch.randn(2, 3, 12, 16)
    moved = F.pixel_unshuffle(x, 2)
    for part in layer:
        moved = part(moved)
    torch.testing.assert_close(layer(x), moved, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def trained() -> PromptableNet:
    """A network whose batch norms do something."""
    torch.manual_seed(0)
    net = PromptableNet()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


def answers_of(net: PromptableNet) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    image, maps = (torch.rand(1, *shape, generator=generator) for shape in ((4, 256, 256), (8, 128, 128)))
    with torch.no_grad():
        return net.decode(net.encode(image), maps)


def test_folding_batch_norms_changes_no_answer(trained: PromptableNet) -> None:
    folded = PromptableNet(folded=True)
    folded.load_state_dict(fold(trained))
    torch.testing.assert_close(answers_of(folded.eval()), answers_of(trained), rtol=1e-3, atol=1e-3)


def test_unfolded_weights_answer_as_they_did_by_norms_of_what_they_are_shown(trained: PromptableNet) -> None:
    net = PromptableNet()
    unfold(net, fold(trained), lambda: answers_of(net))
    torch.testing.assert_close(answers_of(net.eval()), answers_of(trained), rtol=1e-3, atol=1e-3)
    norms = [norm for _, norm in norms_of(net).values()]
    assert len(norms) > 20
    assert all(norm.running_var is not None and not (norm.running_var == 1).all() for norm in norms)


def test_a_layer_that_folded_weights_lack_changes_no_answer_and_can_be_learned(trained: PromptableNet) -> None:
    state = fold(trained)
    silent = {name: torch.zeros_like(value) if "decoder.ways" in name else value for name, value in state.items()}
    without = {name: value for name, value in state.items() if "decoder.ways" not in name}
    assert len(without) == len(state) - 2
    folded, net = PromptableNet(folded=True), PromptableNet()
    folded.load_state_dict(silent)
    unfold(net, without, lambda: answers_of(net))
    torch.testing.assert_close(answers_of(net.eval()), answers_of(folded.eval()), rtol=1e-3, atol=1e-3)
    logits, _ = net.decode(net.encode(torch.rand(1, 4, 256, 256)), torch.rand(1, 8, 128, 128))
    logits.mean().backward()
    gradient = norms_of(net)["decoder.ways"][1].weight.grad
    assert gradient is not None
    assert (gradient != 0).any()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"decoder.unknown.weight": torch.zeros(3)}, "decoder.unknown.weight"),
        ({"decoder.ways.0.bias": torch.zeros(1)}, "decoder.ways.0.bias"),
        ({"decoder.head.weight": None}, "decoder.head.weight"),
    ],
)
def test_weights_of_another_network_are_no_start(
    trained: PromptableNet, changed: dict[str, torch.Tensor | None], named: str
) -> None:
    state = {name: value for name, value in (fold(trained) | changed).items() if value is not None}
    with pytest.raises(CheckpointError, match=named):
        unfold(PromptableNet(), state, lambda: None)
