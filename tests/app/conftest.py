"""A service over fakes for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.service import AnnotationService
from tests.app.fakes import FakeModels, InlineRunner
from tests.app.workspaces import open_fake


@pytest.fixture
def fake_models() -> FakeModels:
    return FakeModels()


@pytest.fixture
def inline_runner() -> InlineRunner:
    return InlineRunner()


@pytest.fixture
def fake_service(tmp_path: Path, fake_models: FakeModels, inline_runner: InlineRunner) -> Iterator[AnnotationService]:
    with open_fake(tmp_path / "workspace", models=fake_models, runner=inline_runner) as service:
        yield service
