"""Writes docs/strategies.md from the registry: `python -m alcore.strategies.reference > docs/strategies.md`."""

import inspect
import sys
from pathlib import Path

from alcore.strategies.registry import STRATEGIES, Strategy
from alcore.strategies.settings import written

PAGE = Path(__file__).with_name("reference.md")
"""The page with `{table}` and `{notes}` in it."""


def render_reference() -> str:
    """Return the page: an introduction, one table row a strategy, notes on methods and departures, what is left out."""
    rows = []
    for entry in _sorted():
        needs = ", ".join(sorted(entry.needs)) or "-"
        cells = (f"`{entry.name}`", entry.phase, entry.summary, entry.advice, needs, entry.cost, entry.paper)
        rows.append(f"| {' | '.join(cells)} |")
    notes = [f"### `{entry.name}`\n\n{note}\n" for entry in _sorted() if (note := _note(entry))]
    return PAGE.read_text("utf-8").replace("{table}", "\n".join(rows)).replace("{notes}", "\n".join(notes))


def _sorted() -> list[Strategy]:
    """Return the strategies, those for a cold start first."""
    return sorted(STRATEGIES.values(), key=lambda entry: (entry.phase, entry.name))


def _note(entry: Strategy) -> str:
    """Return what follows the first line of a strategy's docstring, and what its settings are by default."""
    settings = [f"`{setting.name}={written(setting.default)}`" for setting in entry.settings.values()]
    note = (inspect.getdoc(entry.function) or "").partition("\n")[2].strip()
    return f"{note}\n\nSettings by default: {', '.join(settings)}." if settings else note


if __name__ == "__main__":
    import alcore.strategies  # noqa: F401  (registers them)

    sys.stdout.write(render_reference())
