"""Errors of `prompts`.

PromptError
├── InvalidPrompt (also ValueError)   a point, box, scribble or image is out of range or of the wrong shape
├── UnknownModel (also ValueError)    the registry has no such model
├── StateMismatch                     an ImageState of one model was handed to another
├── DatasetError (also ValueError)    a data set folder lacks a part, or its files do not fit together
└── CheckpointError                   a weights file is missing, truncated or of another model
"""


class PromptError(Exception):
    """Base of all errors raised by `prompts`."""

    code = "prompt_error"


class InvalidPrompt(PromptError, ValueError):
    """A point, box, scribble, logit map or image is out of range or of the wrong shape."""

    code = "invalid_prompt"


class UnknownModel(PromptError, ValueError):
    """The registry has no model of this name."""

    code = "unknown_model"


class StateMismatch(PromptError):
    """An `ImageState` came from another model than the one asked to predict."""

    code = "state_mismatch"


class CheckpointError(PromptError):
    """A weights file is missing, truncated or belongs to another model."""

    code = "checkpoint_error"


class DatasetError(PromptError, ValueError):
    """A data set folder lacks a part, or its files do not fit together."""

    code = "dataset_error"
