"""The import rules of the house: app -> alcore, prompts; neither of these knows the other, the web or a database."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

WEB_AND_STORE = {"gradio", "fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "httpx", "httpx2", "typer"}
FORBIDDEN = {
    "alcore": {"app", "prompts"} | WEB_AND_STORE,
    "prompts": {"app", "alcore"} | WEB_AND_STORE,
    "app/client": {"torch", "gradio", "fastapi", "starlette", "sqlalchemy", "prompts"},
    "app/ui": {"torch", "sqlalchemy", "alcore.heads", "alcore.encoders"},
    "app/api": {"torch", "gradio", "sqlalchemy"},
    "app/store": {"torch", "gradio", "fastapi", "starlette", "prompts"},
}
TORCH_ROOMS = (
    *(
        "alcore/encoders/",
        "alcore/heads/",
        "alcore/weak/losses.py",
        "prompts/sam.py",
        "prompts/mobile_sam.py",
        "prompts/huggingface.py",
    ),
    *(
        "alcore/strategies/engine.py",
        "alcore/weak/losses.py",
        "prompts/weights.py",
        "prompts/adaptation.py",
        "prompts/sam_trainee.py",
        "prompts/builtin/",
    ),
)


def imported_names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; write the package's name"
            yield node.module or ""


def matches(name: str, rule: str) -> bool:
    return name == rule or name.startswith(rule + ".")


@pytest.mark.parametrize("package", FORBIDDEN)
def test_package_imports_only_what_its_layer_may(package: str) -> None:
    broken = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in sorted((ROOT / package).rglob("*.py"))
        for name in imported_names(file)
        if any(matches(name, rule) for rule in FORBIDDEN[package])
    ]
    assert broken == []


def test_torch_lives_only_where_models_are() -> None:
    broken = [
        str(file.relative_to(ROOT))
        for package in ("alcore", "prompts")
        for file in sorted((ROOT / package).rglob("*.py"))
        if not str(file.relative_to(ROOT)).startswith(TORCH_ROOMS)
        and any(matches(name, "torch") for name in imported_names(file))
    ]
    assert broken == []


def test_importing_the_packages_loads_no_heavy_library() -> None:
    light = (
        "alcore, alcore.types, alcore.masks, alcore.strategies, prompts.types, prompts.registry, app.cli, app.client"
    )
    heavy = {"torch", "gradio", "monai", "timm", "transformers", "segment_anything", "faiss"}
    code = f"import sys, {light}; sys.exit(' '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_files_of_the_packages_stay_small() -> None:
    """Three hundred lines; a longer file says in its first lines why it is one piece."""
    long = {
        str(file.relative_to(ROOT)): n
        for package in ("alcore", "prompts", "app")
        for file in (*(ROOT / package).rglob("*.py"), *(ROOT / package).rglob("*.js"))
        if (n := len(file.read_text("utf-8").splitlines())) > 300
    }
    assert long == {}
