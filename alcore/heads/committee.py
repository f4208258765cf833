"""Trains the members of a committee side by side: small maps leave several threads on one network waiting."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event

import torch
from torch import nn

from alcore.errors import Cancelled
from alcore.types import Progress

Training = Callable[[Callable[[], None]], nn.Module]
"""Trains one member and calls its argument after each step; draws from no global generator."""


def train_together(
    trainings: Sequence[Training], *, n_steps: int, progress: Progress | None = None
) -> tuple[nn.Module, ...]:
    """Train members at the same time, the threads of torch shared out among them.

    With a single thread they are trained one after the other. What that gains: Rounds in `benchmarks/README.md`.

    Args:
        trainings: one a member.
        n_steps: steps that all of them take together.
        progress: called in the caller's thread after each step with (done, n_steps); what it raises stops all.

    Returns:
        What the trainings return, in their order.

    Raises:
        Cancelled: raised by `progress`.
    """
    n_threads = torch.get_num_threads()
    n_at_once = len(trainings) if n_threads > 1 else 1
    stopped, steps = Event(), SimpleQueue[bool]()

    def tick() -> None:
        if stopped.is_set():
            raise Cancelled("the training was stopped")
        steps.put(True)

    def run(training: Training) -> nn.Module:
        torch.set_num_threads(max(1, n_threads // n_at_once))
        return training(tick)

    def ended(_: Future[nn.Module]) -> None:
        steps.put(False)

    try:
        with ThreadPoolExecutor(n_at_once) as pool:
            futures = [pool.submit(run, training) for training in trainings]
            for future in futures:
                future.add_done_callback(ended)
            try:
                _report(steps, len(trainings), n_steps, progress)
            except BaseException:
                stopped.set()
                raise
        return tuple(future.result() for future in futures)
    finally:
        torch.set_num_threads(n_threads)  # threads made later take the number that was set last


def _report(steps: SimpleQueue[bool], n_running: int, n_steps: int, progress: Progress | None) -> None:
    """Pass steps on until all members have ended."""
    done = 0
    while n_running:
        if not steps.get():
            n_running -= 1
            continue
        done += 1
        if progress is not None:
            progress(done, n_steps)
