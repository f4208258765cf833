"""How far long work is, on stderr: a bar at a terminal; elsewhere a line now and then, so that a log shows life."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic

Show = Callable[[str, int, int], None]
"""Called with (what is done now, steps done, steps in all); 0 steps in all: nobody knows."""

LINE_EVERY_S = 15.0
LINE = "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"


@contextmanager
def progress(unit: str, *, what: str = "") -> Iterator[Show]:
    """Give a function that shows how far work of one or several stages is, with the time left.

    Args:
        unit: what is counted, such as `image`; a bar shows it with the speed.
        what: the first stage, where its name is known before its first step is done.
    """
    if not sys.stderr.isatty():
        yield Lines(what)
        return
    from tqdm import tqdm

    with tqdm(desc=what, unit=unit, leave=False, file=sys.stderr, miniters=0) as bar:

        def show(what: str, done: int, total: int) -> None:
            bar.set_description(what, refresh=False)
            bar.total = total or None
            if done < bar.n:  # the next stage
                bar.reset()
            bar.update(done - bar.n)

        yield show


@contextmanager
def progress_bar(what: str, unit: str = "image") -> Iterator[Callable[[int, int], None]]:
    """Give a function (done, total) that shows how far work of one stage is; see `progress`."""
    with progress(unit, what=what) as show:
        yield partial(show, what)


class Lines:
    """Writes a line every `LINE_EVERY_S` seconds; work that is done sooner stays silent."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began_at = self._told_at = monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take note, and write a line when it is time; elapsed and remaining time are those of the stage."""
        now = monotonic()
        if what != self._what:
            self._what, self._began_at = what, now
        if now - self._told_at < LINE_EVERY_S:
            return
        from tqdm import tqdm

        self._told_at = now
        line = tqdm.format_meter(done, total or None, now - self._began_at, prefix=what, bar_format=LINE)
        print(line, file=sys.stderr, flush=True)
