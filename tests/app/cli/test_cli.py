"""The command line without a workspace: help, registries, doctor, errors."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from app.cli import cli, main
from app.doctor import safetensors_fault, workspace_state
from tests.paths import ROOT

COMMANDS = {
    "demo", "init", "serve", "project", "import", "embed", "adapt", "select", "train", "export", "report", "simulate",
    "bench", "strategies", "encoders", "segmenters", "heads", "models", "doctor", "user",
}  # fmt: skip


def test_all_commands_are_there() -> None:
    assert set(typer.main.get_command(cli).commands) == COMMANDS  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ["strategies", "encoders", "segmenters", "heads"])
def test_registries_print_a_line_each_and_json_with_the_same_names(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command]) == 0
    text = capsys.readouterr().out
    assert main([command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(text.splitlines()) == len(rows) + 1
    for row in rows:
        assert row["name"] in text
        assert row["summary"]
        assert row["paper"]


def test_the_strategies_of_the_design_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["strategies", "--json"])
    names = {row["name"] for row in json.loads(capsys.readouterr().out)}
    assert names >= {
        "random", "group_random", "k_center", "kmeans_medoid", "typiclust", "least_confidence", "margin", "entropy",
        "dbal", "bald",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["simulat"], "No such command 'simulat'"),
        (["bench", "clicks", "/nowhere/at/all"], "no folder /nowhere/at/all"),
        (["bench", "clicks", ".", "--limit", "0"], "greater than or equal to 1"),
        (["simulate", "/nowhere", "--task", "segmentation", "--out", "x.json"], "no folder /nowhere"),
        (["simulate", ".", "--task", "segmentation", "--out", "/nowhere/x.json"], "cannot write /nowhere/x.json"),
        (["init"], "Missing argument 'WORKSPACE'"),
        (["train", "/nowhere", "p"], "/nowhere"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert says in captured.err
    assert captured.err.count("\n") == 1


def test_help_comes_at_once_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time\n"
        "from app.cli import main\n"
        "assert main(['--help']) == 0 and main(['simulate', '--help']) == 0\n"
        "heavy = {'torch', 'gradio', 'numpy', 'fastapi', 'sqlalchemy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert time.process_time() < 1.5, time.process_time()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "--cold-start" in done.stdout


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from app import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fewclick {__version__}\n"


def test_doctor_finds_this_installation_sound(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)
    assert code == 0, [f for f in findings if f["state"] == "FAIL"]
    checks = {f["check"]: f for f in findings}
    assert {"python", "packages", "device", "store schema", "chromium", "port"} <= set(checks)
    for weights in ("built-in encoder", "built-in segmenter"):
        assert len(checks[weights]["found"].rpartition("sha256 ")[2]) == 64
    assert all(f["fix"] for f in findings if f["state"] != "PASS")


def test_doctor_fails_on_a_folder_that_is_no_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fewclick.db").write_bytes(b"not a database at all, but long enough to look at" * 40)
    (finding,) = workspace_state(tmp_path)
    assert finding.state == "FAIL"
    assert main(["doctor", str(tmp_path / "nothing")]) == 1
    assert "has no fewclick.db" in capsys.readouterr().out


def test_truncated_weights_are_noticed() -> None:
    whole = (ROOT / "alcore" / "encoders" / "weights" / "builtin.safetensors").read_bytes()
    assert safetensors_fault(whole) is None
    assert safetensors_fault(whole[:-1]) == f"{len(whole) - 1} bytes where its header says {len(whole)}"
    assert safetensors_fault(whole[:100]) == "its header cannot be read"
    assert safetensors_fault(b"PK") == "only 2 bytes"
