"""Errors as a client gets them: a status, and a sentence that says what was wrong and what to do."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from scalereid.gallery.identities import ConflictError


class NotFoundError(ValueError):
    """What a path names is not there."""


class AlreadyThereError(ValueError):
    """What is to be added is there."""


def answer_errors(app: FastAPI) -> None:
    """Let an app answer errors as `{"error": "…"}`."""

    @app.exception_handler(NotFoundError)
    def _(_: Request, error: NotFoundError) -> JSONResponse:
        return _said(404, str(error))

    @app.exception_handler(AlreadyThereError)
    @app.exception_handler(ConflictError)
    def _(_: Request, error: ValueError) -> JSONResponse:
        return _said(409, str(error))

    @app.exception_handler(ValueError)
    def _(_: Request, error: ValueError) -> JSONResponse:
        return _said(400, str(error))

    @app.exception_handler(RequestValidationError)
    def _(_: Request, error: RequestValidationError) -> JSONResponse:
        return _said(422, "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()))

    @app.exception_handler(HTTPException)
    def _(_: Request, error: HTTPException) -> JSONResponse:
        return _said(error.status_code, str(error.detail), error.headers)


async def refuse(
    scope: Scope, receive: Receive, send: Send, status: int, why: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer a request with an error before anything else looks at it."""
    await _said(status, why, {"Connection": "close", **(headers or {})})(scope, receive, send)


def _said(status: int, why: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": why}, status, headers=dict(headers) if headers else None)
