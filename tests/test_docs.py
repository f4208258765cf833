"""Documentation that cannot rot: generated pages are current, and what exists is documented."""

from pathlib import Path

import typer.main

from alcore.encoders.registry import ENCODERS
from alcore.heads import HEADS
from alcore.strategies import STRATEGIES
from app.catalogue import SOURCES
from app.cli import cli
from app.settings import Settings
from docs.generate import PAGES, stale_pages
from prompts.registry import SEGMENTERS
from tests.paths import ROOT


def text_of(page: str) -> str:
    return (ROOT / "docs" / page).read_text("utf-8")


def test_generated_pages_are_up_to_date() -> None:
    assert stale_pages() == [], "run `make docs`"


def test_each_strategy_model_setting_route_and_command_is_documented() -> None:
    text = {name: (ROOT / "docs" / name).read_text("utf-8") for name in PAGES}
    assert [name for name in STRATEGIES if f"`{name}`" not in text["strategies.md"]] == []
    assert [name for name in (*SEGMENTERS, *ENCODERS, *SOURCES) if f"`{name}`" not in text["models.md"]] == []
    assert [name for name in Settings.model_fields if f"`{name}`" not in text["settings.md"]] == []
    assert [name for name in ("auto", *HEADS) if f"`{name}`" not in text_of("concepts.md")] == []
    commands = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
    assert [name for name in commands if f"## fewclick {name}" not in text["cli.md"]] == []
    assert "`PUT /v1/items/{item_id}/annotation`" in text["http.md"]


def test_the_decisions_fit_a_page_each() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert len(decisions) >= 5
    for page in decisions:
        words = page.read_text("utf-8")
        assert len(words.split()) <= 400, page.name
        assert all(part in words for part in ("**Context.**", "**Decision.**", "**What we gave up.**")), page.name


def test_contributing_is_short() -> None:
    assert len((Path(ROOT) / "CONTRIBUTING.md").read_text("utf-8").splitlines()) <= 40
