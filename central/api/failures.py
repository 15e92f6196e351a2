"""Every error becomes the one error body."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from central.api.models import ErrorBody
from central.errors import CentralError, error_body
from contract.errors import WireError
from contract.wire import MAX_BODY

_CODES = {404: "not-found", 405: "method", 413: "too-large", 400: "bad-request"}
_HINTS = {404: "docs/api.md lists the routes", 413: f"send at most {MAX_BODY} bytes"}
_WIRE_STATUS = {"too-large": 413, "content-type": 415, "encoding": 415}

Responses = dict[int | str, dict[str, Any]]


def declared(*statuses: int) -> Responses:
    """For a route's `responses`: these answer with the error body."""
    return {status: {"model": ErrorBody, "description": HTTPStatus(status).phrase} for status in statuses}


def response(error: CentralError) -> JSONResponse:
    body = error_body(error.code, str(error), hint=error.hint, retryable=error.retryable)
    return JSONResponse(body, error.status, error.headers)


def internal() -> JSONResponse:
    return JSONResponse(
        error_body("internal", "central failed to answer", hint="central's log has the reason", retryable=True), 500
    )


def too_large() -> JSONResponse:
    return JSONResponse(error_body("too-large", HTTPStatus(413).phrase, hint=_HINTS[413]), 413, {"Connection": "close"})


def install(app: FastAPI) -> None:
    @app.exception_handler(CentralError)
    async def _central(_: Request, error: CentralError) -> JSONResponse:
        return response(error)

    @app.exception_handler(WireError)
    async def _wire(_: Request, error: WireError) -> JSONResponse:
        status = _WIRE_STATUS.get(error.code, 400)
        return JSONResponse(error_body(error.code, str(error), hint=error.hint), status)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        code = _CODES.get(error.status_code, phrase.lower().replace(" ", "-"))
        body = error_body(code, error.detail or phrase, hint=_HINTS.get(error.status_code, ""))
        return JSONResponse(body, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        # The value itself is not given back: it may be a password.
        details = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
        return JSONResponse(error_body("invalid", "the request does not fit", details=details), 422)
