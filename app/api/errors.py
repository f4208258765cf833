"""Turns exceptions into answers, by the one table in `app.errors`."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.errors import ERRORS, InvalidRequest, NotFound, TooLarge, code_of, status_of

logger = logging.getLogger(__name__)
_CODES = {404: NotFound.code, 405: "method_not_allowed", 413: TooLarge.code, 422: InvalidRequest.code}


def answer(error: Exception) -> JSONResponse:
    """The body and status of an exception that we know."""
    return JSONResponse({"code": code_of(error), "detail": str(error)}, status_of(error))


def install(app: FastAPI) -> None:
    """Register the handlers."""
    for kind in ERRORS:
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unknown)


def _known(_request: Request, error: Exception) -> JSONResponse:
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


def _unknown(_request: Request, error: Exception) -> JSONResponse:
    """A fault of ours: the details go to the log, not to the caller."""
    logger.error("a request met an unexpected error", exc_info=error)
    detail = "the server met an unexpected error; its log has the details"
    return JSONResponse({"code": code_of(error), "detail": detail}, 500)
