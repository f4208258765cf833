"""Parts are read one ahead, in order; errors come where the part is wanted."""

import threading

import pytest

from app.jobs.ahead import read_ahead


def test_parts_come_in_order_with_what_was_read():
    assert list(read_ahead(range(4), lambda n: n * n)) == [(0, 0), (1, 1), (2, 4), (3, 9)]
    assert list(read_ahead([], len)) == []


def test_the_next_part_is_read_while_one_is_worked_on():
    begun = [threading.Event() for _ in range(3)]

    def read(n: int) -> int:
        begun[n].set()
        return n

    for n, _ in read_ahead(range(3), read):
        assert begun[min(n + 1, 2)].wait(timeout=20)
        assert n == 2 or not any(event.is_set() for event in begun[n + 2 :])


def test_a_part_that_cannot_be_read_tells_so_in_its_turn():
    def read(n: int) -> int:
        if n == 1:
            raise OSError("gone")
        return n

    parts = read_ahead(range(3), read)
    assert next(parts) == (0, 0)
    with pytest.raises(OSError, match="gone"):
        next(parts)
