"""Adapts a project's promptable model to its accepted masks, and uses the result if it is better on held-out ones."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import JsonValue

from alcore.errors import AlcoreError, Cancelled
from app.errors import FewclickError, NoLabels
from app.jobs.lessons import Lesson, Samples, chosen_objects, lessons_of, split
from app.jobs.progress import JobProgress
from app.service.context import Context
from app.store import adaptations as rows
from app.store import annotations as annotation_rows
from app.store import items as item_rows
from app.store import projects as project_rows
from app.store.database import Row
from prompts.errors import CheckpointError, PromptError
from prompts.measure import ClickScores, measure_clicks

if TYPE_CHECKING:
    from prompts.predictor import Predictor

MAX_LEARNED = 100
MAX_MEASURED = 30
"""Images of one adaptation at most, drawn at random: it is to take minutes."""
Result = dict[str, JsonValue]


@dataclass(frozen=True, kw_only=True)
class _Material:
    """A project's click model and what there is to teach it."""

    project: Row
    lineage: Sequence[Row]
    """The adaptation in use and all that it came from."""
    last: Row | None
    """The last attempt on this model."""
    lessons: Sequence[Lesson]


def adapt(ctx: Context, job: Row, progress: JobProgress) -> Result:
    """Fine-tune the decoder, going on from the model in use, and take it into use if it serves better.

    Whether it does is measured on accepted masks of groups that no adaptation in its lineage has learned from. The
    weights are written to a file first, then one transaction records the attempt and, where it is accepted, makes it
    the project's; a cancelled or killed job changes nothing.

    Raises:
        NoLabels: too few images hold a mask that somebody corrected or drew.
        CheckpointError: the model cannot be adapted, or its weights cannot be read.
    """
    progress.stage("reading accepted masks")
    found = _read(ctx, job["project_id"])
    return _adapt(ctx, job, found, progress)


def adapt_if_due(ctx: Context, job: Row, progress: JobProgress) -> Result | None:
    """Adapt where the project says so and enough images are new since the last attempt.

    What goes wrong, or is cancelled, here does not undo the round that came before it: it is logged.
    """
    found = _read(ctx, job["project_id"])
    if not found.project["adapt_automatically"] or not is_due(ctx, found.lessons, found.last):
        return None
    try:
        return _adapt(ctx, job, found, progress)
    except (AlcoreError, FewclickError, PromptError) as error:
        reason = "it was cancelled" if isinstance(error, Cancelled) else str(error)
        progress.log(f"the click model was not adapted: {reason}")
        return {"adaptation_id": None, "accepted": False, "reason": reason}


def is_due(ctx: Context, lessons: Sequence[Lesson], last: Row | None) -> bool:
    """Tell whether an automatic adaptation has enough new images since the last attempt."""
    seen = set() if last is None else {*last["item_ids"], *last["held_out_ids"]}
    n_new = sum(lesson.item["id"] not in seen for lesson in lessons)
    return len(lessons) >= ctx.settings.adapt_min_images and (last is None or n_new >= ctx.settings.adapt_after)


def _read(ctx: Context, project_id: int) -> _Material:
    """All that an adaptation needs of the database."""
    with ctx.db.read() as connection:
        project = dict(project_rows.get(connection, project_id))
        items = item_rows.of_project(connection, project_id)
        answers = annotation_rows.of_project(connection, project_id)
        lineage = rows.lineage(connection, project["adaptation_id"])
        last = rows.last(connection, project_id, project["segmenter"])
    return _Material(project=project, lineage=lineage, last=last, lessons=lessons_of(items, answers))


def _adapt(ctx: Context, job: Row, found: _Material, progress: JobProgress) -> Result:
    """See `adapt`."""
    seed, project = int(job["params"].get("seed") or 0), found.project
    _require(ctx, found.lessons)
    _tidy(ctx, project["id"])
    trained_on = {item_id for row in found.lineage for item_id in row["item_ids"]}
    learn, held_out = (
        _thinned(part, limit, seed)
        for part, limit in zip(split(found.lessons, trained_on, seed=seed), (MAX_LEARNED, MAX_MEASURED), strict=True)
    )
    current, parent_id = _current(ctx, found, Samples(ctx, held_out)[0].image, progress)
    before = _measured(ctx, current, held_out, "measuring the click model in use", progress)
    adaptation_id = f"click-{project['id']}-{job['id']}"
    file = ctx.model_file(adaptation_id)
    try:
        progress.stage("adapting the click model")
        base_id = ctx.models.adapt_predictor(current, Samples(ctx, learn), file, seed=seed, progress=progress)
        adapted = ctx.models.load_predictor(project["segmenter"], file)
        after = _measured(ctx, adapted, held_out, "measuring the adapted click model", progress)
        accepted, reason = gate(before, after, margin=ctx.settings.adapt_margin)
        record = {
            "id": adaptation_id,
            "project_id": project["id"],
            "job_id": job["id"],
            "segmenter": project["segmenter"],
            "base_id": base_id,
            "parent_id": parent_id,
            "n_images": len(learn),
            "n_objects": sum(len(chosen_objects(lesson)) for lesson in learn),
            "item_ids": [lesson.item["id"] for lesson in learn],
            "held_out_ids": [lesson.item["id"] for lesson in held_out],
            "scores_before": asdict(before),
            "scores_after": asdict(after),
        }
        progress.stage("taking it into use" if accepted else "keeping the click model in use")
        accepted, reason = _record(ctx, project, record, accepted, reason)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    if not accepted:
        file.unlink(missing_ok=True)
    progress.log(reason)
    return {
        "adaptation_id": adaptation_id,
        "accepted": accepted,
        "n_images": len(learn),
        "n_held_out": len(held_out),
        "before": asdict(before),
        "after": asdict(after),
        "reason": reason,
    }


def gate(before: ClickScores, after: ClickScores, *, margin: float) -> tuple[bool, str]:
    """Whether an adapted model is taken into use, and why: more Dice by more than the margin, and no more clicks."""
    old, new = (float(np.mean([s.dice_box, s.dice_1, s.dice_3])) for s in (before, after))
    accepted = new > old + margin and after.clicks_to_90 <= before.clicks_to_90
    verdict = "is taken into use" if accepted else "is not taken into use"
    return accepted, (
        f"the adapted model {verdict}: mean Dice {new:.3f} against {old:.3f} (asked: more than {margin:g} better), "
        f"clicks to 0.9 {after.clicks_to_90:.1f} against {before.clicks_to_90:.1f} (asked: no more), "
        f"on {after.n_objects} held-out objects"
    )


def _require(ctx: Context, lessons: Sequence[Lesson]) -> None:
    """Refuse to adapt on too little."""
    need = ctx.settings.adapt_min_images
    if len(lessons) < need:
        raise NoLabels(
            f"adapting needs at least {need} images with a mask that was drawn, edited or steered by two prompts; "
            f"{len(lessons)} are so far (masks accepted after one prompt teach the model nothing)"
        )


def _tidy(ctx: Context, project_id: int) -> None:
    """Remove what a killed job of this project left."""
    with ctx.db.read() as connection:
        known = {row["file"] for row in rows.of_project(connection, project_id)}
    for file in (ctx.folder / "models").glob(f"*click-{project_id}-*"):
        if file.name not in known:
            file.unlink(missing_ok=True)


def _thinned(lessons: Sequence[Lesson], limit: int, seed: int) -> list[Lesson]:
    """At most `limit` of the lessons, drawn at random, in their order."""
    drawn = np.random.default_rng(seed).permutation(len(lessons))[:limit]
    return [lessons[i] for i in sorted(drawn)]


def _current(
    ctx: Context, found: _Material, image: np.ndarray, progress: JobProgress
) -> tuple["Predictor", str | None]:
    """The model in use with the id of its adaptation; the model as shipped where the adaptation does not fit."""
    spec = found.project["segmenter"]
    if found.lineage:
        in_use = str(found.lineage[0]["id"])
        try:
            predictor = ctx.models.load_predictor(spec, ctx.model_file(in_use))
            predictor.embed(image)  # some models read their weights at the first image
            return predictor, in_use
        except CheckpointError as error:
            progress.log(f"{error}. Starting from the model as shipped")
    return ctx.models.load_predictor(spec), None


def _measured(
    ctx: Context, predictor: "Predictor", lessons: Sequence[Lesson], stage: str, progress: JobProgress
) -> ClickScores:
    """Click through the held-out objects."""
    progress.stage(stage)

    def images() -> Iterator[tuple[np.ndarray, Sequence[np.ndarray]]]:
        for done, sample in enumerate(Samples(ctx, lessons)):
            yield sample.image, sample.masks
            progress(done + 1, len(lessons))

    return measure_clicks(predictor, images())


def _record(ctx: Context, project: Row, record: Row, accepted: bool, reason: str) -> tuple[bool, str]:
    """Record the attempt and put it in place, unless the project's model was changed meanwhile."""
    with ctx.db.write() as connection:
        now = project_rows.get(connection, project["id"])
        if accepted and any(now[name] != project[name] for name in ("segmenter", "adaptation_id")):
            accepted, reason = False, "the project's click model was changed while this one was adapted; adapt again"
        file = ctx.model_file(record["id"]).name if accepted else None
        rows.add(connection, {**record, "file": file, "accepted": int(accepted), "reason": reason})
        if accepted:
            project_rows.change(connection, project["id"], {"adaptation_id": record["id"]})
    return accepted, reason
