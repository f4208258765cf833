"""What all wire models share: strict requests, tolerant answers, and the names of states."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Task = Literal["segmentation", "classification"]
ItemState = Literal["unqueued", "queued", "leased", "labeled", "skipped"]
JobKind = Literal["embed", "train", "round", "adapt", "compare"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Spec = Annotated[str, Field(min_length=1, max_length=500)]
Annotator = Annotated[str, Field(min_length=1, max_length=100)]


class Request(BaseModel):
    """Base of what comes in."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Answer(BaseModel):
    """Base of what goes out."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())
