"""The table of codes, exceptions and statuses, walked both ways."""

import importlib
import inspect
import logging

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from alcore.errors import StoreError
from app import errors
from app.api import errors as handlers
from app.errors import ERRORS, FewclickError, InternalError, WorkspaceError, code_of, error_of, status_of
from prompts.errors import DatasetError

MODULES = ("app.errors", "alcore.errors", "prompts.errors")


def defined() -> set[type[Exception]]:
    """All exceptions that the error modules define."""
    return {
        kind
        for name in MODULES
        for kind in vars(importlib.import_module(name)).values()
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == name
    }


def test_every_exception_has_a_status_and_every_row_an_exception() -> None:
    assert set(ERRORS) == defined()


def test_codes_are_distinct_and_each_leads_back_to_its_exception() -> None:
    codes = [kind.code for kind in ERRORS]  # type: ignore[attr-defined]
    assert len(set(codes)) == len(codes)
    for kind in ERRORS:
        assert type(error_of(kind.code, "why")) is kind  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", list(ERRORS), ids=lambda kind: kind.__name__)
def test_an_exception_is_answered_with_its_own_code_and_status(kind: type[Exception]) -> None:
    error = kind("what came, what is allowed")
    assert (code_of(error), status_of(error)) == (kind.code, ERRORS[kind])  # type: ignore[attr-defined]
    assert "what came, what is allowed" in str(error)


def test_a_subclass_that_is_not_listed_takes_its_parents_status() -> None:
    class Special(errors.LeaseLost):
        """Not in the table."""

    assert status_of(Special("x")) == 409


def test_an_exception_that_is_not_ours_is_an_internal_error() -> None:
    assert (code_of(KeyError("x")), status_of(KeyError("x"))) == (InternalError.code, 500)
    assert type(error_of("from_a_newer_server", "x")) is FewclickError


def test_the_tree_in_the_docstring_names_every_exception() -> None:
    for name in MODULES:
        module = importlib.import_module(name)
        for kind in defined():
            if kind.__module__ == name:
                assert kind.__name__ in (module.__doc__ or ""), f"{name} does not draw {kind.__name__}"


def answered(error: Exception) -> tuple[int, dict[str, str]]:
    """Status and body when an endpoint raises this."""
    api = FastAPI()
    handlers.install(api)

    @api.get("/")
    def endpoint() -> None:
        raise error

    with TestClient(api, raise_server_exceptions=False) as http:
        response = http.get("/")
    return response.status_code, response.json()


def test_what_the_caller_can_mend_is_told_in_full() -> None:
    detail = "'set' has no folder 'images/'; a data set holds images/* and masks/*.png"
    assert answered(DatasetError(detail)) == (422, {"code": "dataset_error", "detail": detail})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreError("meta.json of /srv/ward-3/embeddings is damaged"), "store_error"),
        (WorkspaceError("'/srv/ward-3' is no workspace"), "workspace_error"),
        (PermissionError(13, "Permission denied", "/srv/ward-3/fewclick.db"), "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_a_fault_of_the_server_is_named_to_the_caller_and_told_to_the_log(
    error: Exception, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="app.api.errors"):
        assert answered(error) == (500, {"code": code, "detail": handlers.OUR_FAULT})
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is error
