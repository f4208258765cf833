"""Turns exceptions into answers, by the one table in `app.errors`."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.errors import ERRORS, InvalidRequest, NotFound, TooLarge, code_of, status_of

logger = logging.getLogger(__name__)
_CODES = {404: NotFound.code, 405: "method_not_allowed", 413: TooLarge.code, 422: InvalidRequest.code}

OUR_FAULT = "the server met a fault of its own; its log has the details"
"""What a caller is told of an error from 500 up, beside its code: its text may hold paths and is for the operator."""


def answer(error: Exception) -> JSONResponse:
    """The body and status of an exception."""
    status = status_of(error)
    return JSONResponse({"code": code_of(error), "detail": str(error) if status < 500 else OUR_FAULT}, status)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    for kind in (*ERRORS, Exception):
        app.add_exception_handler(kind, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _failed(_request: Request, error: Exception) -> JSONResponse:
    if status_of(error) >= 500:
        logger.error("a request failed", exc_info=error)
    return answer(error)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
    return answer(InvalidRequest("; ".join(problems)))


def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "http_error")
    return JSONResponse({"code": code, "detail": str(error.detail)}, error.status_code, headers=error.headers)
