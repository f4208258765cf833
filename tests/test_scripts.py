"""Benchmarks and the makers of documents run by hand: what they take from the packages must still be there."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("docs/*.py")])
OURS = ("alcore", "app", "prompts", "tests")


def taken(script: Path) -> list[tuple[str, str]]:
    """Module and name of all that a script imports from us, at its top or inside of functions."""
    tree = ast.parse(script.read_text())
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return [(str(f.module), a.name) for f in froms if str(f.module).split(".")[0] in OURS for a in f.names]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_what_a_script_imports_is_there(script: Path) -> None:
    for module, name in taken(script):
        found = hasattr(importlib.import_module(module), name)
        if not found:  # a module of a package
            importlib.import_module(f"{module}.{name}")


def test_a_name_that_is_gone_is_found() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("app.store.tables.job_events")
