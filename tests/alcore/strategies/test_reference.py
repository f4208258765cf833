"""docs/strategies.md is what the registry says, and its example runs."""

import re
from pathlib import Path

from alcore.strategies.reference import render_reference

PAGE = Path(__file__).parents[3] / "docs" / "strategies.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == render_reference(), "run: python -m alcore.strategies.reference > docs/strategies.md"


def test_the_example_on_the_page_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    assert "nearest to the middle of a cluster" in capsys.readouterr().out
