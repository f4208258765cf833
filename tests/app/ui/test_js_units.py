import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def test_the_pages_javascript_passes_its_own_unit_tests() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; it runs the JavaScript unit tests")
    files = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
    assert files
    done = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
