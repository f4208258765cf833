"""Wire models of what a project has behind it: heads with where each came from, jobs with what they told."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from app.api.schemas_base import Answer, Request
from app.api.schemas_jobs import Job


class ClassScore(Answer):
    """How good a head is at one class, on labeled images that it had not seen; null is a share of nothing."""

    name: str
    """Empty for the background of segmentation."""
    n: int
    """Images of the class, in segmentation sampled pixels."""
    precision: float | None
    recall: float | None
    f1: float | None
    """In segmentation the Dice of all pixels together."""


class ReliabilityBin(Answer):
    """Predictions of about the same confidence: how sure they were and how often right."""

    count: int
    confidence: float
    accuracy: float


class Model(Answer):
    """A trained head: where it came from, how good it is, and whether it was taken."""

    id: str
    job_id: int | None
    round: int | None
    """The round that trained it; null where a person asked for a training alone."""
    head: str | None
    encoder_id: str
    n_labeled: int
    metric: str | None
    value: float | None
    ci95: tuple[float, float] | None
    metric_on: Literal["audit", "crossfit"] | None
    accepted: bool
    """Whether it took the place of the one before; `reason` says why or why not."""
    reason: str
    in_use: bool
    can_use: bool
    """Whether one can go back to it: its file is there and its classes are the project's."""
    ece: float | None
    ece_uncalibrated: float | None
    brier: float | None
    brier_uncalibrated: float | None
    per_class: list[ClassScore]
    reliability: list[ReliabilityBin]
    reliability_uncalibrated: list[ReliabilityBin]
    created_at: datetime


class Models(Answer):
    """All heads of a project, oldest first."""

    models: list[Model]


class UseModelIn(Request):
    """The head to use from now on."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())

    model_id: str = Field(min_length=1, max_length=100)


class Jobs(Answer):
    """A project's jobs, newest first."""

    jobs: list[Job]


class LogLine(Answer):
    """Something that a job told."""

    at: datetime
    text: str


class JobLog(Answer):
    """What a job told for good, oldest first."""

    lines: list[LogLine]
