"""The cache of encoded images: its budget, its order, and eight threads that ask at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from prompts.cache import StateCache
from prompts.errors import StateMismatch
from prompts.types import ImageState
from tests.prompts.fakes import ErodingPredictor

IMAGE = np.zeros((4, 5, 3), np.uint8)


def state(n_bytes: int) -> ImageState:
    return ImageState(model_id="m", image_size=(4, 5), features=None, n_bytes=n_bytes)


def key(name: str) -> tuple[str, str, str]:
    return (name, ErodingPredictor.model_id, "w")


def test_the_least_recently_used_goes_first() -> None:
    cache = StateCache(100)
    cache.put(key("a"), state(40))
    cache.put(key("b"), state(40))
    assert cache.get(key("a")) is not None  # a is fresher than b now
    cache.put(key("c"), state(40))
    assert [name for name in "abc" if key(name) in cache] == ["a", "c"]
    assert (cache.n_bytes, len(cache)) == (80, 2)


def test_asking_whether_a_state_is_here_does_not_make_it_fresher() -> None:
    cache = StateCache(80)
    cache.put(key("a"), state(40))
    cache.put(key("b"), state(40))
    assert key("a") in cache
    cache.put(key("c"), state(40))
    assert key("a") not in cache


def test_a_state_larger_than_the_budget_is_not_kept_and_drops_nothing() -> None:
    cache = StateCache(100)
    cache.put(key("a"), state(100))
    cache.put(key("b"), state(101))
    assert key("a") in cache
    assert key("b") not in cache


def test_putting_a_key_again_replaces_it_in_the_books() -> None:
    cache = StateCache(100)
    cache.put(key("a"), state(90))
    cache.put(key("a"), state(10))
    assert (cache.n_bytes, len(cache)) == (10, 1)


def test_a_budget_of_zero_keeps_nothing_and_a_negative_one_is_refused() -> None:
    cache = StateCache(0)
    cache.get_or_embed(key("a"), lambda: IMAGE, ErodingPredictor())
    assert len(cache) == 0
    with pytest.raises(ValueError, match="max_bytes"):
        StateCache(-1)


def test_eight_threads_on_one_image_encode_it_once() -> None:
    cache, model = StateCache(10**6), ErodingPredictor()
    start, release, loads = threading.Barrier(9), threading.Event(), []

    def load() -> np.ndarray:
        loads.append(threading.get_ident())
        assert release.wait(10)
        return IMAGE

    def work(_: int) -> ImageState:
        start.wait()
        return cache.get_or_embed(key("a"), load, model)

    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(work, k) for k in range(8)]
        start.wait()
        release.set()
        states = [f.result(timeout=10) for f in futures]
    assert len(loads) == model.n_embeds == 1
    assert all(s is states[0] for s in states)


def test_one_image_under_way_does_not_hold_up_another() -> None:
    cache, model = StateCache(10**6), ErodingPredictor()
    entered, release = threading.Event(), threading.Event()

    def slow() -> np.ndarray:
        entered.set()
        assert release.wait(10)
        return IMAGE

    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(cache.get_or_embed, key("slow"), slow, model)
        assert entered.wait(10)
        cache.get_or_embed(key("quick"), lambda: IMAGE, model)  # would deadlock if the lock were held while embedding
        release.set()
        future.result(timeout=10)
    assert len(cache) == 2


def test_eight_threads_on_many_images_keep_the_books_straight() -> None:
    one = ErodingPredictor().embed(IMAGE).n_bytes
    cache, model = StateCache(3 * one), ErodingPredictor()

    def work(seed: int) -> None:
        for k in np.random.default_rng(seed).integers(0, 8, 200):
            found = cache.get_or_embed(key(str(k)), lambda k=k: np.full((4, 5, 3), 200 * (k % 2), np.uint8), model)
            assert found.features.all() == bool(k % 2)
            assert cache.n_bytes <= 3 * one

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert len(cache) == 3
    assert cache.n_bytes == 3 * one


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    cache, model = StateCache(10**6), ErodingPredictor()
    start = threading.Barrier(8)

    def fail() -> np.ndarray:
        raise OSError("the disk is gone")

    def work(_: int) -> str:
        start.wait()
        with pytest.raises(OSError, match="disk") as caught:
            cache.get_or_embed(key("a"), fail, model)
        return str(caught.value)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(work, range(8))) == {"the disk is gone"}
    assert cache.get_or_embed(key("a"), lambda: IMAGE, model).image_size == (4, 5)


def test_a_key_of_another_model_is_refused() -> None:
    with pytest.raises(StateMismatch, match="other"):
        StateCache(10).get_or_embed(("a", "other", "w"), lambda: IMAGE, ErodingPredictor())
