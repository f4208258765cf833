"""Put batch norms into the convolutions before them, as in weights that ship, and take them out again for training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from prompts.builtin.judging import JUDGE_PREFIX
from prompts.builtin.model import ConvNorm, PromptableNet
from prompts.errors import CheckpointError

LEAST_VARIANCE = 1e-6
Moments = dict[str, list[Tensor]]
"""Mean and mean square of each channel, (2, c), of each batch that the norm of a name was given."""


def norms_of(net: PromptableNet) -> dict[str, tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """List the convolutions that a batch norm follows, by name."""
    found = {}
    for name, module in net.named_modules():
        if isinstance(module, ConvNorm):
            conv, norm = module
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            found[name] = conv, norm
    return found


def statistics_of(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The running mean and variance of each channel."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var


def fold(net: PromptableNet) -> dict[str, Tensor]:
    """Put each batch norm into the convolution before it: same answers after training, a third fewer layers."""
    state: dict[str, Tensor] = {}
    norms = norms_of(net)
    for name, (conv, norm) in norms.items():
        mean, variance = statistics_of(norm)
        scale = norm.weight / torch.sqrt(variance + norm.eps)
        state[f"{name}.0.weight"] = conv.weight * scale[:, None, None, None]
        state[f"{name}.0.bias"] = norm.bias - mean * scale
    for name, parameter in net.named_parameters():
        if name.rsplit(".", 2)[0] not in norms:
            state[name] = parameter
    return {name: value.detach().contiguous() for name, value in state.items()}


def read_folded(path: Path) -> dict[str, Tensor]:
    """Read a weights file without its judge."""
    return {name: value for name, value in load_file(path).items() if not name.startswith(JUDGE_PREFIX)}


@torch.no_grad()
def unfold(net: PromptableNet, state: dict[str, Tensor], run: Callable[[], object]) -> None:
    """Put folded weights into a network with batch norms, so that it answers as they do and can be trained on.

    Args:
        net: takes the weights. A layer that they do not have starts with a norm of zero, and so changes nothing.
        state: folded weights.
        run: puts images through `net`, by which each norm learns what it gets; its scale and shift undo that.

    Raises:
        CheckpointError: the weights are of another network.
    """
    _check(state, fold(net), set(norms_of(net)))
    for name, parameter in net.named_parameters():
        if name in state:
            parameter.copy_(state[name])
    norms = norms_of(net)
    for name, (_, norm) in norms.items():
        mean, variance = statistics_of(norm)
        mean.zero_()
        variance.fill_(1.0 - norm.eps)
        norm.weight.fill_(float(f"{name}.0.bias" in state))
        norm.bias.copy_(state.get(f"{name}.0.bias", torch.zeros_like(norm.bias)))
    net.eval()
    with watched(norms) as seen:
        run()
    net.train()
    for name, (_, norm) in norms.items():
        mean, variance = statistics_of(norm)
        first, second = torch.stack(seen[name]).mean(0)
        mean.copy_(first)
        variance.copy_((second - first**2).clamp(min=LEAST_VARIANCE))
        norm.bias.add_(norm.weight * mean)
        norm.weight.mul_((variance + norm.eps).sqrt())


def _check(state: dict[str, Tensor], known: dict[str, Tensor], norms: set[str]) -> None:
    """Refuse unknown and misshapen tensors, and the lack of one that no norm can silence."""
    odd = {name for name, value in state.items() if name not in known or value.shape != known[name].shape}
    odd |= {name for name in known.keys() - state.keys() if name.rsplit(".", 2)[0] not in norms}
    if odd:
        raise CheckpointError(
            f"these are weights of another network: {len(odd)} tensors are missing, unknown or misshapen, the first is "
            f"{min(odd)!r}; start from a file that shipped as prompts/builtin/weights.safetensors"
        )


@contextmanager
def watched(norms: dict[str, tuple[nn.Conv2d, nn.BatchNorm2d]]) -> Iterator[Moments]:
    """Collect what norms are given meanwhile."""
    seen: Moments = {name: [] for name in norms}
    hooks = [norm.register_forward_hook(partial(_see, seen[name])) for name, (_, norm) in norms.items()]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _see(seen: list[Tensor], _norm: nn.Module, inputs: tuple[Tensor], _output: Tensor) -> None:
    x = inputs[0].detach().float()
    seen.append(torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))]))
