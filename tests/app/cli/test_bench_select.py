"""`fewclick bench select` on a tiny pool, through the command line."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alcore.strategies import STRATEGIES, select
from app.cli import main
from app.selection_bench import read_pool, write_embeddings
from tests.paths import ROOT


def test_the_report_names_time_memory_and_the_rows_of_each_strategy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.json"
    arguments = ["--n", "300", "--dim", "8", "--batch-size", "7", "--strategies", "k_center,entropy", "--out", str(out)]
    assert main(["bench", "select", *arguments]) == 0
    report = json.loads(out.read_text())
    assert {key: report[key] for key in ("n", "dim", "batch_size")} == {"n": 300, "dim": 8, "batch_size": 7}
    assert [result["strategy"] for result in report["results"]] == ["k_center", "entropy"]
    write_embeddings(tmp_path / "same.npy", 300, 8)
    for result in report["results"]:
        assert set(result) == {"strategy", "seconds", "peak_rss_mb", "indices_sha256"}
        assert 0 < result["seconds"] < 60
        assert 20 < result["peak_rss_mb"] < 2000
        pool = read_pool(tmp_path / "same.npy", STRATEGIES[result["strategy"]].needs)
        rows = select(result["strategy"], pool, 7, rng=np.random.default_rng(0)).rows
        assert result["indices_sha256"] == hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()
    text = capsys.readouterr().out.splitlines()
    assert text[0].split()[:2] == ["strategy", "seconds"]
    assert text[1].startswith("k_center")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--strategies", "k_centre"], "unknown strategy 'k_centre'"),
        (["--strategies", "random", "--n", "3"], "greater than or equal to 100"),
        (["--strategies", "random", "--out", "/nowhere/x.json"], "cannot write /nowhere/x.json"),
        ([], "Missing option '--strategies'"),
    ],
)
def test_bad_input_is_told_before_any_work(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "select", *arguments]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_the_drawn_pool_has_what_each_strategy_needs(name: str, tmp_path: Path) -> None:
    write_embeddings(tmp_path / "small.npy", 120, 6)
    pool = read_pool(tmp_path / "small.npy", STRATEGIES[name].needs)
    assert pool.embeddings.dtype == np.float16
    assert len(select(name, pool, 3, rng=np.random.default_rng(0)).rows) == 3


def test_peak_memory_counts_what_was_freed_again() -> None:
    code = (
        "import numpy as np; from app.selection_bench import peak_rss_mb\n"
        "before = peak_rss_mb(); block = np.ones(30_000_000); del block\n"
        "assert 230 < peak_rss_mb() - before < 300, (before, peak_rss_mb())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
