"""The page's English, from the one file that its JavaScript reads too."""

import json
from functools import cache
from pathlib import Path

TEXTS = Path(__file__).parent / "static" / "texts" / "en.json"


@cache
def _table() -> dict[str, object]:
    table: dict[str, object] = json.loads(TEXTS.read_text("utf-8"))
    return table


def text(key: str, **values: object) -> str:
    """The text of a dotted key, with `{names}` filled in.

    Raises:
        KeyError: the file has no such text.
    """
    node: object = _table()
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            raise KeyError(f"no text {key!r} in {TEXTS.name}")
        node = node[part]
    if not isinstance(node, str):
        raise KeyError(f"{key!r} in {TEXTS.name} is a group of texts, not one text")
    return node.format(**values) if values else node
