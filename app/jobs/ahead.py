"""Reads what comes next while the processor works on what was read."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Read = TypeVar("Read")


def read_ahead(parts: Iterable[Part], read: Callable[[Part], Read]) -> Iterator[tuple[Part, Read]]:
    """Yield each part and what `read` makes of it, one part ahead, in a thread of its own."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = None
        for part in parts:
            following = part, pool.submit(read, part)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = following
        if waiting is not None:
            yield waiting[0], waiting[1].result()
