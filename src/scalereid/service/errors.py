"""Errors as a client gets them: a status, and a sentence that says what was wrong and what to do."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from scalereid.gallery.forgetting import NotOverwrittenError
from scalereid.gallery.identities import ConflictError
from scalereid.gallery.ledger import ModelChangedError

log = logging.getLogger("scalereid.service")
UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeoutError, ConnectionError, TimeoutError)
"""What is raised where a database or an index does not answer."""
_MOST = 5  # mistakes of a request that are told
_NO_FILE = "Expected UploadFile"  # FastAPI's own words


class NotFoundError(ValueError):
    """What a path names is not there."""


class AlreadyThereError(ValueError):
    """What is to be added is there."""


class NotReadyError(Exception):
    """What the service needs is not there; the message is for the log."""


@dataclass(frozen=True)
class Refusal:
    """Why a request was not done."""

    error: str
    """What was wrong, and what to do."""


REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Refusal, "description": "The request cannot be done; the sentence says why."},
    "503": {"model": Refusal, "description": "The gallery's database, index or model does not answer; try again."},
}
"""What every operation may answer, for its description as JSON."""


def answer_errors(app: FastAPI) -> None:
    """Let an app answer errors as `{"error": "…"}`."""

    @app.exception_handler(NotFoundError)
    def _(_: Request, error: NotFoundError) -> Response:
        return _said(404, str(error))

    @app.exception_handler(AlreadyThereError)
    @app.exception_handler(ConflictError)
    def _(_: Request, error: ValueError) -> Response:
        return _said(409, str(error))

    @app.exception_handler(ValueError)
    def _(_: Request, error: ValueError) -> Response:
        return _said(400, str(error))

    @app.exception_handler(RequestValidationError)
    def _(_: Request, error: RequestValidationError) -> Response:
        return _said(422, mistakes(error.errors()))

    @app.exception_handler(HTTPException)
    def _(_: Request, error: HTTPException) -> Response:
        return _said(error.status_code, str(error.detail), error.headers)

    def unavailable(_: Request, error: Exception) -> Response:
        log.warning(json.dumps({"unavailable": str(getattr(error, "orig", None) or error)}))
        why = "the gallery's database, index or model does not answer; try again, and see the service's log"
        return _said(503, why, {"Retry-After": "5"})

    for kind in (*UNAVAILABLE, NotReadyError, ModelChangedError):
        app.add_exception_handler(kind, unavailable)

    @app.exception_handler(NotOverwrittenError)
    def _(_: Request, error: NotOverwrittenError) -> Response:
        log.warning(json.dumps({"unavailable": str(error)}))
        return _said(503, f"{error}, which whoever runs the service can do; asking again does not")


def mistakes(found: Sequence[Mapping[str, Any]]) -> str:
    """Pydantic's errors in a sentence, where they are, and of many the first few."""
    told = [_told(one) for one in found[:_MOST]]
    return "; ".join(told + [f"and {len(found) - _MOST:,} more"] * (len(found) > _MOST))


def _told(mistake: Mapping[str, Any]) -> str:
    where, what = [*mistake["loc"]], str(mistake["msg"])
    if _NO_FILE in what:
        where, what = [part for part in where if part != "body" and not isinstance(part, int)], "expected a file"
    return ": ".join(filter(None, (".".join(map(str, where)), what)))


async def refuse(
    scope: Scope, receive: Receive, send: Send, status: int, why: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer a request with an error before anything else looks at it."""
    await _said(status, why, {"Connection": "close", **(headers or {})})(scope, receive, send)


def _said(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    # In ASCII, as what was sent may not be text in any encoding, and the sentence may repeat it.
    return Response(json.dumps({"error": why}), status, headers, media_type="application/json")
