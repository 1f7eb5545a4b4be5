"""How the service is: health, readiness, metrics, and a line of log for each request."""

import json
import logging
import time
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scalereid import __version__
from scalereid.gallery.checking import Stats
from scalereid.service.state import Acting, Served

router = APIRouter(tags=["health"])
log = logging.getLogger("scalereid.service")
_METHODS = {"GET", "HEAD", "POST", "OPTIONS"}
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


class Measured:
    """Counts and times requests, logs each, and adds the headers that keep other sites out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.registry = app, CollectorRegistry()
        which = ["method", "route"]
        self.requests = Counter(
            "scalereid_requests", "Requests that were answered", [*which, "status"], registry=self.registry
        )
        self.seconds = Histogram("scalereid_request_seconds", "Until an answer was sent", which, registry=self.registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope.setdefault("state", {})["registry"] = self.registry
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *((k, v) for k, v in _HEADERS.items() if k not in there)]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            taken = time.perf_counter() - started
            # Never a path or a method as it was asked: there is no end of them.
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.requests.labels(method, route, status).inc()
            self.seconds.labels(method, route).observe(taken)
            client = scope["client"][0] if scope.get("client") else ""
            line = {"method": method, "route": route, "status": status, "ms": round(1000 * taken, 1)}
            log.info(json.dumps(line | {"client": client, "by": scope["state"].get("by", "")}))


@router.get("/api/health")
def health() -> dict[str, str]:
    """That the process answers."""
    return {"status": "alive", "version": __version__}


@router.get("/api/ready")
def ready(service: Served) -> dict[str, Any]:
    """That it can search: its database answers, and its model is loaded."""
    service.gallery.embedder()
    return {"status": "ready", "sightings": service.gallery.ledger.count()}


@router.get("/api/stats")
def stats(gallery: Acting) -> Stats:
    """What is in the gallery."""
    return gallery.stats()


@router.get("/api/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Counts and times of requests, for Prometheus."""
    return Response(generate_latest(request.state.registry), media_type=CONTENT_TYPE_LATEST)
