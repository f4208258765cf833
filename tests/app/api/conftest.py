"""The API over a service of fakes, without a socket and without the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.server import create_app
from app.service import AnnotationService


@pytest.fixture
def api(fake_service: AnnotationService, tmp_path: Path) -> FastAPI:
    return create_app(tmp_path / "workspace", service=fake_service, with_ui=False)


@pytest.fixture
def http(api: FastAPI) -> Iterator[TestClient]:
    with TestClient(api, base_url="http://127.0.0.1:7860") as client:
        yield client
