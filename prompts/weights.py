"""What the adapters of other people's models share: reading weights without running what a file holds, naming them.

Only safetensors, or torch files that hold nothing but tensors (`weights_only=True`), are ever opened.
"""

import hashlib
import pickle
import struct
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from prompts.errors import CheckpointError

Precision = Literal["auto", "float32", "bfloat16"]

_WRAPPERS = ("state_dict", "model_state_dict", "model")
# What the readers of torch and safetensors were seen to raise on 3,000 files with flipped bytes.
_UNREADABLE = (
    *(RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, AssertionError, MemoryError),
    *(struct.error, SafetensorError),
)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a .pth, .pt or .safetensors file; code hidden in a file is never run.

    Args:
        path: a state dict, or one under "model", "state_dict" or "model_state_dict"; a "module." prefix is dropped.

    Raises:
        CheckpointError: the file is missing, truncated, unsafe or holds no state dict.
    """
    return _plain_state_dict(_read_tensors(path), path.name)


def _read_tensors(path: Path) -> object:
    """Read a weights file without running anything that it may contain."""
    if not path.is_file():
        raise CheckpointError(f"there is no weights file '{path.name}' in {path.parent}; check the path")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"'{path.name}' is no plain weights file: it is damaged, of another kind, or holds Python objects that "
            f"could run code, which is refused; save model.state_dict() alone, as .safetensors, or get the file again"
        ) from error
    except _UNREADABLE as error:
        raise CheckpointError(
            f"'{path.name}' ({path.stat().st_size} bytes) cannot be read: truncated, damaged or no weights file "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); get it again and compare its size"
        ) from error


def _plain_state_dict(loaded: object, source: str) -> dict[str, Tensor]:
    """Take the state dict out of common wrappings."""
    for name in _WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(name), dict):
            loaded = loaded[name]
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) and isinstance(k, str) for k, v in loaded.items()):
        raise CheckpointError(
            f"'{source}' holds {type(loaded).__name__} where a state dict (names to tensors) is expected; "
            f"save model.state_dict() of a segment_anything Sam"
        )
    return {key.removeprefix("module."): value for key, value in loaded.items()}


def refuse_not_finite(tensors: dict[str, Tensor], source: str) -> None:
    """Raise `CheckpointError` naming the first tensor that holds NaN or infinity."""
    for key, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise CheckpointError(f"'{source}': tensor {key} holds NaN or infinity; the file is damaged: get it again")


def file_digest(path: Path) -> str:
    """12 hex digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def fingerprint(model: nn.Module) -> str:
    """12 hex digits of the SHA-256 over the names and bytes of all weights of a model."""
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:12]


def computes_bfloat16(precision: Precision, device: torch.device) -> bool:
    """Tell whether an encoder computes in bfloat16: asked for, or "auto" where matrix products in it are native.

    Native means AVX512-BF16 or AMX on a CPU, Ampere or later on a GPU.
    """
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    native = torch.cpu.get_capabilities()
    return device.type == "cpu" and bool(native.get("avx512_bf16", False) or native.get("amx_bf16", False))
