"""How the service is: health, readiness, metrics, and a line of log for each request."""

import json
import logging
import math
import time
import traceback
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scalereid import __version__
from scalereid.gallery.checking import Stats
from scalereid.service.errors import UNAVAILABLE, NotReadyError, log, refuse
from scalereid.service.state import Acting, Served, embedder

router = APIRouter(tags=["health"])
_METHODS = {"GET", "HEAD", "POST", "OPTIONS"}
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


class Measures:
    """What Prometheus is told of a process."""

    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        which = ["method", "route"]
        self.requests = Counter("scalereid_requests", "Requests that were answered", [*which, "status"], registry=own)
        self.seconds = Histogram("scalereid_request_seconds", "Until an answer was sent", which, registry=own)
        self.in_flight = Gauge("scalereid_requests_in_flight", "Requests under way", registry=own)
        self.sightings = Gauge("scalereid_sightings", "Sightings in the gallery", registry=own)
        self.identities = Gauge("scalereid_identities", "Identities in the gallery", registry=own)
        Info("scalereid", "The version that runs", registry=own).info({"version": __version__})
        ProcessCollector(registry=own)


class Measured:
    """Counts and times requests, logs each, answers what went wrong, and adds the headers that keep other sites out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.measures = app, Measures()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope.setdefault("state", {})["measures"] = self.measures
        started, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *((k, v) for k, v in _HEADERS.items() if k not in there)]
            await send(message)

        self.measures.in_flight.inc()
        failure = {}
        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            failure = {"error": "".join(traceback.format_exception(error))}
            if status:
                raise  # what was begun cannot be answered otherwise
            await refuse(scope, receive, noted, 500, "the service has failed, as its log describes; please report it")
        finally:
            self.measures.in_flight.dec()
            self._note(scope, status, time.perf_counter() - started, failure)

    def _note(self, scope: Scope, status: int, seconds: float, failure: dict[str, str]) -> None:
        # Never a path or a method as it was asked: there is no end of them.
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.measures.requests.labels(method, route, status).inc()
        self.measures.seconds.labels(method, route).observe(seconds)
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": method,
            "route": route,
            "status": status,
            "ms": round(1000 * seconds, 1),
            "client": scope["client"][0] if scope.get("client") else "",
            "by": scope["state"].get("by", ""),
        }
        log.log(logging.ERROR if failure else logging.INFO, json.dumps(line | failure))


@router.head("/api/health", include_in_schema=False)
@router.get("/api/health")
async def health() -> dict[str, str]:
    """That the process answers."""
    return {"status": "alive", "version": __version__}


@router.head("/api/ready", include_in_schema=False)
@router.get("/api/ready")
def ready(service: Served) -> dict[str, Any]:
    """That it can search: its database and its index answer, and its model is loaded, and is the gallery's; 503 otherwise."""
    embedder(service.gallery)
    try:
        service.gallery.index.catch_up()
    except (ValueError, OSError) as error:
        raise NotReadyError(str(error)) from error
    return {"status": "ready", "sightings": service.gallery.ledger.count()}


@router.get("/api/stats")
def stats(gallery: Acting) -> Stats:
    """What is in the gallery."""
    return gallery.stats()


@router.get("/api/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request, service: Served) -> Response:
    """Counts and times of requests, and what the process takes, for Prometheus."""
    measures: Measures = request.state.measures
    try:
        measures.sightings.set(service.gallery.ledger.count())
        measures.identities.set(len(service.gallery.identities.by_number))
    except UNAVAILABLE:
        measures.sightings.set(math.nan)
        measures.identities.set(math.nan)
    return Response(generate_latest(measures.registry), media_type=CONTENT_TYPE_LATEST)
