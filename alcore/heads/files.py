"""Heads on disk: one safetensors file whose metadata says what it holds."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from alcore.errors import ModelFileError

_FORMAT = "fewclick-head"
_VERSION = 1


def write_head(path: Path, tensors: Mapping[str, torch.Tensor], description: Mapping[str, Any]) -> None:
    """Write tensors and description under a temporary name, then rename: readers see the old file or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    content = {"format": _FORMAT, "version": _VERSION, **description}
    try:
        save_file(
            {key: value.detach().contiguous() for key, value in tensors.items()},
            partial,
            metadata={"head": json.dumps(content, sort_keys=True)},
        )
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_head(path: Path, *kinds: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `write_head` wrote.

    Args:
        path: the file.
        kinds: what it may hold; the description says which under `kind`.

    Returns:
        Tensors by name, and the description.

    Raises:
        ModelFileError: no such file, truncated, no head, or a head of another kind or version.
    """
    if not path.is_file():
        raise ModelFileError(f"head file {path} does not exist; train a head first")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
        description = json.loads(metadata.get("head", "{}"))
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise ModelFileError(f"{path} is truncated or no head file ({error}); train the head again") from error
    if not isinstance(description, dict) or description.get("format") != _FORMAT:
        raise ModelFileError(f"{path} holds tensors but no head")
    if description.get("version") != _VERSION or description.get("kind") not in kinds:
        raise ModelFileError(
            f"{path} holds a {description.get('kind')!r} head of version {description.get('version')}; "
            f"needed: {' or '.join(map(repr, kinds))} of version {_VERSION}"
        )
    return tensors, description


def join_members(states: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Put several state dicts into one, under `member<i>.`."""
    return {f"member{i}.{key}": value for i, state in enumerate(states) for key, value in state.items()}


def split_members(tensors: Mapping[str, torch.Tensor], members: Sequence[nn.Module], path: Path) -> None:
    """Fill modules from what `join_members` made; refuse tensors that do not fit."""
    for i, member in enumerate(members):
        prefix = f"member{i}."
        state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        try:
            member.load_state_dict(state)
        except RuntimeError as error:
            raise ModelFileError(f"{path}: tensors of committee member {i} do not fit; train the head again") from error
