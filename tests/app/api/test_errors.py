"""The table of codes, exceptions and statuses, walked both ways."""

import importlib
import inspect

import pytest

from app import errors
from app.errors import ERRORS, FewclickError, InternalError, code_of, error_of, status_of

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
