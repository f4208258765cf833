import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.processor import share_processor


def test_background_work_leaves_a_core_to_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    share_processor(leave_a_core=True)
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_what_the_operator_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("GOMP_SPINCOUNT", "5")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    share_processor(leave_a_core=True)
    assert (os.environ["OMP_NUM_THREADS"], os.environ["GOMP_SPINCOUNT"]) == ("7", "5")
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_a_job_gives_way_with_its_whole_scheduling_group() -> None:
    code = (
        "import os, pathlib; from app.processor import step_back; step_back(7); print(os.nice(0));"
        "group = pathlib.Path('/proc/self/autogroup'); print(group.read_text() if group.exists() else 'nice 7')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, start_new_session=True
    )
    own, group = done.stdout.splitlines()[:2]
    assert int(own) >= 7
    assert group.endswith("nice 7") or Path("/proc/self/autogroup").exists() is False
