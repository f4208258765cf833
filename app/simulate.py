"""`fewclick simulate`: a data set with ground truth, a simulated annotator, real models, whole loops.

Composes the folder reader, an encoder, a promptable model, a head and `alcore.simulation`. Each image is embedded once
and each object is prompted once, whatever the number of strategies and seeds; `cache` keeps both for the next run.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from alcore.embeddings import EmbeddingStore, embed_missing
from alcore.errors import InvalidInput, UnknownName
from alcore.rounds import DEFAULT, Task, hold_out
from alcore.simulation import SimulationNames, simulate
from alcore.types import Progress
from app.simulate_data import SimulationImages, load_images
from prompts.simulate import TARGET_DICE, PromptKind

VERIFY = "verify"
"""The way of working that begins with the head's own mask."""
PROMPTS = (*get_args(PromptKind), VERIFY)
CORRECTED = ("click", "box+click", VERIFY)
"""Ways of working in which masks are corrected."""
TEST_SHARE = 0.25
TEST_PREFIX = "test_"
"""Stems that begin like this are a data set's own test split."""

Bar = Callable[[str], AbstractContextManager[Progress]]
"""Opens a progress bar of a name."""


@dataclass(frozen=True, kw_only=True)
class SimulationSettings:
    """What to simulate; names are checked by `run_simulation`."""

    task: str
    strategies: tuple[str, ...]
    cold_start: str = "default"
    rounds: int = 4
    batch_size: int = 10
    seeds: int | tuple[int, ...] = 2
    """How many (0, 1, ...), or which."""
    prompts: str = "box"
    encoder: str = "builtin"
    segmenter: str = "builtin"
    head: str = "default"
    group_by: str | None = None
    """Regular expression over stems whose first group is the patient."""
    window_objects: int = 0
    """Images with more objects are labeled in a window that shows about so many; 0 labels all images whole."""
    target_dice: float = TARGET_DICE
    """The annotator corrects a mask, by clicks, until it is this good, and keeps starting masks that are."""
    full_value: float | None = None
    """The value of full supervision where it is known already."""


@contextmanager
def no_bar(_what: str) -> Iterator[Progress]:
    """Show nothing."""
    yield lambda _done, _total: None


def run_simulation(
    dataset: Path, settings: SimulationSettings, *, cache: Path | None = None, bar: Bar = no_bar
) -> dict[str, Any]:
    """Run every strategy with every seed on a DATASET folder.

    Args:
        dataset: `images/` with `masks/` (segmentation) or `labels.csv` (classification).
        settings: what to run.
        cache: folder that keeps embeddings and pseudo-masks; None uses a temporary one.
        bar: opens progress bars.

    Returns:
        The simulate JSON of the design; with windows also their `window_objects`, with another `target_dice` that.

    Raises:
        InvalidInput: a setting or the folder does not fit the task.
    """
    if settings.task not in get_args(Task):
        raise UnknownName.of("task", settings.task, get_args(Task))
    if settings.prompts not in PROMPTS:
        raise UnknownName.of("kind of prompts", settings.prompts, PROMPTS)
    task = cast(Task, settings.task)
    if settings.window_objects < 0 or (settings.window_objects and task != "segmentation"):
        raise InvalidInput(
            f"window_objects must be 0 (whole images), or 1 and more in segmentation; got {settings.window_objects} "
            f"in {task}"
        )
    if not 0 <= settings.target_dice <= 1:
        raise InvalidInput(f"target_dice must be in [0, 1], 0 for the first mask as it is; got {settings.target_dice}")
    if settings.target_dice != TARGET_DICE and settings.prompts not in CORRECTED:
        raise InvalidInput(
            f"target_dice says when corrections stop, and nothing is corrected with prompts {settings.prompts!r} of "
            f"{task}; leave it at {TARGET_DICE}, or use {', '.join(CORRECTED)}"
        )
    images = load_images(dataset, task, group_regex=settings.group_by)
    pool, test = split(images.stems, images.groups)
    with ExitStack() as stack:
        folder = cache or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fewclick-simulate-")))
        folder = folder / _safe(dataset.resolve().name)
        folder.mkdir(parents=True, exist_ok=True)
        store = embedded(images, settings.encoder, folder, bar)
        with bar("simulate") as progress:
            if task == "segmentation":
                from app.simulate_oracles import CORRECTION, SegmentationOracle, VerifyingOracle
                from app.simulate_segmentation import SegmentationLearner

                verifies = settings.prompts == VERIFY
                labeler = SegmentationOracle(
                    images,
                    pool,
                    prompts=CORRECTION if verifies else cast(PromptKind, settings.prompts),
                    segmenter=None if settings.prompts == "exact" else settings.segmenter,
                    folder=folder,
                    window_objects=settings.window_objects,
                    target_dice=settings.target_dice,
                )
                oracle: Any = labeler
                if verifies:
                    oracle = VerifyingOracle(labeler, images.n_classes + 1, target_dice=settings.target_dice)
                learner: Any = SegmentationLearner(
                    images, store, pool, test, head=settings.head, needs_committee=needs_committee(settings.strategies)
                )
            else:
                from app.simulate_classification import ClassificationLearner, ClassificationOracle

                oracle = ClassificationOracle(images, pool)
                learner = ClassificationLearner(images, store, pool, test, head=settings.head)
            report = simulate(
                store.vectors([images.keys[row] for row in pool]),
                oracle,
                learner,
                task=task,
                names=SimulationNames(
                    dataset=dataset.resolve().name,
                    encoder=settings.encoder,
                    segmenter=settings.segmenter if task == "segmentation" else None,
                    head=learner.head,
                    prompts=settings.prompts if task == "segmentation" else "class_tag",
                ),
                strategies=settings.strategies,
                cold_start=settings.cold_start,
                rounds=settings.rounds,
                batch_size=settings.batch_size,
                seeds=settings.seeds,
                full_value=settings.full_value,
                groups=None if images.groups is None else images.groups[pool],
                progress=progress,
            )
    usual = SimulationSettings(task=task, strategies=())
    told = {name: getattr(settings, name) for name in ("window_objects", "target_dice")}
    return report | {name: value for name, value in told.items() if value != getattr(usual, name)}


def split(stems: Sequence[str], groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows into pool and test: upstream's own test stems, or a quarter of the images with groups kept whole."""
    own = np.array([stem.startswith(TEST_PREFIX) for stem in stems])
    if own.any() and not own.all():
        test = np.flatnonzero(own)
    else:
        test = hold_out(len(stems), groups, np.random.default_rng(0), TEST_SHARE)
    return np.setdiff1d(np.arange(len(stems)), test), test


def needs_committee(strategies: Sequence[str]) -> bool:
    """Whether any strategy asks more than one head."""
    from alcore.strategies import named

    return any("committee" in named(name).strategy.needs for name in strategies if name != DEFAULT)


def embedded(images: SimulationImages, encoder_name: str, folder: Path, bar: Bar = no_bar) -> EmbeddingStore:
    """Give the store in `folder` with every image's embedding in it."""
    from alcore.encoders.registry import load_encoder

    encoder = load_encoder(encoder_name)
    place = folder / "embeddings" / _safe(encoder.encoder_id)
    place.mkdir(parents=True, exist_ok=True)
    store = EmbeddingStore(place, encoder_id=encoder.encoder_id, dim=encoder.dim, dense_shape=encoder.dense_shape)
    row_of = {key: row for row, key in enumerate(images.keys)}
    if len(row_of) < 2:
        raise InvalidInput(f"a simulation needs at least two different images; got {len(row_of)}")
    with bar("embed") as progress:
        embed_missing(store, encoder, list(row_of), lambda key: images.rgb(row_of[key]), progress=progress)
    return store


def _safe(name: str) -> str:
    """A name that any file system takes."""
    return re.sub(r"[^\w.-]+", "_", name)
