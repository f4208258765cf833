"""How the processor is shared between the page, jobs and other programs. Call before torch is imported."""

import contextlib
import os
from pathlib import Path


def share_processor(*, leave_a_core: bool = False) -> None:
    """Make idle compute threads sleep instead of spinning, and keep a core free where asked.

    Spinning threads of two processes fight for the same cores: measured on two busy cores, a training step took eight
    times the processor time with spinning as without. What the operator has set in the environment stays.

    Args:
        leave_a_core: for background work beside a live page, so that clicks are answered while a round trains.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    if leave_a_core:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) - 1)))


def step_back(niceness: int = 10) -> None:
    """Lower this process's priority, so that annotators' clicks come first.

    A process that leads its own session is its own scheduling group on Linux, and a nice value counts only within a
    group; so the group's value is lowered too, where the kernel has such groups.
    """
    os.nice(niceness)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")
