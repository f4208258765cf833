"""Live prompts: models loaded once a name, encoded images shared, the last logits kept, the next items encoded ahead.

Nothing here belongs to a user: the item, its window and all prompts come with each request, so two people on two images
cannot mix. Logits wait under a random id that names the item, object, window and model they belong to.

Locks, in the order in which they may be taken: books of a cache (held for a moment, never across another), one image's
single flight, and last the model's own. Embedding and predicting have a lock each, never taken together: an image that
is encoded ahead does not hold up another's click for longer than the processor is shared.
"""

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from alcore.errors import AlcoreError
from alcore.formats.window import to_rgb, window_key
from alcore.masks import encode_rle
from alcore.types import Window
from app.api.schemas import Candidate, PredictAnswer, PredictRequest
from app.service.asked import asked_prompt, asked_window
from app.service.images import ImageCache, window_of
from app.service.models import ModelSource, Segmenter
from app.settings import Settings
from app.store.database import Row
from prompts.cache import StateCache
from prompts.cleanup import clean_mask
from prompts.errors import PromptError
from prompts.geometry import validate_prompt
from prompts.predictor import Predictor
from prompts.quality import mask_quality
from prompts.types import ImageState, MaskPrediction, Prompt

MAX_WAITING = 32
MAX_ADAPTED = 3
"""Adapted models kept in memory; one that a project has left behind makes room for the next."""
logger = logging.getLogger(__name__)


class _OneAtATime:
    """A predictor whose `embed` runs one at a time, and whose `predict` does, each under its own lock."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._embedding, self._predicting = threading.Lock(), threading.Lock()
        self.model_id = predictor.model_id

    def embed(self, image: np.ndarray) -> ImageState:
        """See `Predictor`."""
        with self._embedding:
            return self._predictor.embed(image)

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        """See `Predictor`."""
        with self._predicting:
            return self._predictor.predict(state, prompt, multimask=multimask)


class _Predictors:
    """Promptable models; the first caller loads, others wait for it, a failure is tried again.

    Whoever got a model keeps it until done, also when its project has another one by then.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._books = threading.Lock()
        self._loading: dict[Segmenter, threading.Lock] = {}
        self._loaded: OrderedDict[Segmenter, _OneAtATime] = OrderedDict()

    def get(self, wanted: Segmenter) -> _OneAtATime:
        """This model."""
        found = self._find(wanted)
        if found is not None:
            return found
        with self._books:
            loading = self._loading.setdefault(wanted, threading.Lock())
        with loading:
            found = self._find(wanted)
            if found is None:
                started = time.perf_counter()
                found = _OneAtATime(self._source.load_predictor(wanted.spec, wanted.adaptation))
                self._keep(wanted, found)
                logger.info("segmenter loaded, duration_s=%.2f", time.perf_counter() - started)
            return found

    def _find(self, wanted: Segmenter) -> _OneAtATime | None:
        """A model that is loaded, marked as used."""
        with self._books:
            if wanted in self._loaded:
                self._loaded.move_to_end(wanted)
            return self._loaded.get(wanted)

    def _keep(self, wanted: Segmenter, predictor: _OneAtATime) -> None:
        """Remember a model, and forget the adapted ones that were not used for longest."""
        with self._books:
            self._loaded[wanted] = predictor
            adapted = [known for known in self._loaded if known.adaptation is not None]
            for known in adapted[:-MAX_ADAPTED]:
                del self._loaded[known]
                self._loading.pop(known, None)


@dataclass(frozen=True, kw_only=True)
class _Logits:
    """The last logits of one object, and what they belong to."""

    owner: tuple[int, str, str, str]
    array: np.ndarray


class _LogitsCache:
    """Least recently used logits within a budget of bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._n_bytes = max_bytes, 0
        self._books = threading.Lock()
        self._kept: OrderedDict[str, _Logits] = OrderedDict()

    def put(self, logits: _Logits) -> str:
        """Keep logits; returns the id to ask for them by."""
        name = secrets.token_urlsafe(12)
        with self._books:
            self._kept[name] = logits
            self._n_bytes += logits.array.nbytes
            while self._n_bytes > self._max_bytes and self._kept:
                _, dropped = self._kept.popitem(last=False)
                self._n_bytes -= dropped.array.nbytes
        return name

    def get(self, name: str | None, owner: tuple[int, str, str, str]) -> np.ndarray | None:
        """The logits of this id; None when they are gone or belong to something else."""
        with self._books:
            found = self._kept.get(name or "")
            if found is None or found.owner != owner:
                return None
            self._kept.move_to_end(name or "")
            return found.array


@dataclass(frozen=True, kw_only=True)
class _Ahead:
    """Work to do when nobody clicks: load a model, and encode an image where one is given."""

    segmenter: Segmenter
    item: Row | None = None
    window: Window | None = None


class Prompter:
    """Answers clicks, and encodes ahead in a thread of its own that yields to them."""

    def __init__(self, models: ModelSource, images: ImageCache, settings: Settings) -> None:
        self._images, self._settings = images, settings
        self._predictors = _Predictors(models)
        self._states = StateCache(int(settings.state_cache_mb * 1e6))
        self._logits = _LogitsCache(int(settings.logits_cache_mb * 1e6))
        self._waiting: OrderedDict[tuple[str, Segmenter, str], _Ahead] = OrderedDict()
        self._changed = threading.Condition()
        self._n_live = 0
        self._closed = False
        self._thread: threading.Thread | None = None

    def predict(self, item: Row, segmenter: Segmenter, request: PredictRequest) -> PredictAnswer:
        """Turn the prompts of one object into a mask.

        Args:
            item: a row of the item table.
            segmenter: the project's model; the answer is made by it alone, from its own encoding of the image.
            request: all prompts of the object so far.

        Raises:
            InvalidPrompt: no prompt, or one outside the image.
            CheckpointError: the segmenter cannot be loaded.
        """
        started = time.perf_counter()
        size = (int(item["height"]), int(item["width"]))
        asked = asked_prompt(request)
        validate_prompt(asked, size)
        window = asked_window(item, request)
        with self._live():
            predictor = self._predictors.get(segmenter)
            owner = (int(item["id"]), request.object_id, window_key(window), predictor.model_id)
            last = self._logits.get(request.logits_id, owner)
            prompt = replace(asked, low_res_logits=last)
            prediction = predictor.predict(self._state(item, predictor, window), prompt)
        masks = [encode_rle(self._clean(mask, prompt))["counts"] for mask in prediction.masks]
        chosen = int(prediction.chosen)
        kept = _Logits(owner=owner, array=prediction.low_res_logits[chosen])
        return PredictAnswer(
            rev=request.rev,
            size=size,
            counts=masks[chosen],
            predicted_iou=float(prediction.predicted_iou[chosen]),
            quality=mask_quality(prediction, prompt),
            candidates=[
                Candidate(counts=counts, predicted_iou=float(iou))
                for counts, iou in zip(masks, prediction.predicted_iou, strict=True)
            ],
            chosen=chosen,
            logits_id=self._logits.put(kept),
            model_id=predictor.model_id,
            ms=round((time.perf_counter() - started) * 1000, 2),
        )

    def prepare(self, item: Row, segmenter: Segmenter, window: Window | None = None) -> None:
        """Encode an image when nobody clicks; returns at once. The newest `MAX_WAITING` requests are kept."""
        window = window or window_of(item)
        key = (str(item["content_hash"]), segmenter, window_key(window))
        self._later(key, _Ahead(segmenter=segmenter, item=item, window=window))

    def load_soon(self, segmenter: Segmenter) -> None:
        """Load a model when nobody clicks; returns at once."""
        self._later(("", segmenter, ""), _Ahead(segmenter=segmenter))

    def _later(self, key: tuple[str, Segmenter, str], work: "_Ahead") -> None:
        """Hand work to the thread that works ahead."""
        with self._changed:
            if self._closed:
                return
            self._waiting[key] = work
            while len(self._waiting) > MAX_WAITING:
                self._waiting.popitem(last=False)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="encode-ahead", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def load(self, segmenter: Segmenter) -> None:
        """Load a model now, so that the first click need not."""
        self._predictors.get(segmenter)

    def is_ready(self, item: Row, segmenter: Segmenter, window: Window | None = None) -> bool:
        """True when the next click on this image need not encode it."""
        model_id = self._predictors.get(segmenter).model_id
        return (str(item["content_hash"]), model_id, window_key(window or window_of(item))) in self._states

    def encoded(self, item: Row, segmenter: Segmenter) -> tuple[Predictor, ImageState]:
        """A model, and an image in its own window as that model sees it, for work that is no click."""
        predictor = self._predictors.get(segmenter)
        return predictor, self._state(item, predictor, window_of(item))

    def close(self) -> None:
        """Drop what waits and end the thread; a second call does nothing."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout=30)

    @contextmanager
    def _live(self) -> Iterator[None]:
        """Mark a click in progress; the thread that encodes ahead waits for all of them."""
        with self._changed:
            self._n_live += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_live -= 1
                self._changed.notify_all()

    def _state(self, item: Row, predictor: _OneAtATime, window: Window) -> ImageState:
        """The encoded image, out of the cache or made now."""
        key = (str(item["content_hash"]), predictor.model_id, window_key(window))
        return self._states.get_or_embed(key, lambda: to_rgb(self._images.get(item), window), predictor)

    def _clean(self, mask: np.ndarray, prompt: Prompt) -> np.ndarray:
        """Drop parts that nobody clicked or stroked, small holes and specks."""
        small = int(np.count_nonzero(mask) * self._settings.max_hole_share)
        return clean_mask(mask, prompt, max_hole_px=small, min_speck_px=small)

    def _work(self) -> None:
        """Encode what waits, newest request last, whenever no click is in progress."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or (self._waiting and self._n_live == 0))
                if self._closed:
                    return
                _, work = self._waiting.popitem(last=False)
            try:
                predictor = self._predictors.get(work.segmenter)
                if work.item is not None and work.window is not None:
                    self._state(work.item, predictor, work.window)
            except (AlcoreError, PromptError, OSError, RuntimeError, MemoryError) as error:
                # The click on this image will meet the same error and show it; here nobody listens.
                logger.warning("work ahead of the clicks failed: %s", type(error).__name__)
