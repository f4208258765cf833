"""`fewclick strategies | encoders | segmenters | heads`: what there is, with one line and paper each."""

from collections.abc import Iterable
from typing import Any

import typer

from app.commands.output import AsJson, show, table


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (strategies, encoders, segmenters, heads):
        cli.command()(command)


def strategies(as_json: AsJson = False) -> None:
    """List the query strategies."""
    from alcore.strategies import STRATEGIES

    _show(as_json, STRATEGIES.values(), ("name", "phase", "needs", "cost", "summary", "advice", "paper"))


def encoders(as_json: AsJson = False) -> None:
    """List the foundation encoders."""
    from alcore.encoders.registry import ENCODERS

    _show(as_json, ENCODERS.values(), ("name", "summary", "pixels", "paper", "licence"))


def segmenters(as_json: AsJson = False) -> None:
    """List the promptable segmentation models."""
    from prompts.registry import SEGMENTERS

    _show(as_json, SEGMENTERS.values(), ("name", "summary", "pixels", "paper", "licence"))


def heads(as_json: AsJson = False) -> None:
    """List the task heads."""
    from alcore.heads.registry import HEADS

    _show(as_json, HEADS.values(), ("name", "task", "summary", "paper"))


def _show(as_json: bool, entries: Iterable[object], columns: tuple[str, ...]) -> None:
    """Print the same facts of each entry of a registry."""
    rows: list[dict[str, Any]] = [{column: _plain(getattr(entry, column)) for column in columns} for entry in entries]
    text = table([[_cell(row[column]) for column in columns] for row in rows], header=columns)
    show(as_json, rows, text)


def _plain(value: object) -> object:
    """Sets as sorted lists; everything else as it is."""
    return sorted(value) if isinstance(value, (set, frozenset, tuple)) else value


def _cell(value: object) -> str:
    """A value in a table."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "-")
