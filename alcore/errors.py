"""Errors of `alcore`.

AlcoreError
├── InvalidInput (also ValueError)   an argument is wrong: shape, range, NaN
│   ├── UnknownName                  a registry has no such entry
│   └── MissingInput                 a strategy needs an array that the pool view lacks
├── UnreadableImage                  a file is no image that we can read
├── StoreError                       an embedding store on disk is damaged or of another encoder
├── ModelFileError                   weights are missing, truncated or of another model
└── Cancelled                        a person stopped the work
"""

from collections.abc import Iterable
from typing import Literal

ImageProblem = Literal[
    "empty_file",
    "wrong_type",
    "truncated",
    "corrupt",
    "too_large",
    "multi_page",
    "unsupported_pixels",
    "transparency",
    "unreadable",
]
"""Why a file was refused; stable names for import reports."""


class AlcoreError(Exception):
    """Base of all errors raised by `alcore`."""

    code = "alcore_error"


class InvalidInput(AlcoreError, ValueError):
    """An argument has the wrong shape, type or range."""

    code = "invalid_input"


class UnknownName(InvalidInput):
    """A registry has no entry of this name."""

    code = "unknown_name"

    @classmethod
    def of(cls, what: str, name: str, known: Iterable[str]) -> "UnknownName":
        """Build the message that names what came and what is allowed."""
        return cls(f"unknown {what} {name!r}; known: {', '.join(sorted(known))}")


class MissingInput(InvalidInput):
    """A strategy needs an array that the pool view does not hold."""

    code = "missing_input"


class UnreadableImage(AlcoreError):
    """A file cannot be read as an image; the message says why.

    `problem` is a stable name for import reports, `reason` the message without the file's name.
    """

    code = "unreadable_image"

    def __init__(self, reason: str, *, problem: ImageProblem = "unreadable", name: str = "") -> None:
        super().__init__(f"{name}: {reason}" if name else reason)
        self.problem: ImageProblem = problem
        self.reason = reason


class StoreError(AlcoreError):
    """An embedding store on disk is damaged, or was made by another encoder."""

    code = "store_error"


class ModelFileError(AlcoreError):
    """A weights file is missing, truncated or belongs to another model."""

    code = "model_file_error"


class Cancelled(AlcoreError):
    """The work was stopped on request."""

    code = "cancelled"
