"""How far long work is: a bar where a person looks, lines in a log, nothing on stdout."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli import main
from app.commands import progress as shown
from app.commands.progress import LINE_EVERY_S, progress, progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(shown, "monotonic", stopped)
    return stopped


def test_a_log_gets_whole_lines_now_and_then(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("simulate", "step") as move:
        for done in range(1, 13):
            clock.now += 7
            move(done, 40)
    captured = capsys.readouterr()
    lines = captured.err.splitlines(keepends=True)
    assert captured.out == ""
    assert lines[-1] == "simulate: 12/40 [01:24<03:16]\n"
    assert len(lines) == 4
    assert all(line.endswith("]\n") and "\r" not in line for line in lines)


def test_quick_work_leaves_no_line_in_a_log(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("embed") as move:
        for done in range(100):
            clock.now += LINE_EVERY_S / 101
            move(done, 100)
    assert capsys.readouterr().err == ""


def test_each_stage_has_its_own_time_and_may_have_no_known_end(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("step") as show:
        show("embedding images", 0, 50)
        clock.now += 60
        show("embedding images", 50, 50)
        show("loading the head", 0, 0)
        clock.now += 20
        show("loading the head", 0, 0)
    assert capsys.readouterr().err == "embedding images: 50/50 [01:00<00:00]\nloading the head: 0/? [00:20<?]\n"


def test_a_terminal_gets_a_bar_that_is_wiped_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress("image") as show:
        show("embedding images", 2, 4)
        show("embedding images", 4, 4)
        show("training the head", 1, 10)
    shown_in_turn = terminal.getvalue().split("\r")
    assert "\n" not in terminal.getvalue()
    assert [text for text in shown_in_turn if "embedding" in text and "/10" in text] == []
    assert any("training the head" in text and "/10" in text for text in shown_in_turn)
    assert shown_in_turn[-2].strip() == shown_in_turn[-1] == ""


def test_a_command_in_a_pipeline_tells_its_progress_beside_clean_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shown, "LINE_EVERY_S", 0.0)
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:45] = 1
    for folder, pixels in (("images", mask * 200), ("masks", mask)):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels).save(tmp_path / folder / "a.png")
    assert main(["bench", "clicks", str(tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["n_objects"] == 1
    assert captured.err.startswith("objects: 1/1 [")
