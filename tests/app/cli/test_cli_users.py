"""`fewclick user`: people are added, given new passwords and switched off without a server."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.passwords import fits_hash
from app.service import open_workspace


@pytest.fixture
def work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    folder = str(tmp_path / "work")
    assert main(["init", folder]) == 0
    capsys.readouterr()
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_people_are_added_listed_reset_and_switched_off(work: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "list", work]) == 0
    assert "nobody has to log in" in capsys.readouterr().out
    assert main(["user", "add", work, "chief", "--role", "operator", "--json"]) == 0
    chief = told(capsys)
    assert main(["user", "add", work, "ann"]) == 0
    first, hint = capsys.readouterr().out.splitlines()
    assert first.startswith("ann (annotator): ")
    assert "not shown again" in hint
    assert main(["user", "reset", work, "ann", "--json"]) == 0
    renewed = told(capsys)["password"]
    assert renewed not in first
    with open_workspace(Path(work)) as service:
        accounts = service.accounts()
    assert fits_hash(accounts["chief"].password_hash, chief["password"])
    assert fits_hash(accounts["ann"].password_hash, renewed)

    assert main(["user", "change", work, "ann", "--inactive", "--role", "scientist"]) == 0
    assert capsys.readouterr().out == "ann: scientist, may not log in\n"
    assert main(["user", "list", work, "--json"]) == 0
    listed = {user["name"]: user for user in told(capsys)["users"]}
    assert (listed["ann"]["role"], listed["ann"]["is_active"]) == ("scientist", False)
    assert main(["user", "list", work]) == 0
    assert "operator" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "ann"], "the first user must be an operator"),
        (["add", "ann", "--role", "boss"], "role"),
        (["add", "a/b", "--role", "operator"], "name"),
        (["reset", "eve"], "there is no user 'eve'"),
        (["change", "eve", "--inactive"], "there is no user 'eve'"),
    ],
)
def test_mistakes_are_one_line_with_exit_code_2(
    work: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    verb, *rest = arguments
    code = main(["user", verb, work, *rest])
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1
    assert code in (1, 2)
