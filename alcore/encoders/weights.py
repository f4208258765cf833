"""Reading weights from disk: safetensors, or torch files that hold nothing but tensors."""

import hashlib
import pickle
import re
import warnings
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from alcore.errors import ModelFileError


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read named tensors; files that could run code when loaded are refused.

    Args:
        path: `.safetensors`, or a torch checkpoint (a plain state dict, or one under `state_dict`, `model` or
            `teacher`).

    Returns:
        Tensors by name, on the CPU.

    Raises:
        ModelFileError: no such file, truncated, of another type, or a pickle with more than tensors in it.
    """
    if not path.is_file():
        raise ModelFileError(f"weights file {path} does not exist; give the path of a .safetensors or .pth file")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelFileError(f"{path} is truncated or no safetensors file ({error}); fetch it again") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about the pickle protocol of files that are refused anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelFileError(
            f"{path} is truncated, or holds more than tensors and is refused ({reason}); convert it to safetensors"
        ) from error
    for key in ("state_dict", "model", "teacher"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ModelFileError(f"{path} holds no state dict; expected tensors by name")
    return {str(key): value for key, value in content.items()}


def fill(model: nn.Module, tensors: dict[str, torch.Tensor], *, source: str, spare: str = "") -> None:
    """Load tensors into a model and insist that they fit.

    Args:
        model: receives the weights, cast to its own type.
        tensors: as `read_tensors` gives them.
        source: how to call the file in an error.
        spare: regular expression of names that may be there without a place in the model, such as a classifier's.

    Raises:
        ModelFileError: a tensor is missing, too many or of another shape.
    """
    wanted = {key for key in model.state_dict() if not key.endswith("num_batches_tracked")}
    spare_keys = {key for key in tensors if spare and re.match(spare, key) and key not in wanted}
    given = {key: value for key, value in tensors.items() if key not in spare_keys}
    missing = sorted(wanted - set(given))
    extra = sorted(key for key in set(given) - wanted if not key.endswith("num_batches_tracked"))
    if missing or extra:
        raise ModelFileError(
            f"{source} is of another model: {len(missing)} tensors missing {missing[:3]}, "
            f"{len(extra)} without a place {extra[:3]}"
        )
    try:
        model.load_state_dict(given, strict=False)
    except RuntimeError as error:
        raise ModelFileError(f"{source} is of another model: {str(error).splitlines()[-1].strip()}") from error


def fingerprint(model: nn.Module) -> str:
    """12 hex digits of the SHA-256 over the names and bytes of all weights."""
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:12]
