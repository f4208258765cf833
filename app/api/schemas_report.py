"""Wire models of a project's report: what labels cost, what they brought, and whether to go on."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.api.schemas_base import Answer, Request, Task
from app.api.schemas_jobs import Round


class CompareIn(Request):
    """How to compare chosen with random images."""

    seed: int = Field(0, ge=0)


class CurvePoint(Answer):
    """A model, and all that was spent before it was trained."""

    round: int
    n_labeled: int
    seconds: float
    clicks: int
    value: float
    ci95: tuple[float, float] | None


class AuditReport(Answer):
    """The audit set: drawn at random by whole groups, asked like others, and never trained on."""

    n_items: int
    n_groups: int
    n_labeled: int
    n_needed: int
    is_enough: bool
    note: str


class Comparison(Answer):
    """Heads trained on chosen images against heads trained on as many random ones, measured on the audit set."""

    metric: str
    strategy: float
    control: float
    difference: float
    ci95: tuple[float, float]
    """95 % interval of the difference."""
    verdict: Literal["pays", "undecided", "costs"]
    n_trained: int
    """Images that each head was trained on: half the control images."""
    n_measured: int
    n_draws: int
    created_at: datetime


class ControlReport(Answer):
    """The control arm: images drawn at random and trained on, to see whether choosing pays."""

    n_labeled: int
    n_needed: int
    can_compare: bool
    comparison: Comparison | None
    """The newest one; null where there was none."""
    note: str


class Check(Answer):
    """One number that speaks for stopping or against it."""

    name: str
    value: float
    threshold: float
    is_met: bool
    """True where it speaks for stopping."""
    advice: str
    ci95: tuple[float, float] | None


class Advice(Answer):
    """Whether the next batch is worth its time, in one sentence, and what that rests on."""

    action: Literal["wait", "go_on", "consider", "stop"]
    sentence: str
    checks: list[Check]


class Report(Answer):
    """What a project's labels cost, what they brought, and whether to go on."""

    project_id: int
    project: str
    task: Task
    metric: str | None
    n_labeled: int
    n_objects: int
    """Objects of the labeled images, 0 where whole images are labeled."""
    seconds: float
    """Of all answers, older versions too; divided by `n_objects`, what an object costs."""
    clicks: int
    rounds: list[Round]
    curve: list[CurvePoint]
    """All points are measured in one way, `curve_on`."""
    curve_on: Literal["audit", "crossfit"] | None
    audit: AuditReport
    control: ControlReport
    advice: Advice
