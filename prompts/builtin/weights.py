"""Read the weights file and name the model by it; free of torch."""

import hashlib
from pathlib import Path

from prompts.errors import CheckpointError


def read_weights(path: Path) -> bytes:
    """Read a weights file whole.

    Raises:
        CheckpointError: the file is missing or unreadable.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read weights {path}: {error.strerror}; restore the file") from error


def weights_id(weights: bytes) -> str:
    """Name a model by its weights."""
    return "builtin-" + hashlib.sha256(weights).hexdigest()[:12]


def adapted_id(base_id: str, adaptation: bytes) -> str:
    """Name a model whose decoder was adapted."""
    return f"{base_id}+{hashlib.sha256(adaptation).hexdigest()[:12]}"
