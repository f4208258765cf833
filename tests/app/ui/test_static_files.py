"""The page's files: every text exists and is used, nothing is interpolated, nothing points to another host."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.ui import STATIC
from app.ui.texts import TEXTS, text

UI = STATIC.parent
SCRIPTS = sorted((STATIC / "js").rglob("*.js"))
TEMPLATES = sorted((UI / "templates").glob("*.html"))


def leaves(node: dict[str, object], path: str = "") -> Iterator[str]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def asked_for() -> tuple[set[str], list[str]]:
    """Keys written out in full, and patterns of keys that are put together."""
    whole: set[str] = set()
    made: list[str] = []
    for script in SCRIPTS:
        source = script.read_text("utf-8")
        whole |= set(re.findall(r"""\bt\(\s*["']([\w.+-]+)["']""", source))
        whole |= set(
            re.findall(r"""["']((?:say|idle|skip|tools|rounds|day|verify|grid|notes|guide)\.[\w.+-]+)["']""", source)
        )
        made += re.findall(r"\bt\(\s*`([^`]+)`", source)
    for template in TEMPLATES:
        whole |= set(re.findall(r'data-t(?:-label|-title|-hint)?="([^"]+)"', template.read_text("utf-8")))
    for module in UI.glob("*.py"):
        whole |= set(re.findall(r'\btext\("([\w.]+)"', module.read_text("utf-8")))
        whole |= set(re.findall(r"\btext\('([\w.]+)'", module.read_text("utf-8")))
        made += re.findall(r'\btext\(f"([^"]+)"', module.read_text("utf-8"))
        made += re.findall(r"\btext\(f'([^']+)'", module.read_text("utf-8"))
    return whole, [re.sub(r"\$?\{[^}]+\}", "*", pattern) for pattern in made]


def test_every_text_that_is_asked_for_exists() -> None:
    known = set(leaves(json.loads(TEXTS.read_text("utf-8"))))
    whole, made = asked_for()
    assert whole <= known
    for pattern in made:
        expression = re.escape(pattern).replace(r"\*", r"[\w+-]+")
        assert any(re.fullmatch(expression, key) for key in known), pattern


def test_no_text_is_left_unused() -> None:
    whole, made = asked_for()
    patterns = [re.escape(pattern).replace(r"\*", r"[\w+-]+") for pattern in made]
    known = leaves(json.loads(TEXTS.read_text("utf-8")))
    unused = [key for key in known if key not in whole and not any(re.fullmatch(p, key) for p in patterns)]
    assert unused == []


def test_a_text_that_does_not_exist_is_named() -> None:
    with pytest.raises(KeyError, match=r"app\.nothing"):
        text("app.nothing")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_templates_interpolate_nothing_and_hold_no_english(template: Path) -> None:
    markup = template.read_text("utf-8")
    assert not any(mark in markup for mark in ("${", "{{", "`"))
    words = re.sub(r"<[^>]+>", " ", markup)
    assert re.findall(r"[A-Za-z]{2,}", words) == []


@pytest.mark.parametrize("path", [*SCRIPTS, *TEMPLATES, *(STATIC / "css").glob("*.css")], ids=lambda path: path.name)
def test_files_are_short_and_point_to_no_other_host(path: Path) -> None:
    source = path.read_text("utf-8")
    assert source.count("\n") <= 300
    assert set(re.findall(r"https?://[^\s\"'`)]+", source)) <= {"http://www.w3.org/2000/svg"}
