"""Write and read what training must remember, and write the folded half-precision weights that ship."""

import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from prompts.builtin.model import PromptableNet
from prompts.builtin.training.folding import fold


def save_checkpoint(
    path: Path, net: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, step: int
) -> None:
    """Write everything a resumed run needs, in one atomic step."""
    state = {
        "net": net.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path, net: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Restore a run and return the number of steps it has done; 0 when there is no checkpoint."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location="cpu")
    net.load_state_dict(state["net"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def export_weights(net: PromptableNet, path: Path) -> None:
    """Write folded float16 weights."""
    partial = path.with_suffix(".partial")
    save_file({name: value.half().contiguous() for name, value in fold(net).items()}, partial)
    partial.chmod(0o644)
    os.replace(partial, path)
