"""Use cases: report what a project's labels cost, what they brought and whether to go on; compare its arms."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from app.api.schemas import (
    Advice,
    AuditReport,
    Check,
    Comparison,
    ControlReport,
    CurvePoint,
    Job,
    Measurement,
    Report,
    Round,
)
from app.service import jobs
from app.service.context import Context
from app.service.items import when
from app.settings import Settings
from app.store import annotations as annotation_rows
from app.store import comparisons as comparison_rows
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store import rounds as round_rows
from app.store.database import Row

if TYPE_CHECKING:
    from alcore.stopping import StoppingCheck

SEED = 0
Kind = Literal["audit", "crossfit"]


def report(ctx: Context, project_id: int) -> Report:
    """What labels cost, what they brought, and whether to go on."""
    with ctx.db.read() as connection:
        project = project_rows.get(connection, project_id)
        counts = project_rows.state_counts(connection, project_id, now=ctx.clock())
        found = [jobs.round_view(row) for row in round_rows.report(connection, project_id)]
        seconds, clicks = annotation_rows.spent(connection, project_id)
        n_objects = annotation_rows.n_objects(connection, project_id)
        audited = item_rows.audit_counts(connection, project_id)
        arms = round_rows.labeled_arms(connection, project_id)
        compared = comparison_rows.last(connection, project_id)
    n_labeled = counts.get("labeled", 0)
    kind, curve = _curve(found)
    metrics = [made.metric for made in found if made.metric is not None]
    audit = _audit(ctx.settings, audited, has_round=bool(found))
    next_s = project["batch_size"] * seconds / n_labeled if n_labeled else 0.0
    return Report(
        project_id=project_id,
        project=project["name"],
        task=project["task"],
        metric=metrics[-1] if metrics else None,
        n_labeled=n_labeled,
        n_objects=n_objects,
        seconds=seconds,
        clicks=clicks,
        rounds=found,
        curve=curve,
        curve_on=kind,
        audit=audit,
        control=_control(ctx.settings, arms, audited, compared),
        advice=_advice(ctx.settings, project, found, curve, next_s),
    )


def start_compare(ctx: Context, project_id: int, seed: int) -> Job:
    """Begin the job that trains heads on chosen and on random images.

    Raises:
        Busy: the project has a job that is not done.
    """
    return jobs.start(ctx, project_id, "compare", {"seed": seed})


def _curve(rounds: list[Round]) -> tuple[Kind | None, list[CurvePoint]]:
    """The longest run of points that are measured in one way; the audit set's once it makes a curve."""
    from alcore.advice import MIN_POINTS

    by_audit = [_point(made, made.audit) for made in rounds if made.audit is not None]
    by_crossfit = [_point(made, _crossfit(made)) for made in rounds if _crossfit(made) is not None]
    if by_audit and (len(by_audit) >= MIN_POINTS or len(by_audit) >= len(by_crossfit)):
        return "audit", by_audit
    return ("crossfit", by_crossfit) if by_crossfit else (None, [])


def _crossfit(made: Round) -> Measurement | None:
    """The cross-fitted value; rounds of older versions have no other, and say no number of images."""
    if made.crossfit is not None or made.metric_on != "crossfit" or made.value is None or made.ci95 is None:
        return made.crossfit
    return Measurement(value=made.value, ci95=made.ci95, n_items=0, n_groups=0)


def _point(made: Round, found: Measurement | None) -> CurvePoint:
    """A point of the curve."""
    assert found is not None
    return CurvePoint(
        round=made.number,
        n_labeled=made.n_labeled_before,
        seconds=made.seconds_before or 0.0,
        clicks=made.clicks_before or 0,
        value=found.value,
        ci95=found.ci95,
    )


def _audit(settings: Settings, counts: Row, *, has_round: bool) -> AuditReport:
    """The audit set and what may be said of it."""
    from alcore.rounds import MIN_AUDIT_GROUPS, audit_is_enough

    n, n_groups, needed = counts["n_labeled"], counts["n_labeled_groups"], settings.min_audit
    is_enough = audit_is_enough(n, n_groups, min_items=needed)
    instead = "Models are measured by cross-fitting: each image by one that has not seen its patient."
    if is_enough:
        note = f"Models are measured on {_images(n, n_groups)} that none of them was trained on."
    elif counts["n_items"]:
        few = f", of {n_groups} of {MIN_AUDIT_GROUPS} patients" if n >= needed else ""
        note = f"Too few yet: {n} of {needed} audit images are labeled{few}. {instead}"
    elif not settings.audit_share:
        note = f"There is no audit set: the setting audit_share is 0. {instead}"
    elif not has_round:
        note = "There is no audit set yet: the first round begins it."
    else:
        note = (
            f"There is no audit set: {settings.audit_share:.0%} of the pool hold fewer than {needed} images or "
            f"{MIN_AUDIT_GROUPS} whole patients that were not asked yet. {instead}"
        )
    return AuditReport(
        n_items=counts["n_items"],
        n_groups=counts["n_groups"],
        n_labeled=n,
        n_needed=needed,
        is_enough=is_enough,
        note=note,
    )


def _images(n: int, n_groups: int) -> str:
    """So many images, and of how many patients where that is fewer."""
    return f"{n} images" if n == n_groups else f"{n} images of {n_groups} patients"


def _control(settings: Settings, arms: dict[str, int], audited: Row, compared: Row | None) -> ControlReport:
    """The control arm and what came of comparing it."""
    from alcore.control import MIN_CONTROL, what_lacks

    n = arms.get("control", 0)
    lacking = what_lacks(
        arms.get("strategy", 0), n, audited["n_labeled"], audited["n_labeled_groups"], min_audit=settings.min_audit
    )
    comparison = None if compared is None else _comparison(compared)
    if comparison is not None:
        note = _told(comparison)
    elif not lacking:
        note = "Chosen and random images can be compared now."
    elif not (settings.control_share or n):
        note = "There is no control arm: the setting control_share is 0."
    else:
        note = f"Too few yet: {lacking}."
    return ControlReport(
        n_labeled=n, n_needed=MIN_CONTROL, can_compare=not lacking, comparison=comparison, note=note
    )  # fmt: skip


def _comparison(row: Row) -> Comparison:
    """A comparison as the wire shows it."""
    from alcore.control import verdict_of

    names = ("metric", "n_trained", "n_measured", "n_draws", "strategy", "control", "difference")
    ci95 = (row["ci_low"], row["ci_high"])
    return Comparison(
        **{name: row[name] for name in names}, ci95=ci95, verdict=verdict_of(ci95), created_at=when(row["created_at"])
    )


def _told(found: Comparison) -> str:
    """A comparison in a sentence."""
    low, high = found.ci95
    metric = found.metric.replace("_", " ")
    numbers = f"{found.strategy:.3f} against {found.control:.3f} {metric}, difference {low:+.3f} to {high:+.3f}"
    basis = f"models of {found.n_trained} chosen and {found.n_trained} random images: {numbers}"
    return {
        "pays": f"Choosing pays: {basis}.",
        "costs": f"Choosing costs: {basis}. Try another strategy, or `random`.",
        "undecided": f"No difference can be told yet: {basis}.",
    }[found.verdict]


def _advice(settings: Settings, project: Row, rounds: list[Round], curve: list[CurvePoint], next_s: float) -> Advice:
    """Whether the next batch is worth its time."""
    from alcore.advice import advise, next_batch_gain
    from alcore.stopping import coverage_check, stability

    metrics = [made.metric for made in rounds if made.metric is not None]
    gain = None
    if next_s > 0:
        gain = next_batch_gain(
            [point.seconds for point in curve], [point.value for point in curve],
            next_s=next_s, min_gain=settings.stop_gain, rng=np.random.default_rng(SEED),
        )  # fmt: skip
    agreements = [made.agreement for made in rounds if made.agreement is not None]
    name: Literal["dice_stability", "kappa_stability"]
    name = "dice_stability" if project["task"] == "segmentation" else "kappa_stability"
    covered = [made.coverage for made in rounds if made.coverage is not None]
    found = advise(
        gain,
        stability(name, agreements) if agreements else None,
        [coverage_check(covered[-1])] if covered else [],
        metric=metrics[-1] if metrics else "",
        n_next=project["batch_size"],
        n_points=len(curve),
    )
    return Advice(action=found.action, sentence=found.sentence, checks=[_check(check) for check in found.checks])


def _check(found: "StoppingCheck") -> Check:
    """A check as the wire shows it."""
    return Check(
        name=found.name, value=found.value, threshold=found.threshold, is_met=found.is_met, advice=found.advice,
        ci95=found.interval,
    )  # fmt: skip
