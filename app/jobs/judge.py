"""Learns from what people made of the promptable model's masks how far its other masks can be trusted.

The model is asked again with the prompts that are stored with each accepted object: with the first one alone, whose
mask is compared with what was accepted in the end, and with all of them, whose signals say what that mask is worth.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from alcore.formats.window import to_rgb
from alcore.masks import decode_rle
from alcore.types import Window
from app.jobs.pool import Pool
from app.jobs.progress import JobProgress
from app.service.asked import stored_prompt
from app.service.images import window_of
from app.service.items import segmenter_in
from app.store.database import Row
from prompts.calibration import (
    MIN_FITTED,
    Signals,
    fit_calibrator,
    fit_of,
    fixed_quality,
    out_of_fold_quality,
    signals_of,
)
from prompts.errors import InvalidPrompt
from prompts.geometry import validate_prompt
from prompts.jitter import jitter_dice, jittered_masks
from prompts.overlap import dice
from prompts.predictor import Predictor
from prompts.types import ImageState, Prompt

MAX_JUDGED = 200
"""Images that one job asks the model about; the rest wait for the next job, with the quality that they have."""
N_FOLDS = 5
FORMAT = 1
"""Of the files that keep judgements; those of another format are made anew."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the model says again of one accepted object."""

    item_id: int
    number: int
    """Position of the object in its annotation."""
    first_dice: float
    """Of the first prompt's mask with the accepted one."""
    first: Signals
    last: Signals


def with_qualities(pool: Pool, progress: JobProgress) -> tuple[Pool, dict[str, JsonValue]]:
    """Replace the quality of accepted pseudo-masks by their expected Dice, where enough is known to tell.

    Returns:
        The pool, as it came where qualities count for nothing or the setting is off, the task is another, or fewer than
        `MIN_FITTED` objects can be asked about. For the job's result `quality`: number of masks, Spearman and mean
        error of calibrated qualities out of fold, and the mean error of the fixed formula.
    """
    settings = pool.ctx.settings
    is_used = settings.weigh_pseudo_masks or settings.relabel_pseudo_masks
    if not (settings.calibrate_quality and is_used) or pool.project["task"] != "segmentation":
        return pool, {}
    n_prompted = {row["id"]: sum(map(_is_prompted, pool.answers[row["id"]]["objects"])) for row in pool.taught()}
    if sum(n_prompted.values()) < MIN_FITTED:
        return pool, {}
    candidates = [row for row in pool.taught() if n_prompted[row["id"]]]
    progress.stage("judging accepted masks")
    found = list(_judgements(pool, candidates, progress))
    if len(found) < MIN_FITTED:
        return pool, {}
    signals, truth = [one.first for one in found], np.array([one.first_dice for one in found])
    calibrator = fit_calibrator(signals, truth)
    items = np.unique([one.item_id for one in found], return_inverse=True)[1]
    blind = out_of_fold_quality(signals, truth, [np.flatnonzero(items % N_FOLDS == k) for k in range(N_FOLDS)])
    fit = fit_of(blind, truth)
    facts: dict[str, JsonValue] = {
        "n_masks": fit.n,
        "spearman": None if fit.spearman is None else round(fit.spearman, 3),
        "mean_error": round(fit.mean_error, 3),
        "mean_error_fixed": round(fit_of(np.array([fixed_quality(one) for one in signals]), truth).mean_error, 3),
    }
    quality = calibrator.quality([one.last for one in found])
    known = {(one.item_id, one.number): float(q) for one, q in zip(found, quality, strict=True)}
    answers = {item_id: _with(answer, item_id, known) for item_id, answer in pool.answers.items()}
    return replace(pool, answers=answers), {"quality": facts}


def _with(answer: Row, item_id: int, known: Mapping[tuple[int, int], float]) -> Row:
    """An answer whose objects have the qualities that are known."""
    objects = [
        {**entry, "quality": known[item_id, number], "is_calibrated": True} if (item_id, number) in known else entry
        for number, entry in enumerate(answer["objects"])
    ]
    return {**answer, "objects": objects}


def _is_prompted(entry: Mapping[str, Any]) -> bool:
    """Tell whether an object came of prompts that are stored with it."""
    marks = entry.get("points") or entry.get("scribbles") or entry.get("box")
    return bool(entry.get("model_id") and marks and not entry.get("from_suggestion"))


def _judgements(pool: Pool, candidates: Sequence[Row], progress: JobProgress) -> Iterator[Judgement]:
    """Judgements of all objects that the model in use made: those on disk, and new ones up to `MAX_JUDGED` images."""
    ctx = pool.ctx
    segmenter = segmenter_in(ctx, pool.project)
    predictor = ctx.models.load_predictor(segmenter.spec, segmenter.adaptation)
    folder = ctx.folder / "judgements"
    folder.mkdir(exist_ok=True)
    n_new = 0
    for done, row in enumerate(candidates):
        answer = pool.answers[row["id"]]
        file = folder / f"{row['id']}-v{answer['version']}.json"
        kept = _read(file, predictor.model_id)
        if kept is None and n_new < MAX_JUDGED:
            kept, n_new = list(_asked_again(pool, row, answer, predictor)), n_new + 1
            _write(file, predictor.model_id, kept)
        yield from kept or ()
        progress(done + 1, len(candidates))


def _asked_again(pool: Pool, row: Row, answer: Row, predictor: Predictor) -> Iterator[Judgement]:
    """Ask the model about the objects of one annotation that it made."""
    shown = answer.get("window")
    window = window_of(row) if shown is None else Window(level=shown["level"], width=shown["width"])
    state: ImageState | None = None
    image = np.zeros((0, 0, 3), np.uint8)
    for number, entry in enumerate(answer["objects"]):
        accepted = decode_rle(entry["mask"])
        if not _is_prompted(entry) or entry["model_id"] != predictor.model_id or not accepted.any():
            continue
        whole = stored_prompt(entry)
        try:
            validate_prompt(whole, (row["height"], row["width"]))
        except InvalidPrompt:  # a program may store what the model was never asked
            continue
        if state is None:
            image = to_rgb(pool.ctx.images.get(row), window)
            state = predictor.embed(image)
        rng = np.random.default_rng([row["id"], number])
        first = first_of(whole)
        mask, signals = _signals(predictor, state, first, image, rng)
        last = signals if first == whole else _signals(predictor, state, whole, image, rng)[1]
        yield Judgement(item_id=row["id"], number=number, first_dice=dice(mask, accepted), first=signals, last=last)


def first_of(prompt: Prompt) -> Prompt:
    """What the annotator began with: the box, or the first click, or the first stroke."""
    if prompt.box is not None:
        return Prompt(box=prompt.box)
    return Prompt(points=prompt.points[:1]) if prompt.points else Prompt(scribbles=prompt.scribbles[:1])


def _signals(
    predictor: Predictor, state: ImageState, prompt: Prompt, image: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, Signals]:
    """A prompt's mask and its signals."""
    prediction = predictor.predict(state, prompt)
    jittered = jittered_masks(predictor, state, prompt, prediction.mask, rng=rng)
    return prediction.mask, signals_of(prediction, prompt, image, jitter_dice=jitter_dice(prediction.mask, jittered))


def _read(file: Path, model_id: str) -> list[Judgement] | None:
    """Judgements of an earlier job; None where there are none by this model."""
    if not file.is_file():
        return None
    kept = json.loads(file.read_text("utf-8"))
    if (kept.get("format"), kept["model_id"]) != (FORMAT, model_id):
        return None
    return [
        Judgement(**{**one, "first": Signals(**one["first"]), "last": Signals(**one["last"])})
        for one in kept["judgements"]
    ]


def _write(file: Path, model_id: str, judgements: Sequence[Judgement]) -> None:
    """Keep judgements, whole or not at all."""
    part = file.with_suffix(".part")
    kept = {"format": FORMAT, "model_id": model_id, "judgements": [asdict(one) for one in judgements]}
    part.write_text(json.dumps(kept), "utf-8")
    part.replace(file)
