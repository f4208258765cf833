"""Encoded images in memory: bounded, shared by threads, and never computed twice at the same time."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
from jaxtyping import UInt8

from prompts.errors import StateMismatch
from prompts.predictor import Predictor
from prompts.types import ImageState

StateKey = tuple[str, str, str]
"""(content hash of the image file, `model_id` of the predictor, window key): all that an `ImageState` depends on."""


class StateCache:
    """Least recently used `ImageState`s within a budget of bytes.

    One lock guards the books and is never held while a model runs, so a hit waits for no one. Work on one key is done
    by the thread that asks first; others that ask meanwhile wait for its result, or share its exception. A failure is
    not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        if max_bytes < 0:
            raise ValueError(f"max_bytes must be 0 (keep nothing) or more; got {max_bytes}")
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._states: OrderedDict[StateKey, ImageState] = OrderedDict()
        self._under_way: dict[StateKey, Future[ImageState]] = {}
        self._n_bytes = 0

    @property
    def n_bytes(self) -> int:
        """Bytes held now, at most `max_bytes`."""
        with self._lock:
            return self._n_bytes

    def __len__(self) -> int:
        with self._lock:
            return len(self._states)

    def __contains__(self, key: StateKey) -> bool:
        """Tell whether a state is here, without counting as a use of it."""
        with self._lock:
            return key in self._states

    def get(self, key: StateKey) -> ImageState | None:
        """Return the state and mark it as used, or None."""
        with self._lock:
            return self._get(key)

    def put(self, key: StateKey, state: ImageState) -> None:
        """Keep a state, dropping the least recently used ones; one that is larger than the whole budget is not kept."""
        with self._lock:
            self._put(key, state)

    def get_or_embed(
        self, key: StateKey, load_image: Callable[[], UInt8[np.ndarray, "h w 3"]], predictor: Predictor
    ) -> ImageState:
        """Return the state of `key`, encoding the image at most once however many threads ask.

        Args:
            key: what the state depends on; its second part is `predictor.model_id`.
            load_image: reads the image with its window applied; called only if the state is not here.
            predictor: encodes it.

        Raises:
            StateMismatch: the key names another model than the predictor.
        """
        if key[1] != predictor.model_id:
            raise StateMismatch(
                f"the key is for model '{key[1]}', but the predictor is '{predictor.model_id}'; build the key anew"
            )
        with self._lock:
            state = self._get(key)
            if state is not None:
                return state
            future = self._under_way.get(key)
            leads = future is None
            if future is None:
                future = self._under_way[key] = Future()
        if leads:
            self._embed(key, load_image, predictor, future)
        return future.result()

    def _embed(
        self,
        key: StateKey,
        load_image: Callable[[], UInt8[np.ndarray, "h w 3"]],
        predictor: Predictor,
        future: "Future[ImageState]",
    ) -> None:
        """Do the work that `future` stands for; whatever happens, no waiter is left behind."""
        try:
            state = predictor.embed(load_image())
        except BaseException as error:
            with self._lock:
                del self._under_way[key]
            future.set_exception(error)
            raise
        with self._lock:
            self._put(key, state)
            del self._under_way[key]
        future.set_result(state)

    def _get(self, key: StateKey) -> ImageState | None:
        """Look up under the lock."""
        state = self._states.get(key)
        if state is not None:
            self._states.move_to_end(key)
        return state

    def _put(self, key: StateKey, state: ImageState) -> None:
        """Insert and evict under the lock."""
        old = self._states.pop(key, None)
        if old is not None:
            self._n_bytes -= old.n_bytes
        if state.n_bytes > self._max_bytes:
            return
        self._states[key] = state
        self._n_bytes += state.n_bytes
        while self._n_bytes > self._max_bytes:
            _, dropped = self._states.popitem(last=False)
            self._n_bytes -= dropped.n_bytes
