"""What a training reports, as the client hands it out."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import JsonValue

from app.api.schemas import Job
from app.client.transport import UnexpectedAnswer


@dataclass(frozen=True, kw_only=True)
class TrainReport:
    """What a training gave. `value` is None where there were too few labels to measure on."""

    model_id: str | None
    metric: str | None
    value: float | None
    ci95: tuple[float, float] | None
    details: dict[str, JsonValue] = field(default_factory=dict, repr=False)
    """All that the job reported, calibration among it."""


def train_report(job: Job) -> TrainReport:
    """Read the result of a training job."""
    result = job.result or {}
    model_id, metric, value, ci95 = (result.get(key) for key in ("model_id", "metric", "value", "ci95"))
    if job.state == "done" and not isinstance(model_id, str):
        raise UnexpectedAnswer(f"job {job.id} is done but names no model; do client and server have the same version?")
    interval = None
    if isinstance(ci95, list) and len(ci95) == 2:
        low, high = ci95
        if isinstance(low, (int, float)) and isinstance(high, (int, float)):
            interval = (float(low), float(high))
    return TrainReport(
        model_id=model_id if isinstance(model_id, str) else None,
        metric=metric if isinstance(metric, str) else None,
        value=float(value) if isinstance(value, (int, float)) else None,
        ci95=interval,
        details=result,
    )
